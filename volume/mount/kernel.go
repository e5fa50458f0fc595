package mount

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Proc is where this process finds a name below the host's procfs.
func (h *Host) Proc(parts ...string) string {
	return filepath.Join(append([]string{h.paths.Proc}, parts...)...)
}

// Sys is where this process finds a name below the host's sysfs.
func (h *Host) Sys(parts ...string) string {
	return filepath.Join(append([]string{h.paths.Sys}, parts...)...)
}

// Path is where this process finds a path of the host.
func (h *Host) Path(name string) string { return h.local(name) }

// ReadFile reads a kernel file of 16 MiB at most.
func ReadFile(name string) ([]byte, error) { return readFile(name) }

// Names lists a directory in order; some of it, where there are more than so many.
func Names(dir string, most int) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	list, err := d.Readdirnames(most)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.Sort(list)
	return list, err
}

// Guarded calls f, which may sleep in the kernel for ever, and returns when ctx
// ends at the latest: with ErrHung at its deadline, and f goes on by itself. Of
// one key at most one call is under way, and while that hangs no other is made.
// The key of what touches a mount is its Device. f must keep its hands off what
// its caller owns, for it may come back at any later time.
func Guarded[T any](ctx context.Context, h *Host, key string, f func() (T, error)) (T, error) {
	return guarded(ctx, h.guard, key, f)
}

// WithMargin ends a quarter earlier than ctx, so that there is time to say what
// was found.
func WithMargin(ctx context.Context) (context.Context, context.CancelFunc) { return withMargin(ctx) }
