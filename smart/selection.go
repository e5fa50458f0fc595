package smart

import (
	"cmp"
	"regexp"
	"slices"

	"storage_exporter/block"
	"storage_exporter/smart/smartctl"
)

// selection makes the monitored set of the scanned and the configured devices.
type selection struct {
	devices          []Device       // configured: always in
	include, exclude *regexp.Regexp // on the labels of scanned devices, unanchored; nil: all, none
}

// chosen is a device to monitor.
type chosen struct {
	Device
	// others are the labels of the other devices that are the same drive, names all
	// other names of it.
	others, names []string
}

// choose returns the devices to monitor, each label and each drive once. reports are
// what the reports of devices say, by the devices' labels.
//
// One drive may have several names: by multipath, a namespace beside its controller,
// a link, a member of a RAID controller that the kernel has as a disk. The first
// configured one counts. Without any it is the first in people's order of those that
// the kernel has not given up, a controller's member last: sda before sdq. So the
// name is the same after each restart, and in each replica.
func (s selection) choose(scanned []Device, reports map[string]said) selected {
	c := choice{reports: reports, seen: make(map[string]bool), byNode: make(map[string]int), byIdentity: make(map[string]int)}
	c.findShared(slices.Concat(s.devices, scanned))
	for _, d := range s.devices {
		c.add(d)
	}
	var unwanted []Device
	for _, d := range slices.SortedStableFunc(slices.Values(scanned), preferred) {
		switch {
		case !s.wanted(d):
			unwanted = append(unwanted, d)
		case d.Virtual != "" && s.include == nil && !slices.ContainsFunc(s.devices, func(c Device) bool { return c.Label() == d.Label() }):
			c.virtual = append(c.virtual, d)
		default:
			c.add(d)
		}
	}
	for _, d := range unwanted { // a name of a drive all the same
		if i, ok := c.find(d); ok {
			c.set[i].names = append(append(c.set[i].names, d.Label()), d.Nodes...)
		}
	}
	for i := range c.set {
		slices.SortFunc(c.set[i].others, block.CompareNames)
	}
	return c.selected
}

// selected is what is monitored, and what is not.
type selected struct {
	set     []chosen
	virtual []Device // left out, as they have no health of their own
	beyond  int      // left out, as there are smartctl.MaxDevices already
}

// choice is being made.
type choice struct {
	selected

	reports    map[string]said
	seen       map[string]bool // labels
	byNode     map[string]int  // index in set
	byIdentity map[string]int  // index in set by the identity's key, as the system or a report has it
	shared     map[string]bool // nodes of which several ports are asked for: each is a drive, the node is none
}

func (c *choice) findShared(devices []Device) {
	c.shared = make(map[string]bool)
	port := make(map[string]string)
	for _, d := range devices {
		if node := d.node(); node != "" && d.port() {
			c.shared[node] = c.shared[node] || port[node] != "" && port[node] != d.Type
			port[node] = d.Type
		}
	}
}

func (c *choice) add(d Device) {
	label := d.Label()
	if c.seen[label] || !d.valid() {
		return
	}
	c.seen[label] = true
	node := d.node()
	if c.shared[node] {
		if !d.port() {
			return
		}
		d.Identity, d.Nodes, d.Apart, node = block.Identity{}, nil, true, ""
	}
	i, known := c.find(d)
	switch {
	case known:
		c.set[i].names = append(c.set[i].names, label)
		if d.Name != c.set[i].Name || d.member() {
			c.set[i].others = append(c.set[i].others, c.label(d))
		}
	case len(c.set) == smartctl.MaxDevices:
		c.beyond++
		return
	default:
		i = len(c.set)
		c.set = append(c.set, chosen{Device: d})
	}
	c.set[i].names = append(append(c.set[i].names, c.label(d)), d.Nodes...)
	if _, taken := c.byNode[node]; node != "" && !taken {
		c.byNode[node] = i
	}
	for _, key := range []string{d.Identity.Key(), c.said(d).identity.Key()} {
		if _, taken := c.byIdentity[key]; key != "" && !taken {
			c.byIdentity[key] = i
		}
	}
}

// find is the drive that has a device already: by its node, by who the system says
// it is, or, where the system does not know one of the two, by who the report says.
func (c *choice) find(d Device) (int, bool) {
	if i, ok := c.byNode[d.node()]; ok {
		return i, true
	}
	key := d.Identity.Key()
	for _, k := range []string{key, c.said(d).identity.Key()} {
		i, ok := c.byIdentity[k]
		if ok && (key == "" || c.set[i].Identity.Key() == "" || c.set[i].Identity.Key() == key) {
			return i, true
		}
	}
	return 0, false
}

// said is what the last report of a device says, unless another drive stands there
// now.
func (c *choice) said(d Device) said {
	if r := c.reports[d.Label()]; r.stood == d.Identity {
		return r
	}
	return said{}
}

func (c *choice) label(d Device) string { return cmp.Or(c.said(d).label, d.Label()) }

// preferred orders the names of one drive.
func preferred(a, b Device) int {
	return cmp.Or(late(a.member())-late(b.member()), late(a.Offline)-late(b.Offline),
		block.CompareNames(a.Label(), b.Label()), cmp.Compare(a.Type, b.Type))
}

// late is what puts a device behind those for which the condition does not hold.
func late(condition bool) int {
	if condition {
		return 1
	}
	return 0
}

// wanted goes by the patterns. An include pattern also brings in the virtual
// disks that it matches.
func (s selection) wanted(d Device) bool {
	l := d.Label()
	return (s.exclude == nil || !s.exclude.MatchString(l)) && (s.include == nil || s.include.MatchString(l))
}
