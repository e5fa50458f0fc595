// Package mount holds what every backend with a mount on this host shares: which
// mount a path lies on, a guard against mounts that hang, and health, usage and
// performance as the kernel reports them. It only reads.
package mount

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"storage_exporter/block"
	"storage_exporter/internal/hang"
)

// Bounds for what comes from outside.
const (
	maxFile  = 16 << 20
	maxLine  = 1 << 20
	maxLinks = 40 // as the kernel
)

// errNoTable says that it is not known what is mounted.
var errNoTable = errors.New("the table of mounts cannot be read: check --path.procfs")

// errNoMount says that a path lies on nothing that is mounted.
var errNoMount = errors.New("no mount covers the path")

// Paths is where the host's file systems are; empty means the usual place.
type Paths struct {
	Proc, Sys, Root string
}

// Host gives access to the mounts of one host.
type Host struct {
	paths Paths
	block block.System
	guard *hang.Guard

	reloads atomic.Int64 // see Forget
}

// NewHost makes a host. onHung is called when a call into a mount begins to hang (+1)
// or returns (-1). Only this counts hung calls: the observation that made one ends
// in time.
func NewHost(paths Paths, onHung func(delta int)) *Host {
	if paths.Proc == "" {
		paths.Proc = "/proc"
	}
	if paths.Sys == "" {
		paths.Sys = "/sys"
	}
	root, err := filepath.Abs(cmp.Or(paths.Root, "/"))
	if err != nil { // there is no current directory
		root = filepath.Join("/", paths.Root)
	}
	paths.Root = root
	system := block.System{Sys: paths.Sys, Dev: filepath.Join(paths.Root, "dev")}
	return &Host{paths: paths, block: system, guard: newGuard(onHung)}
}

// Forget makes what is mounted from now on right, as after a reload: file systems
// that were mounted before and are gone are no more missed.
func (h *Host) Forget() { h.reloads.Add(1) }

// Reloads is how often that was.
func (h *Host) Reloads() int64 { return h.reloads.Load() }

// Mounts reads the host's mounts. It touches none of them.
func (h *Host) Mounts() (Table, error) {
	content, err := h.readProcess("mountinfo")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoTable, err)
	}
	table := parseMountinfo(content, h.paths.Root)
	if h.paths.Root == "/" {
		// A service manager may have given us mounts of our own, to keep us from writing.
		if first, err := ReadFile(h.Proc("1", "mountinfo")); err == nil && !bytes.Equal(first, content) {
			table = table.outside(parseMountinfo(first, "/"))
		}
	}
	return table, nil
}

// readProcess reads a file of a process that sees the host's mounts: of this
// one, or in a container with the host's root mounted, of process 1. Where that is
// hidden, ours shows what is mounted below the host's root.
func (h *Host) readProcess(name string) ([]byte, error) {
	first, then := "self", "1"
	if h.paths.Root != "/" {
		first, then = then, first
	}
	if content, err := ReadFile(h.Proc(first, name)); err == nil {
		return content, nil
	}
	return ReadFile(h.Proc(then, name))
}

// ReadFile reads a kernel file of 16 MiB at most. Such a file is never on a mount
// that may hang.
func ReadFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	return content, err
}

// Path is where this process finds a path of the host.
func (h *Host) Path(name string) string { return filepath.Join(h.paths.Root, name) }

// location is where a path leads to, or with an error what could not be followed.
type location struct {
	real  string // without symbolic links, as the host sees it
	mount Mount
}

// locate follows the path's symbolic links. Each look at a name is guarded as a call
// to the mount that the name lies on. A mount point is no link and is not looked at,
// so that finding a mount does not touch it.
func (h *Host) locate(ctx context.Context, table Table, name string) (location, error) {
	w := walk{real: "/", rest: components(name)}
	for {
		w = w.pastMountPoints(table)
		at := w.real
		if len(w.rest) > 0 {
			at = path.Join(w.real, w.rest[0])
		}
		m, ok := table.Covering(at)
		if !ok {
			return location{}, errNoMount
		}
		if len(w.rest) == 0 {
			return location{real: w.real, mount: m}, nil
		}
		next, err := hang.Do(ctx, h.guard, m.Device, func() (walk, error) { return h.follow(table, w, m.Device) })
		if err != nil {
			if len(next.rest) > 0 { // it returned
				at = path.Join(next.real, next.rest[0])
			}
			return location{real: at, mount: m}, err
		}
		w = next
	}
}

// walk is how far a path was followed. It is a value, so that a call that hangs has
// its own copy.
type walk struct {
	real  string
	rest  []string
	links int
}

func (w walk) pastMountPoints(table Table) walk {
	for len(w.rest) > 0 {
		next := path.Join(w.real, w.rest[0])
		if m, ok := table.Covering(next); !ok || m.Point != next {
			break
		}
		w.real, w.rest = next, w.rest[1:]
	}
	return w
}

// follow goes on as long as the names lie on the device.
func (h *Host) follow(table Table, w walk, device string) (walk, error) {
	for len(w.rest) > 0 {
		w = w.pastMountPoints(table)
		if len(w.rest) == 0 {
			break
		}
		next := path.Join(w.real, w.rest[0])
		if m, ok := table.Covering(next); !ok || m.Device != device {
			break
		}
		info, err := os.Lstat(h.Path(next))
		if err != nil {
			return w, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			w.real, w.rest = next, w.rest[1:]
			continue
		}
		if w.links++; w.links > maxLinks {
			return w, &fs.PathError{Op: "follow", Path: next, Err: syscall.ELOOP}
		}
		target, err := os.Readlink(h.Path(next))
		if err != nil {
			return w, err
		}
		if path.IsAbs(target) {
			w.real = "/"
		}
		w.rest = append(components(target), w.rest[1:]...)
	}
	return w, nil
}

// components splits a path into its names; ".." stays, for it is about where a
// link led to.
func components(name string) []string {
	var names []string
	for part := range strings.SplitSeq(name, "/") {
		if part != "" && part != "." {
			names = append(names, part)
		}
	}
	return names
}
