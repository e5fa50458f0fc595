package block

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"storage_exporter/internal/outside"
)

// Disk is a block device that is a drive, or one path to it.
type Disk struct {
	Name       string // as in sda
	Identity   Identity
	SASAddress string // of the drive's port, as NormalID writes it
	Offline    bool   // the kernel has given the path up
	// Bay is where the kernel says that it sits, seen from the drive's side.
	Bay Bay
}

// Bay is a place in an enclosure as the kernel names it; empty if it names none.
type Bay struct {
	Enclosure string // the address of the SES device, as in 0:0:10:0
	Component string // the directory of the bay
}

// backLink is the start of the name of the link from a drive to its bay.
const backLink = "enclosure_device:"

// Disks are the disks of a host by name.
type Disks map[string]*Disk

// Disks identifies all disks. A host without any, or without sysfs, has an empty
// set.
func (s System) Disks() Disks {
	names := outside.List(s.sys("block"), maxDevices)
	all := make(Disks, len(names))
	for _, name := range names {
		dir := s.sys("block", name)
		files := outside.List(filepath.Join(dir, "device"), maxFiles)
		if files == nil { // loop, md and dm have no device
			continue
		}
		d := entry{name: name, dir: dir}
		all[name] = &Disk{
			Name: name, Identity: s.identify(d), Offline: offline(d), Bay: bay(filepath.Join(dir, "device"), files),
			SASAddress: NormalID(outside.ReadLine(filepath.Join(dir, "device/sas_address"))),
		}
	}
	return all
}

// bay follows a drive's link to its bay. The link's own name may be cut short.
func bay(dir string, files []string) Bay {
	for _, name := range files {
		if !strings.HasPrefix(name, backLink) {
			continue
		}
		if target, err := os.Readlink(filepath.Join(dir, name)); err == nil {
			return Bay{Enclosure: filepath.Base(filepath.Dir(target)), Component: filepath.Base(target)}
		}
	}
	return Bay{}
}

// Preferred is which of a drive's names, in order, stands for it: the first that
// the kernel has not given up, which is the one that is monitored. There must be
// one at least.
func (all Disks) Preferred(names []string) string {
	for _, name := range names {
		if d := all[name]; d != nil && !d.Offline {
			return name
		}
	}
	return names[0]
}

// ByIdentity groups the disks' names, in order, by the text of their identities,
// so that all names of a drive are among the few in its group.
func (all Disks) ByIdentity() map[string][]string {
	groups := make(map[string][]string)
	for name, d := range all {
		if d.Identity.Known() {
			key := d.Identity.String()
			groups[key] = append(groups[key], name)
		}
	}
	for _, names := range groups {
		slices.SortFunc(names, CompareNames)
	}
	return groups
}
