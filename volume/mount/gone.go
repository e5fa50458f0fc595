package mount

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
)

// lost says that what was mounted is gone, in words an operator can act on.
type lost string

func (l lost) Error() string { return string(l) }

func (l lost) Unwrap() error { return ErrNotMounted }

// Lost is the error of what was mounted and is gone. It wraps ErrNotMounted.
func Lost(format string, args ...any) error {
	return lost(fmt.Sprintf(format, args...) + ": mount it again, or reload the configuration if it is not to come back")
}

// memory is what was mounted under a path when it was followed last. What is gone
// stays in it, until it is back or the configuration was reloaded.
type memory struct {
	reloads int64          // of the host, when it was kept
	mount   Mount          // zero before the first time
	inSync  map[string]int // the most disks that arrays had in sync, by name
}

// reloaded forgets what was kept before a reload.
func (k *memory) reloaded(host *Host) {
	if n := host.Reloads(); n != k.reloads {
		*k = memory{reloads: n}
	}
}

// check keeps the mount that a path now leads to, or returns the error that the one
// before is gone. err is why the path could not be followed, to the name at.real.
func (k *memory) check(host *Host, table Table, name string, at location, err error) error {
	k.reloaded(host)
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	was, on := k.mount, at.mount
	switch {
	case err != nil && !missing:
		return err
	case was.Point == "" || !within(at.real, was.Point): // a symbolic link leads elsewhere now
	case on.FSType == "autofs" || was.within(on): // it unmounted itself, and comes back when it is asked
		return err
	case len(on.Point) > len(was.Point):
	case on.Point == was.Point && (sameType(on, was) || was.FSType == "autofs"):
	case on.Point == was.Point && slices.ContainsFunc(table, func(m Mount) bool { return m.id == was.id && m.Device == was.Device }):
		return err // another is mounted over it
	default:
		return was.lost(name, on, missing)
	}
	if err == nil {
		k.mount = on
	}
	return err
}

func (m Mount) lost(name string, on Mount, missing bool) error {
	what := fmt.Sprintf("%s (%s, %s)", m.Point, m.FSType, clean(m.Source))
	switch {
	case missing:
		return Lost("%s does not exist, for %s was mounted and is gone", name, what)
	case on.Point == m.Point:
		return Lost("%s was mounted for %s and is gone, with %s in its place", what, name, on.FSType)
	default:
		return Lost("%s was mounted for %s and is gone, with nothing mounted there", what, name)
	}
}

// within is whether a mount above shows what m did at the same place: the same
// directory of the same file system, or of the same server, whose file systems the
// kernel mounts and unmounts as they are used.
func (m Mount) within(above Mount) bool {
	if m.Point == above.Point || !within(m.Point, above.Point) {
		return false
	}
	rest := strings.TrimPrefix(m.Point, strings.TrimSuffix(above.Point, "/"))
	served := slices.Contains(network, m.FSType) && sameType(m, above) && m.Source == strings.TrimSuffix(above.Source, "/")+rest
	return served || m.same(above)
}

// same is whether a mount at or above m's point shows the same directory there.
func (m Mount) same(above Mount) bool {
	return m.Device == above.Device && m.Root == path.Join(above.Root, strings.TrimPrefix(m.Point, above.Point))
}

func sameType(a, b Mount) bool { return a.FSType == b.FSType || IsNFS(a.FSType) && IsNFS(b.FSType) }
