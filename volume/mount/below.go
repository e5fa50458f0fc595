package mount

import (
	"context"

	"golang.org/x/sys/unix"

	"storage_exporter/internal/hang"
)

// Below returns the mounts at and below a directory that can be reached, one of
// each device: what is mounted twice counts once.
func (t Table) Below(dir string) Table {
	var below Table
	seen := map[string]bool{}
	for _, m := range t {
		if !within(m.Point, dir) || seen[m.Device] {
			continue
		}
		if on, ok := t.Covering(m.Point); ok && on.id == m.id {
			seen[m.Device] = true
			below = append(below, m)
		}
	}
	return below
}

// Ask asks a mount of the table whether it answers, as Look does for a path, and
// returns when ctx ends at the latest.
func (h *Host) Ask(ctx context.Context, m Mount) State {
	state := State{Path: m.Point, Real: m.Point, Mount: m}
	local := h.Path(m.Point)
	state.FS, state.Err = hang.Do(ctx, h.guard, m.Device, func() (unix.Statfs_t, error) { return ask(local) })
	return state
}
