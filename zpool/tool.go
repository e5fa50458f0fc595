package zpool

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"storage_exporter/internal/command"
)

const (
	// maxDocument bounds zpool's output, in bytes: 84 disks make some 80 KiB.
	maxDocument = 16 << 20
	// safetyTimeout bounds a run whose caller set no deadline.
	safetyTimeout = time.Minute
)

// forms are the ways to ask, the best first. zpool refuses what it does not know.
//
// Links in paths are left as they are (no -L): those of by-id and by-vdev mean
// the same after a reboot, and what they lead to is looked up by Resolve.
var forms = []struct {
	args []string
	json bool
}{
	{args: []string{"-j", "--json-int", "-P", "-p", "-s"}, json: true}, // OpenZFS 2.3
	{args: []string{"-P", "-p", "-s"}},                                 // 0.8
	{args: []string{"-P"}},                                             // 0.7
}

// environment keeps dates in UTC, and zpool from loading the kernel's module.
var environment = []string{"TZ=UTC0", "ZFS_MODULE_LOADING=NO"}

// Tool runs `zpool status`, and no other subcommand. It may be used by many
// goroutines.
type Tool struct {
	name string

	mu     sync.Mutex // guards the fields below
	binary fs.FileInfo
	form   int // of forms: the first that this binary knows
}

// NewTool makes a Tool of a program's name or path; "zpool" if empty, which is
// looked for in PATH, /sbin and /usr/sbin. Whether it is there shows only when
// it runs.
func NewTool(name string) *Tool { return &Tool{name: cmp.Or(name, "zpool")} }

// Status asks for all pools, without the drives they are on. A host without
// zpool, without ZFS in its kernel, or without a pool has none, and no error.
// There may be pools beside an error: those that zpool could ask.
func (t *Tool) Status(ctx context.Context) ([]Pool, error) {
	ctx, cancel := context.WithTimeout(ctx, safetyTimeout)
	defer cancel()
	path, err := command.Find(t.name, "/usr/sbin", "/sbin")
	if errors.Is(err, fs.ErrNotExist) {
		return []Pool{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("zpool: %w", err)
	}
	binary, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("zpool: %w", err)
	}
	for form := t.firstForm(binary); form < len(forms); form++ {
		out, err := run(ctx, path, forms[form].args...)
		if err != nil {
			return nil, fmt.Errorf("zpool status: %w", err)
		}
		if unknownOption(out) && form+1 < len(forms) {
			continue
		}
		t.remember(binary, form)
		var guids []byte
		if absent, _ := absence(out); !absent && !forms[form].json && out.ExitStatus == 0 {
			if out, guids, err = numbered(ctx, path, forms[form].args, out); err != nil {
				return nil, fmt.Errorf("zpool status: %w", err)
			}
		}
		pools, err := read(out, guids, forms[form].json)
		if err != nil {
			err = fmt.Errorf("zpool status: %w", err)
		}
		return pools, err
	}
	panic("zpool: no form is left") // the last one is never passed over
}

// firstForm is where to begin asking a binary. One that changed is asked anew
// for what it knows.
func (t *Tool) firstForm(binary fs.FileInfo) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.binary == nil || !os.SameFile(t.binary, binary) || !t.binary.ModTime().Equal(binary.ModTime()) || t.binary.Size() != binary.Size() {
		return 0
	}
	return t.form
}

func (t *Tool) remember(binary fs.FileInfo, form int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.binary, t.form = binary, form
}

// numbered asks for the table with guids in place of names. Where the pools
// changed between the two, both are asked for once more: the first one is
// returned too. None is no error: a vdev then goes by its name.
func numbered(ctx context.Context, path string, args []string, named command.Output) (command.Output, []byte, error) {
	for attempt := range 2 {
		out, err := run(ctx, path, append([]string{"-g"}, args...)...)
		if err != nil {
			return named, nil, err
		}
		if out.ExitStatus != 0 {
			break
		}
		if attempt > 0 || sameVdevs(named.Stdout, out.Stdout) {
			return named, out.Stdout, nil
		}
		if again, err := run(ctx, path, args...); err != nil {
			return named, nil, err
		} else if again.ExitStatus == 0 {
			named = again
		}
	}
	return named, nil, nil
}

func run(ctx context.Context, path string, args ...string) (command.Output, error) {
	return command.Run(ctx, command.Command{
		Path: path, Args: append([]string{"status"}, args...), Env: environment, MaxOutput: maxDocument,
	})
}

// unknownOption says whether zpool is too old for an option: it prints its usage.
func unknownOption(out command.Output) bool {
	return out.ExitStatus != 0 && (bytes.Contains(out.Stderr, []byte("invalid option")) || bytes.Contains(out.Stderr, []byte("unrecognized option")))
}

// read makes pools of what zpool printed.
func read(out command.Output, guids []byte, json bool) ([]Pool, error) {
	if absent, err := absence(out); absent {
		return []Pool{}, err
	}
	var pools []Pool
	var err error
	switch {
	case len(bytes.TrimSpace(out.Stdout)) == 0:
		err = fmt.Errorf("%w: it is empty", ErrBadOutput)
	case json:
		pools, err = parseJSON(out.Stdout)
	default:
		pools, err = parseText(out.Stdout, guids)
	}
	if out.ExitStatus != 0 {
		// A pool that could not be asked: the others may be there.
		err = fmt.Errorf("%w: exit status %d: %s", ErrRefused, out.ExitStatus, cmp.Or(out.FirstLine(), "no message"))
	}
	return pools, err
}

// absence says whether there is nothing to read: no pool or no ZFS, which is no
// error, or no way to ask.
func absence(out command.Output) (bool, error) {
	if len(bytes.TrimSpace(out.Stdout)) > 0 && !bytes.HasPrefix(out.Stdout, []byte("no pools available")) {
		return false, nil
	}
	said := string(out.Stderr) + string(out.Stdout)
	contains := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said, w) })
	}
	switch {
	case contains("no pools available", "modules are not loaded", "modules cannot be auto-loaded"):
		return true, nil
	case contains("ermission denied", "Operation not permitted", "must be run as root"):
		return true, ErrPermission
	case contains("/dev/zfs and /proc/self/mounts are required"):
		return true, ErrNoDevice
	}
	return false, nil
}
