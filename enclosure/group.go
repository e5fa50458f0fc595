package enclosure

import (
	"cmp"
	"slices"

	"storage_exporter/block"
)

// pathGroup is the paths that lead to one enclosure, and what one of them reported.
type pathGroup struct {
	paths []*path // by address
	// base is the path that answered, or else the one that would be asked first.
	base     *path
	readings map[string]reading // by component of base
	heard    bool               // base answered
}

// gather finds out which paths lead to the same enclosure.
func gather(paths []*path) []*pathGroup {
	var groups []*pathGroup
	for _, p := range paths {
		i := slices.IndexFunc(groups, func(g *pathGroup) bool {
			return slices.ContainsFunc(g.paths, func(q *path) bool { return sameEnclosure(p, q) })
		})
		if i < 0 {
			groups = append(groups, &pathGroup{paths: []*path{p}})
			continue
		}
		groups[i].paths = append(groups[i].paths, p)
	}
	return groups
}

// sameEnclosure compares by logical id, and by the drives where a vendor gives each
// I/O module an id of its own: a drive sits in one enclosure only. A drive or two may
// be known to one path only, for the kernel matches a new one seconds after it was
// plugged in.
func sameEnclosure(a, b *path) bool {
	mine, theirs := a.driveKeys(), b.driveKeys()
	both := 0
	for key := range mine {
		if theirs[key] {
			both++
		}
	}
	if a.id != "" && a.id == b.id {
		return both > 0 || !contradict(a, b)
	}
	if a.vendor != b.vendor || a.model != b.model || a.vendor+a.model == "" {
		return false
	}
	only := len(mine) + len(theirs) - 2*both
	return both > 0 && both >= only
}

// driveKeys are the WWNs of the drives, with serial numbers as cheap drives share
// a WWN.
func (p *path) driveKeys() map[string]bool {
	keys := make(map[string]bool)
	for _, o := range p.drives {
		if o.identity.WWN != "" {
			keys[o.identity.WWN+" "+o.identity.Serial] = true
		}
	}
	return keys
}

// contradict says whether two paths with one id have other drives in the same
// slots, throughout: then a vendor gave the id to many enclosures. A single other
// drive is one that was just exchanged.
func contradict(a, b *path) bool {
	differ := 0
	for slot, mine := range a.drives {
		theirs, ok := b.drives[slot]
		switch {
		case !ok || !mine.identity.Known() || !theirs.identity.Known():
		case mine.identity.Same(theirs.identity):
			return false
		default:
			differ++
		}
	}
	return differ > 1
}

// describe makes the list: enclosures by id, each id once.
func describe(groups []*pathGroup, all block.Disks) []Enclosure {
	byDrive := all.ByIdentity()
	list := make([]Enclosure, 0, len(groups))
	for _, g := range groups {
		list = append(list, g.describe(all, byDrive))
	}
	moved(list)
	slices.SortStableFunc(list, func(a, b Enclosure) int { return cmp.Compare(a.ID, b.ID) })
	return distinct(list)
}

// distinct marks the ids that several enclosures claim, or that were made of
// addresses that are no text.
func distinct(list []Enclosure) []Enclosure {
	count := make(map[string]int)
	for i := range list {
		count[list[i].ID]++
	}
	used := make(map[string]bool)
	for i := range list {
		e := &list[i]
		if count[e.ID] > 1 {
			e.ID += "@" + e.Paths[0]
		}
		e.ID = unique(e.ID, used)
	}
	return list
}

func (g *pathGroup) describe(all block.Disks, byDrive map[string][]string) Enclosure {
	e := Enclosure{ID: g.id(), Vendor: g.base.vendor, Model: g.base.model, Revision: g.base.revision}
	if g.heard {
		e.AnsweredBy = address(g.base)
	}
	for _, p := range g.paths {
		e.Paths = append(e.Paths, address(p))
	}
	slices.Sort(e.Paths)
	e.Slots = g.slots(all, byDrive)
	return e
}

func address(p *path) string { return cmp.Or(clean([]byte(p.address)), "unnamed") }

