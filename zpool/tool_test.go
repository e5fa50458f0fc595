package zpool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/fakezpool/zpooltest"
)

func tank() []fake.Pool { return []fake.Pool{fake.Slots("tank", 1, 3)} }

// names are the pools and vdevs by their IDs.
func names(pools []Pool) string {
	var words []string
	for _, p := range pools {
		words = append(words, p.Name)
		for _, v := range p.Vdevs {
			words = append(words, v.ID)
		}
	}
	return strings.Join(words, " ")
}

const (
	byGUID = "tank 80000000 90000000 90000001 90000002"
	byName = "tank raidz2-0 /dev/disk/by-vdev/A0-part1 /dev/disk/by-vdev/A1-part1 /dev/disk/by-vdev/A2-part1"
)

func TestStatus(t *testing.T) {
	text := fake.Text(tank(), fake.Form{})
	half := fake.JSON(tank())
	half = half[:len(half)/2]
	words := "cannot open the pool cache\n"
	tests := []struct {
		name      string
		behaviour fake.Behaviour
		want      string // names
		err       error
	}{
		{"2.3", fake.Behaviour{Version: "2.3", Pools: tank()}, byGUID, nil},
		{"2.2", fake.Behaviour{Pools: tank()}, byGUID, nil},
		{"0.7", fake.Behaviour{Version: "0.7", Pools: tank()}, byGUID, nil},
		{"no guids", fake.Behaviour{Pools: tank(), PrintGUIDs: &text}, byName, nil},
		{"no pools, as JSON", fake.Behaviour{Version: "2.3"}, "", nil},
		{"no pools, in words", fake.Behaviour{Print: new(""), Stderr: "no pools available"}, "", nil},
		{"no pools, on the other stream", fake.Behaviour{Version: "2.3", Print: new("no pools available\n")}, "", nil},
		{"module not loaded", fake.Behaviour{Version: "2.3", Print: new(""), Exit: 1, Stderr: "The ZFS modules are not loaded.\nTry running 'modprobe zfs' as root to load them."}, "", nil},
		{"module cannot be loaded", fake.Behaviour{Print: new(""), Exit: 1, Stderr: "The ZFS modules cannot be auto-loaded.\nTry running 'modprobe zfs' as root to manually load them."}, "", nil},
		{"no right", fake.Behaviour{Version: "2.3", Print: new(""), Exit: 1, Stderr: "Permission denied the ZFS utilities must be run as root."}, "", ErrPermission},
		{"no device", fake.Behaviour{Version: "2.3", Print: new(""), Exit: 1, Stderr: "/dev/zfs and /proc/self/mounts are required.\nTry running 'udevadm trigger' and 'mount -t proc proc /proc' as root."}, "", ErrNoDevice},
		{"half a JSON", fake.Behaviour{Version: "2.3", Print: &half}, "", ErrBadOutput},
		{"half a JSON and a failure", fake.Behaviour{Version: "2.3", Print: &half, Exit: 1, Stderr: "internal error"}, "", ErrRefused},
		{"silence", fake.Behaviour{Version: "2.3", Print: new("")}, "", ErrBadOutput},
		{"words", fake.Behaviour{Print: &words}, "", ErrBadOutput},
		{"exit 1 with a message", fake.Behaviour{Version: "2.3", Print: new(""), Exit: 1, Stderr: "internal error: out of memory"}, "", ErrRefused},
		{"one of the pools fails", fake.Behaviour{Version: "2.3", Pools: tank(), Exit: 1, Stderr: "cannot open 'usb': I/O error"}, byGUID, ErrRefused},
		{"one of the pools fails, text", fake.Behaviour{Pools: tank(), Exit: 1, Stderr: "cannot open 'usb': I/O error"}, byName, ErrRefused},
		{"no option is known", fake.Behaviour{Version: "2.3", Print: new(""), Exit: 2, Stderr: "unrecognized option '-P'"}, "", ErrRefused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pools, err := NewTool(zpooltest.New(t, tt.behaviour).Path()).Status(t.Context())
			if got := names(pools); got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
			if err == nil && pools == nil {
				t.Error("a list that is not known")
			}
			if line := strings.SplitN(tt.behaviour.Stderr, "\n", 2)[0]; errors.Is(tt.err, ErrRefused) && !strings.Contains(err.Error(), line) {
				t.Errorf("%v: not what zpool said, %q", err, line)
			}
		})
	}
}

