package ddn

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"storage_exporter/internal/outside"
	"storage_exporter/volume/mount"
)

// connections are what the client says of its servers.
type connections struct {
	fsname  string
	err     error // why the client could not be asked
	targets []target
	devices devices // the health_check file
	osts    *uint64 // that the file system has, and of these in use; nil where not reported
	active  *uint64
	version string
	rooms   rooms
}

// connections asks the client of the file system that the path lies on. The
// zero value is of a path on no Lustre.
func (b *backend) connections(ctx context.Context) connections {
	ctx, cancel := mount.WithMargin(ctx)
	defer cancel()
	m, _, _, err := b.Point.Find(ctx)
	fsname, ok := fsOf(m.Source)
	if err != nil || m.FSType != "lustre" || !ok {
		return connections{}
	}
	c, err := mount.Guarded(ctx, b.Host, m.Device+" targets", func() (connections, error) {
		return b.client.connections(fsname), nil
	})
	c.fsname, c.err = fsname, err
	return c
}

func (c client) connections(fsname string) connections {
	found := connections{
		targets: c.targets(fsname),
		devices: parseHealthCheck(c.file("health_check"), fsname),
		version: word(strings.TrimPrefix(strings.TrimSpace(string(c.file("version"))), "lustre:")),
	}
	for _, root := range c.roots {
		dirs, err := outside.Names(filepath.Join(root, "lov"), maxNames)
		if err != nil {
			continue
		}
		for _, dir := range dirs {
			mountID, ok := strings.CutPrefix(dir, fsname+"-clilov-")
			if !ok || !isID(mountID) || found.osts != nil {
				continue
			}
			found.osts = mount.Count(strings.TrimSpace(string(c.file("lov", dir, "numobd"))))
			found.active = mount.Count(strings.TrimSpace(string(c.file("lov", dir, "activeobd"))))
		}
	}
	return found
}

// room is what is free on one OST.
type room struct {
	name        string
	total, free uint64 // bytes
}

// rooms are those of the OSTs that report it.
type rooms struct {
	each []room
	all  bool // every OST that serves was asked in time
}

// rooms asks the connected OSTs how much is free on them. That may go to their
// servers, so it waits for the mount to answer, and leaves alone those that are
// meant to be away, are not connected now, or were given up for lack of use.
func (b *backend) rooms(ctx context.Context, state mount.State, c connections) rooms {
	if state.Err != nil || c.err != nil || c.fsname == "" {
		return rooms{}
	}
	ctx, cancel := mount.WithMargin(ctx)
	defer cancel()
	enough, stop := mount.WithMargin(ctx) // many OSTs that take their time do not hang
	defer stop()
	serving := slices.DeleteFunc(slices.Clone(c.targets), func(t target) bool {
		return t.state != "FULL" || t.metadata() || b.watch.ignores(t.name)
	})
	found, err := mount.Guarded(ctx, b.Host, state.Mount.Device+" room", func() (rooms, error) { return roomsOf(enough, serving), nil })
	if err != nil {
		return rooms{}
	}
	return found
}

func roomsOf(ctx context.Context, serving []target) rooms {
	var found rooms
	for _, t := range serving {
		if ctx.Err() != nil {
			return found
		}
		if r, ok := roomOf(t); ok {
			found.each = append(found.each, r)
		}
	}
	found.all = true
	return found
}

func roomOf(t target) (room, bool) {
	for _, dir := range t.dirs {
		total, avail := kib(dir, "kbytestotal"), kib(dir, "kbytesavail")
		if total != nil && avail != nil && *total > 0 && *avail <= *total && *total < 1<<53 {
			return room{t.name, *total << 10, *avail << 10}, true
		}
	}
	return room{}, false
}

func kib(dir, name string) *uint64 {
	content, err := mount.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil
	}
	return mount.Count(strings.TrimSpace(string(content)))
}