// id does not depend on which path answers.
func (g *pathGroup) id() string {
	for _, of := range []func(*path) string{
		func(p *path) string { return p.id },
		func(p *path) string { return p.wwn },
		address,
	} {
		best := ""
		for _, p := range g.paths {
			if id := of(p); id != "" && (best == "" || id < best) {
				best = id
			}
		}
		if best != "" {
			return best
		}
	}
	return ""
}

// place is a slot while the paths' drives are being put into the slots.
type place struct {
	bay      bay
	occupant occupant
	matched  bool
}

func (g *pathGroup) slots(all block.Disks, byDrive map[string][]string) []Slot {
	places := g.places()
	taken := make(map[string]bool) // no disk is in two slots
	for _, p := range places {
		p.occupant.names = slices.DeleteFunc(p.occupant.names, func(name string) bool { return taken[name] })
		for _, name := range p.occupant.names {
			taken[name] = true
		}
	}
	slots := make([]Slot, 0, len(places))
	for _, p := range places {
		// The other paths to the drive, although the kernel matched them with
		// no bay.
		if p.occupant.identity.Known() {
			for _, name := range byDrive[p.occupant.identity.String()] {
				if !taken[name] && p.occupant.identity.Same(all[name].Identity) {
					taken[name] = true
					p.occupant.names = append(p.occupant.names, name)
				}
			}
		}
		slots = append(slots, p.slot(g.readings[p.bay.component], all))
	}
	sortSlots(slots)
	return slots
}

// places are the base's bays with the drives that any path sees in them. A bay
// that only another path has is shown if there is a drive in it.
func (g *pathGroup) places() []*place {
	var places []*place
	byLabel := make(map[string]*place)
	for _, b := range g.base.bays {
		o, matched := g.base.drives[b.label]
		o.names = slices.Clone(o.names)
		p := &place{b, o, matched}
		places = append(places, p)
		byLabel[b.label] = p
	}
	for _, other := range g.paths {
		if other == g.base {
			continue
		}
		for _, b := range other.bays {
			o, matched := other.drives[b.label]
			if !matched {
				continue
			}
			p := byLabel[b.label]
			if p == nil || !p.holds(o.identity) {
				if q := find(places, o.identity); q != nil {
					p = q
				}
			}
			if p == nil {
				// Without a reading: its component is none of the base's.
				p = &place{bay: bay{name: b.name, number: b.number, label: b.label}}
				places = append(places, p)
				byLabel[b.label] = p
			}
			p.add(o)
		}
	}
	return places
}

// find is the place of a drive, by its identity.
func find(places []*place, identity block.Identity) *place {
	if !identity.Known() {
		return nil
	}
	for _, p := range places {
		if p.holds(identity) {
			return p
		}
	}
	return nil
}

func (p *place) holds(identity block.Identity) bool {
	return identity.Known() && p.occupant.identity.Same(identity)
}

// add puts what another path sees in the slot into it. Of two drives that differ,
// one was just exchanged: the first one stays until the next look.
func (p *place) add(o occupant) {
	p.matched = true
	mine := &p.occupant
	switch {
	case !mine.identity.Known():
		o.names = append(mine.names, o.names...)
		*mine = o
	case !o.identity.Known() || p.holds(o.identity):
		mine.names = append(mine.names, o.names...)
	}
}

func (p *place) slot(now reading, all block.Disks) Slot {
	o := p.occupant
	o.names = sorted(o.names)
	s := Slot{
		Slot: p.bay.label, Number: p.bay.number, Name: p.bay.name,
		Status: now.status, Fault: now.fault, Locate: now.locate, Power: now.power,
		Populated:  populated(p.matched, now.status),
		SASAddress: o.sasAddress, WWN: o.identity.WWN, Model: o.identity.Model, Serial: o.identity.Serial,
	}
	for _, name := range o.names {
		s.Devices = append(s.Devices, clean([]byte(name)))
	}
	if len(o.names) > 0 {
		name := all.Preferred(o.names)
		s.Device = clean([]byte(name))
		if d := all[name]; d != nil {
			s.SASAddress = cmp.Or(d.SASAddress, s.SASAddress)
		}
	}
	return s
}

// sorted orders names, each once.
func sorted(names []string) []string {
	slices.SortFunc(names, block.CompareNames)
	return slices.Compact(names)
}
