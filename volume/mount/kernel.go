package mount

import (
	"context"
	"path/filepath"
	"strconv"

	"storage_exporter/internal/hang"
)

// Proc is where this process finds a name below the host's procfs.
func (h *Host) Proc(parts ...string) string {
	return filepath.Join(append([]string{h.paths.Proc}, parts...)...)
}

// Sys is where this process finds a name below the host's sysfs.
func (h *Host) Sys(parts ...string) string {
	return filepath.Join(append([]string{h.paths.Sys}, parts...)...)
}

// Count reads a counter; nil where the text is no whole number that is not negative.
func Count(text string) *uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// Guarded calls f, which may sleep in the kernel for ever, and returns when ctx
// ends at the latest: with ErrHung at its deadline, while f goes on. Each key has
// at most one call under way; while that hangs, no other is made. The key of a call
// that touches a mount is its Device. f must not change what its caller uses, since
// it may return at any later time.
func Guarded[T any](ctx context.Context, h *Host, key string, f func() (T, error)) (T, error) {
	return hang.Do(ctx, h.guard, key, f)
}
