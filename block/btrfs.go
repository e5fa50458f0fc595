package block

import (
	"path/filepath"
	"strings"

	"storage_exporter/internal/outside"
)

// Btrfs are the file systems of that type that the kernel has, each as its devices
// by name. One of which a device is not known has none here: a part would look like
// less load.
func (s System) Btrfs() [][]Device {
	var systems [][]Device
	for _, uuid := range outside.List(s.sys("fs/btrfs"), maxFiles) {
		if !strings.Contains(uuid, "-") { // features and the like
			continue
		}
		dir := s.sys("fs/btrfs", uuid, "devices")
		var devices []Device
		whole := true
		for _, name := range outside.List(dir, maxParts) {
			d, ok := s.in(filepath.Join(dir, name))
			devices, whole = append(devices, d), whole && ok
		}
		if !whole {
			devices = nil
		}
		systems = append(systems, devices)
	}
	return systems
}

// Called is whether a name is the kernel's for the device or device-mapper's.
func (d Device) Called(name string) bool {
	return name != "" && (d.Name == name || outside.ReadLine(d.dir+"/dm/name") == name)
}