func TestNoZpool(t *testing.T) {
	h := zpooltest.New(t, fake.Behaviour{Pools: tank()})
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for name, path := range map[string]string{"a path": filepath.Join(dir, "none"), "a name": "zpool-of-no-system"} {
		if pools, err := NewTool(path).Status(t.Context()); err != nil || len(pools) != 0 || pools == nil {
			t.Errorf("%s: %v, %v", name, pools, err)
		}
	}
	if err := os.Chmod(h.Path(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewTool(h.Path()).Status(t.Context()); !errors.Is(err, os.ErrPermission) {
		t.Errorf("not executable: %v", err)
	}
}

// What is in PATH is found. A name with a slash is the path itself and is not looked
// for.
func TestZpoolInPath(t *testing.T) {
	h := zpooltest.New(t, fake.Behaviour{Pools: tank()})
	t.Setenv("PATH", filepath.Dir(h.Path()))
	if pools, err := NewTool("").Status(t.Context()); names(pools) != byGUID {
		t.Errorf("%q, %v", names(pools), err)
	}
}

func runsOf(h fake.Host, from int) string {
	var runs []string
	for _, r := range h.Runs()[from:] {
		runs = append(runs, strings.TrimPrefix(r, "status "))
	}
	return strings.Join(runs, "; ")
}

func TestFormIsRemembered(t *testing.T) {
	h := zpooltest.New(t, fake.Behaviour{Pools: tank()})
	tool := NewTool(h.Path())
	const (
		json = "-j --json-int -P -p -s"
		text = "-P -p -s"
	)
	status := func(want string) {
		t.Helper()
		before := len(h.Runs())
		if pools, err := tool.Status(t.Context()); err != nil || names(pools) != byGUID {
			t.Fatalf("%q, %v", names(pools), err)
		}
		if got := runsOf(h, before); got != want {
			t.Errorf("ran %s; want %s", got, want)
		}
	}
	status(json + "; " + text + "; -g " + text)
	status(text + "; -g " + text)

	// An upgrade while running.
	if err := h.Behave(fake.Behaviour{Version: "2.3", Pools: tank()}); err != nil {
		t.Fatal(err)
	}
	status(text + "; -g " + text)
	zpooltest.Install(t, h)
	status(json)
	status(json)

	// What differs in one way only: touched, then another file of the same size
	// and time.
	info, err := os.Stat(h.Path())
	if err != nil {
		t.Fatal(err)
	}
	before := info.ModTime().Add(-time.Hour)
	for _, install := range []bool{false, true} {
		if err := h.Behave(fake.Behaviour{Pools: tank()}); err != nil {
			t.Fatal(err)
		}
		status(json + "; " + text + "; -g " + text)
		if install {
			zpooltest.Install(t, h)
		}
		if err := errors.Join(h.Behave(fake.Behaviour{Version: "2.3", Pools: tank()}), os.Chtimes(h.Path(), before, before)); err != nil {
			t.Fatal(err)
		}
		status(json)
	}

	// And back.
	if err := h.Behave(fake.Behaviour{Version: "0.7", Pools: tank()}); err != nil {
		t.Fatal(err)
	}
	zpooltest.Install(t, h)
	status(json + "; " + text + "; -P; -g -P")
	status("-P; -g -P")
}

func TestOnlyStatusIsRun(t *testing.T) {
	h := zpooltest.New(t, fake.Behaviour{Pools: tank()})
	if _, err := NewTool(h.Path()).Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, run := range h.Runs() {
		if !strings.HasPrefix(run, "status ") {
			t.Errorf("ran zpool %s", run)
		}
	}
}

func TestPoolsChangeBetweenTheTables(t *testing.T) {
	other := fake.Text([]fake.Pool{fake.Slots("tank", 1, 2)}, fake.Form{GUIDs: true, Exact: true, Slow: true})
	h := zpooltest.New(t, fake.Behaviour{Pools: tank(), PrintGUIDs: &other})
	pools, err := NewTool(h.Path()).Status(t.Context())
	if err != nil || names(pools) != byName {
		t.Errorf("%q, %v", names(pools), err)
	}
	if got, want := runsOf(h, 1), "-P -p -s; -g -P -p -s; -P -p -s; -g -P -p -s"; got != want {
		t.Errorf("ran %s; want %s", got, want)
	}
}

func TestHangingZpoolIsKilled(t *testing.T) {
	for name, b := range map[string]fake.Behaviour{
		"JSON":       {Version: "2.3", Hang: true},
		"guids":      {Pools: tank(), HangGUIDs: true},
		"other form": {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := zpooltest.New(t, b)
			ctx, cancel := context.WithCancelCause(t.Context())
			enough := errors.New("enough")
			done := make(chan struct{})
			go func() {
				defer close(done)
				for begun := time.Now(); time.Since(begun) < 10*time.Second && !slices.ContainsFunc(h.Runs(), func(run string) bool {
					// The last run of each is the one that hangs.
					return b.HangGUIDs == strings.Contains(run, "-g") && (b.Version == "2.3" || !strings.Contains(run, "-j"))
				}) && ctx.Err() == nil; {
					time.Sleep(5 * time.Millisecond)
				}
				cancel(enough)
			}()
			pools, err := NewTool(h.Path()).Status(ctx)
			cancel(nil)
			<-done
			if !errors.Is(err, enough) || len(pools) != 0 {
				t.Errorf("%v, %v", pools, err)
			}
		})
	}
}

func TestTooMuchOutput(t *testing.T) {
	flood := strings.Repeat(" ", maxDocument+1)
	if _, err := NewTool(zpooltest.New(t, fake.Behaviour{Version: "2.3", Print: &flood}).Path()).Status(t.Context()); err == nil || !strings.Contains(err.Error(), "too much") {
		t.Errorf("%v", err)
	}
}
