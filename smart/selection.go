package smart

import (
	"cmp"
	"regexp"
	"slices"

	"storage_exporter/block"
)

// selection makes the monitored set of the scanned and the configured devices.
type selection struct {
	devices          []Device       // configured: always in
	include, exclude *regexp.Regexp // on the labels of scanned devices, unanchored; nil: all, none
}

// chosen is a device to monitor.
type chosen struct {
	Device
	paths []string // the labels of all devices that are the same drive, its own among them
}

// choose returns the devices to monitor, each label and each drive once, and
// the virtual disks that were left out.
//
// Of several names of one drive (multipath, a namespace beside its controller, a
// link) the one counts that was configured, the first of several; else the one
// that people count first among those that the kernel has not given up: sda
// before sdq. So it is the same after each restart, and for each replica.
func (s selection) choose(scanned []Device) (set []chosen, leftOut []Device) {
	seen := make(map[string]bool)
	drives := make(map[string]int) // index in set by the identity's key
	add := func(d Device) {
		label, key := d.Label(), d.Identity.Key()
		if seen[label] || !d.valid() {
			return
		}
		if i, ok := drives[key]; ok {
			seen[label] = true
			set[i].paths = append(set[i].paths, label)
			return
		}
		if len(set) == maxDrives {
			return
		}
		seen[label] = true
		if key != "" {
			drives[key] = len(set)
		}
		set = append(set, chosen{d, []string{label}})
	}
	for _, d := range s.devices {
		add(d)
	}
	for _, d := range slices.SortedStableFunc(slices.Values(scanned), preferred) {
		switch {
		case !s.wanted(d):
		case d.Virtual != "" && s.include == nil && !slices.ContainsFunc(s.devices, func(c Device) bool { return c.Label() == d.Label() }):
			leftOut = append(leftOut, d)
		default:
			add(d)
		}
	}
	for i := range set {
		slices.SortFunc(set[i].paths, block.CompareNames)
	}
	return set, leftOut
}

// preferred orders the names of one drive.
func preferred(a, b Device) int {
	if a.Offline != b.Offline {
		if b.Offline {
			return -1
		}
		return 1
	}
	return cmp.Or(block.CompareNames(a.Label(), b.Label()), cmp.Compare(a.Type, b.Type))
}

// wanted goes by the patterns. An include pattern also brings in the virtual
// disks that it matches.
func (s selection) wanted(d Device) bool {
	l := d.Label()
	if s.exclude != nil && s.exclude.MatchString(l) {
		return false
	}
	return s.include == nil || s.include.MatchString(l)
}
