package zpool

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"storage_exporter/block"
)

// Resolve finds the drives that the pools' vdevs are on. What cannot be found
// has none.
func Resolve(ctx context.Context, system block.System, pools []Pool) {
	names := system.Index(ctx)
	for _, p := range pools {
		for i := range p.Vdevs {
			resolve(names, &p.Vdevs[i])
		}
	}
}

// byID are names that hold a serial number or a WWN: they mean the same disk
// wherever it is plugged in.
const byID = "/dev/disk/by-id/"

// resolve tries the names of a vdev until one leads to a drive. A disk that is
// missing may have another one in its place, so that only names by identity count.
func resolve(names *block.Index, v *Vdev) {
	v.Device, v.Devices = "", nil
	if !v.Leaf || v.Type == typeFile || v.Type == typeDspare {
		return
	}
	var identity, place []string
	if v.DevID != "" && filepath.Base(v.DevID) == v.DevID {
		identity = append(identity, byID+v.DevID)
	}
	if strings.HasPrefix(v.Path, byID) {
		identity = append(identity, v.Path)
	} else if strings.HasPrefix(v.Path, "/") {
		place = append(place, v.Path)
	} else if name := v.Name; filepath.IsLocal(name) {
		identity = append(identity, byID+name)
		place = append(place, "/dev/"+name, "/dev/disk/by-vdev/"+name, "/dev/mapper/"+name)
	}
	if v.PhysPath != "" && filepath.Base(v.PhysPath) == v.PhysPath {
		place = append(place, "/dev/disk/by-path/"+v.PhysPath)
	}
	var tries []string
	switch {
	case v.NotPresent || v.Type == typeMissing || v.State == unavail || v.State == removed:
		tries = identity
	case v.State == "FAULTED" || v.State == "OFFLINE": // it may have been pulled since
		tries = slices.Concat(identity, place)
	default:
		own := min(len(place), 1)
		tries = slices.Concat(place[:own], identity, place[own:])
	}
	for _, name := range tries {
		if node := names.Node(name); node != "" {
			take(names, v, node)
			return
		}
	}
}

// take makes the drives below a device the vdev's.
func take(names *block.Index, v *Vdev, node string) {
	drives, one := names.Drives(node)
	for i, name := range drives {
		drives[i] = strings.ReplaceAll(name, "!", "_") // as the drives' labels have it
	}
	v.Devices = drives
	if one && len(drives) > 0 {
		v.Device = drives[0]
	}
}
