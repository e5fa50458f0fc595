package mount

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"storage_exporter/block"
	"storage_exporter/internal/hang"
)

// maxOverlays is how deep overlays may lie upon overlays.
const maxOverlays = 4

// under is the mount whose file system an overlay writes to; of any other it is the
// mount itself.
func (t Table) under(m Mount) (Mount, error) {
	for range maxOverlays {
		if m.FSType != "overlay" {
			break
		}
		upper := m.option("upperdir")
		below, ok := t.Covering(filepath.Clean(upper))
		if !filepath.IsAbs(upper) || !ok || below.Device == m.Device {
			return Mount{}, Unsupported("the upper directory of the overlay at %s is not to be seen from here", m.Point)
		}
		m = below
	}
	return m, nil
}

// devices finds the block devices that a mount's file system is on: one, but for
// file systems that span several and know what they lack.
func (p *Point) devices(ctx context.Context, m Mount) (block.Pool, error) {
	if m.FSType == "btrfs" || m.FSType == "bcachefs" {
		return p.members(ctx, m)
	}
	if d, ok := p.host.block.Numbered(m.Device); ok {
		return block.Pool{Devices: []block.Device{d}}, nil
	}
	return block.Pool{}, Unsupported("%s at %s has no block device below", m.FSType, m.Point)
}

// members finds the devices of a file system that has a device number of its own.
// Each copy that it writes counts.
func (p *Point) members(ctx context.Context, m Mount) (block.Pool, error) {
	pools := p.host.block.Btrfs()
	if m.FSType == "bcachefs" {
		pools = p.host.block.Bcachefs()
	}
	pool, ok := p.pool(ctx, m, pools)
	if !ok && m.FSType == "bcachefs" {
		pool.Devices = p.host.listed(m.Source)
	}
	if len(pool.Devices) == 0 {
		return pool, Unsupported("no devices are known of the %s at %s", m.FSType, m.Point)
	}
	return pool, nil
}

// pool finds a mount's file system among those that the kernel has: by what statfs
// says of its identity. A mount's source is a text for people; it is looked at only
// where the file system cannot be asked.
func (p *Point) pool(ctx context.Context, m Mount, pools []block.Pool) (block.Pool, bool) {
	if len(pools) == 1 {
		return pools[0], true
	}
	is := func(pool block.Pool) bool { return pool.UUID == p.asked(m) }
	id, err := p.fsid(ctx, m)
	switch {
	case err == nil:
		is = func(pool block.Pool) bool { own, ok := idOf(m, pool); return ok && own == id }
	case p.asked(m) == "":
		is = func(pool block.Pool) bool { return p.host.named(m, pool) }
	}
	i := slices.IndexFunc(pools, is)
	if i < 0 {
		return block.Pool{}, false
	}
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.pooled, p.uuid = m, pools[i].UUID
	}
	return pools[i], true
}

// asked is the UUID of a mount's file system when it could be asked; empty before.
func (p *Point) asked(m Mount) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pooled.id != m.id || p.pooled.Device != m.Device {
		return ""
	}
	return p.uuid
}

// The kernel's numbers for types of file systems (linux/magic.h).
const (
	btrfsMagic    = 0x9123683e
	bcachefsMagic = 0xca451a4e
)

// errOther says that another file system answers than the table of mounts says.
var errOther = errors.New("another file system answers")

// fsid asks a mount who it is.
func (p *Point) fsid(ctx context.Context, m Mount) ([2]int32, error) {
	local := p.host.Path(m.Point)
	fs, err := hang.Do(ctx, p.host.guard, m.Device, func() (unix.Statfs_t, error) { return ask(local) })
	if magic := uint32(fs.Type); err == nil && magic != btrfsMagic && magic != bcachefsMagic {
		err = errOther
	}
	return fs.Fsid.Val, err
}

func idOf(m Mount, pool block.Pool) ([2]int32, bool) {
	if m.FSType == "bcachefs" {
		return pool.BcachefsID()
	}
	const topLevel = 5
	subvolume, err := strconv.ParseUint(m.option("subvolid"), 10, 64)
	if err != nil {
		subvolume = topLevel
	}
	return pool.BtrfsID(subvolume)
}

// named is whether a mount's source names one of the file system's devices: by its
// node, or as device-mapper calls it.
func (h *Host) named(m Mount, pool block.Pool) bool {
	d, ok := h.block.Named(m.Source)
	return ok && pool.Has(d) || slices.ContainsFunc(pool.Devices, func(d block.Device) bool { return d.Called(filepath.Base(m.Source)) })
}

// listed are the devices that a mount's source lists, as a:b:c.
func (h *Host) listed(source string) []block.Device {
	var devices []block.Device
	for name := range strings.SplitSeq(source, ":") {
		d, ok := h.block.Named(name)
		if !ok {
			return nil
		}
		devices = append(devices, d)
	}
	return devices
}
