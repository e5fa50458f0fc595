package mount

import (
	"path/filepath"
	"strings"
)

// maxOverlays is how deep overlays may lie upon overlays.
const maxOverlays = 4

// devices finds the block devices that a mount's file system is on: one, but for
// file systems that span several. deeper bounds overlays upon overlays.
func (h *Host) devices(m Mount, table Table, deeper int) ([]blockDevice, error) {
	switch m.FSType {
	case "btrfs":
		return h.btrfsDevices(m)
	case "bcachefs":
		return h.sourceDevices(m)
	case "overlay":
		upper := m.option("upperdir")
		below, ok := table.Covering(filepath.Clean(upper))
		if !filepath.IsAbs(upper) || !ok || below.Device == m.Device || deeper == 0 {
			return nil, unsupported("the upper directory of the overlay at %s is not to be seen from here", m.Point)
		}
		return h.devices(below, table, deeper-1)
	}
	if b, ok := h.block(m.Device); ok {
		return []blockDevice{b}, nil
	}
	return nil, unsupported("%s at %s has no block device below", m.FSType, m.Point)
}

// btrfsDevices finds the file system among those that sysfs lists; its mount has
// a device number of its own. Each copy that RAID 1 writes counts.
func (h *Host) btrfsDevices(m Mount) ([]blockDevice, error) {
	systems, err := filepath.Glob(filepath.Join(h.paths.Sys, "fs", "btrfs", "*-*", "devices"))
	if err != nil {
		return nil, err
	}
	source := filepath.Base(m.Source)
	for _, system := range systems {
		devices, named := h.btrfsMembers(system, source)
		if len(devices) > 0 && (named || len(systems) == 1) {
			return devices, nil
		}
	}
	return nil, unsupported("no devices are known of the btrfs at %s", m.Point)
}

// btrfsMembers lists a file system's devices, in the order of their names, and
// whether the source of a mount is among them.
func (h *Host) btrfsMembers(dir, source string) (devices []blockDevice, named bool) {
	members, err := filepath.Glob(dir + "/*")
	if err != nil {
		return nil, false
	}
	for _, member := range members {
		b, ok := h.blockIn(member)
		if !ok {
			return nil, false // a part would look like less load
		}
		mapped, err := readFile(member + "/dm/name")
		if filepath.Base(member) == source || (err == nil && strings.TrimSpace(string(mapped)) == source) {
			named = true
		}
		devices = append(devices, b)
	}
	return devices, named
}

// sourceDevices finds the devices that a mount's source lists, as a:b:c.
func (h *Host) sourceDevices(m Mount) ([]blockDevice, error) {
	var devices []blockDevice
	for source := range strings.SplitSeq(m.Source, ":") {
		b, ok := h.blockNamed(source)
		if !ok {
			return nil, unsupported("%s of the %s at %s is no block device that sysfs knows", source, m.FSType, m.Point)
		}
		devices = append(devices, b)
	}
	return devices, nil
}
