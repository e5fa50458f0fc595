package enclosure

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"storage_exporter/smart"
)

// disk is a block device of the kernel's: one path to a drive.
type disk struct {
	name       string // as in sda
	identity   smart.Identity
	sasAddress string
	offline    bool // the kernel has given the path up
	// bay is where the kernel says that it sits, seen from its own side.
	bay location
}

// location is a bay as the kernel names it.
type location struct {
	address   string // of the SES device
	component string // the bay's directory
}

// backLink is the start of the name of the link from a drive to its bay.
const backLink = "enclosure_device:"

// disks is what stands in /sys/block, by name.
type disks map[string]*disk

// readDisks identifies the block devices. All of it lies in the kernel's memory:
// no drive is asked.
func (r *Reader) readDisks() disks {
	entries, err := readDir(filepath.Join(r.sysfs, "block"), maxDisks)
	if err != nil {
		return nil
	}
	all := make(disks, len(entries))
	for _, e := range entries {
		dir := filepath.Join(r.sysfs, "block", e.Name(), "device")
		if d, ok := r.readDisk(e.Name(), dir); ok {
			all[d.name] = d
		}
	}
	return all
}

// readDisk is false for what is no drive: loop, md and dm have no device.
func (r *Reader) readDisk(name, dir string) (*disk, bool) {
	files, err := readDir(dir, maxFiles)
	if err != nil {
		return nil, false
	}
	d := &disk{name: name, identity: r.identify(name), sasAddress: parseID(r.text(dir, "sas_address"))}
	switch clean(r.text(dir, "state")) {
	case "offline", "transport-offline", "cancel", "deleted": // as smart takes them
		d.offline = true
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), backLink) {
			continue
		}
		// The link's own name may be cut short.
		if target, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil {
			d.bay = location{address: filepath.Base(filepath.Dir(target)), component: filepath.Base(target)}
			break
		}
	}
	return d, true
}

// identify is who stands behind a kernel name, of a disk or of a generic SCSI
// device.
func (r *Reader) identify(name string) smart.Identity {
	return r.system.Identify(smart.Device{Name: "/dev/" + name, Type: smart.Auto})
}

// same says whether two identities are one drive's. Cheap drives share a WWN, so
// serial numbers that differ speak against it.
func same(a, b smart.Identity) bool {
	if a.WWN != "" || b.WWN != "" {
		return a.WWN == b.WWN && (a.Serial == b.Serial || a.Serial == "" || b.Serial == "")
	}
	return a.Serial != "" && a.Serial == b.Serial && a.Model == b.Model
}

// named says whether there is enough to tell the drive from others.
func named(i smart.Identity) bool { return i.WWN != "" || i.Serial != "" }

// preferred is which of a drive's names, in order, stands for it: the first that
// the kernel has not given up, which is the one that smart monitors. There must
// be one at least.
func (all disks) preferred(names []string) string {
	for _, name := range names {
		if d := all[name]; d != nil && !d.offline {
			return name
		}
	}
	return names[0]
}

// byDrive groups the disks' names by what their drives have in common, so that
// the other paths of a drive are among the few in its group.
func (all disks) byDrive() map[string][]string {
	groups := make(map[string][]string)
	for name, d := range all {
		if named(d.identity) {
			key := d.identity.String()
			groups[key] = append(groups[key], name)
		}
	}
	for _, names := range groups {
		slices.SortFunc(names, compareNames)
	}
	return groups
}
