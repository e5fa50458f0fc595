package mount

import (
	"path/filepath"
	"slices"
	"strings"

	"storage_exporter/block"
)

// maxOverlays is how deep overlays may lie upon overlays.
const maxOverlays = 4

// devices finds the block devices that a mount's file system is on: one, but for
// file systems that span several. deeper bounds overlays upon overlays.
func (h *Host) devices(m Mount, table Table, deeper int) ([]block.Device, error) {
	switch m.FSType {
	case "btrfs":
		return h.btrfsDevices(m)
	case "bcachefs":
		return h.sourceDevices(m)
	case "overlay":
		upper := m.option("upperdir")
		below, ok := table.Covering(filepath.Clean(upper))
		if !filepath.IsAbs(upper) || !ok || below.Device == m.Device || deeper == 0 {
			return nil, Unsupported("the upper directory of the overlay at %s is not to be seen from here", m.Point)
		}
		return h.devices(below, table, deeper-1)
	}
	if d, ok := h.block.Numbered(m.Device); ok {
		return []block.Device{d}, nil
	}
	return nil, Unsupported("%s at %s has no block device below", m.FSType, m.Point)
}

// btrfsDevices finds the file system among those that the kernel has; its mount has
// a device number of its own. Each copy that RAID 1 writes counts.
func (h *Host) btrfsDevices(m Mount) ([]block.Device, error) {
	systems, source := h.block.Btrfs(), filepath.Base(m.Source)
	for _, devices := range systems {
		named := slices.ContainsFunc(devices, func(d block.Device) bool { return d.Called(source) })
		if len(devices) > 0 && (named || len(systems) == 1) {
			return devices, nil
		}
	}
	return nil, Unsupported("no devices are known of the btrfs at %s", m.Point)
}

// sourceDevices finds the devices that a mount's source lists, as a:b:c.
func (h *Host) sourceDevices(m Mount) ([]block.Device, error) {
	var devices []block.Device
	for source := range strings.SplitSeq(m.Source, ":") {
		d, ok := h.block.Named(source)
		if !ok {
			return nil, Unsupported("%s of the %s at %s is no block device that sysfs knows", source, m.FSType, m.Point)
		}
		devices = append(devices, d)
	}
	return devices, nil
}
