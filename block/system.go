// Package block knows the block devices of the kernel: who they are, what they are
// called, what they stand on, whether they work, and what they count. It reads sysfs
// and udev's records, which the kernel and udev keep in memory: no command goes to a
// device, none is woken, and no file of an enclosure's slot is opened.
package block

import (
	"cmp"
	"path/filepath"

	"storage_exporter/internal/outside"
)

// System is where the kernel and udev keep what they know of devices. The zero
// value is this host.
type System struct {
	Sys  string // "/sys" if empty
	Dev  string // "/dev" if empty: what is called /dev/… is looked for there
	Udev string // "/run/udev/data" if empty
}

// Bounds for what comes from outside.
const (
	maxLinks   = 16 // from a path to its device
	maxLayers  = 8  // from a device to its drive: partition, multipath, crypt, ...
	maxParts   = 256
	maxBelow   = 1024 // devices looked at below one
	maxDevices = 65536
	maxFiles   = 1024 // entries of a device's directory
)

func (s System) sys(elem ...string) string {
	return filepath.Join(append([]string{cmp.Or(s.Sys, "/sys")}, elem...)...)
}

// udev is udev's record of the block device with a number, major:minor.
func (s System) udev(number string) string {
	return filepath.Join(cmp.Or(s.Udev, "/run/udev/data"), "b"+number)
}

// entry is what the kernel has under one name.
type entry struct {
	name string
	dir  string // in sysfs
	nvme bool   // an NVMe controller
}

// places are where the kernel lists its devices. Not all kernels list the paths to
// an NVMe namespace (nvme0c1n1) with the other block devices.
var places = []string{"class/block", "class/nvme", "class/scsi_generic", "block"}

// find looks a kernel's name up.
func (s System) find(name string) (entry, bool) {
	if name == "" || name == "." || name == ".." || filepath.Base(name) != name {
		return entry{}, false
	}
	for _, place := range places {
		if dir := s.sys(place, name); outside.Exists(dir) {
			return entry{name: name, dir: dir, nvme: place == "class/nvme"}, true
		}
	}
	return entry{}, false
}
