package overview

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"storage_exporter/enclosure"
)

// bay is a slot by its place in the list of shelves.
type bay struct{ shelf, slot int }

// placement says which monitored drive sits where.
type placement struct {
	of     map[int]bay    // by the drive's index
	in     map[bay][]int  // the drives of a slot, the first one first
	byName map[string]int // the monitored drive that has a kernel name
}

// place finds the slot of each monitored drive, at most one: by the kernel's
// name, then by WWN, then by serial number. Shelves and drives are observed at
// different moments, so that a name may be another drive's by now: a name
// counts only where the identities do not contradict it. A WWN or a serial
// number that several slots have says nothing.
func place(drives []Monitored, shelves []enclosure.Enclosure) placement {
	p := placement{of: make(map[int]bay), in: make(map[bay][]int), byName: make(map[string]int)}
	for i := range drives {
		for _, name := range drives[i].names() {
			if _, taken := p.byName[name]; !taken {
				p.byName[name] = i
			}
		}
	}
	byWWN, bySerial := make(map[string][]bay), make(map[string][]bay)
	for i := range shelves {
		for j := range shelves[i].Slots {
			s, at := &shelves[i].Slots[j], bay{i, j}
			for _, name := range slotNames(s) {
				d, ok := p.byName[name]
				if ok && !contradict(&drives[d], s) {
					p.put(d, at)
				}
			}
			if s.WWN != "" {
				byWWN[strings.ToLower(s.WWN)] = append(byWWN[strings.ToLower(s.WWN)], at)
			}
			if telling(s.Serial) {
				bySerial[s.Serial] = append(bySerial[s.Serial], at)
			}
		}
	}
	slot := func(at bay) *enclosure.Slot { return &shelves[at.shelf].Slots[at.slot] }
	for i := range drives {
		id := identify(&drives[i])
		p.only(i, byWWN, id.wwns, func(at bay) bool {
			return !differ(id.serials, slot(at).Serial) && (len(p.in[at]) == 0 || slices.Contains(id.serials, slot(at).Serial))
		})
	}
	for i := range drives {
		p.only(i, bySerial, identify(&drives[i]).serials, func(bay) bool { return true })
	}
	return p
}

func (p *placement) put(i int, at bay) {
	if _, placed := p.of[i]; !placed {
		p.of[i] = at
		p.in[at] = append(p.in[at], i)
	}
}

// only puts the drive where one of its keys leads to, if it is a single slot.
func (p *placement) only(i int, index map[string][]bay, keys []string, fits func(bay) bool) {
	if _, placed := p.of[i]; placed {
		return
	}
	var found []bay
	for _, key := range keys {
		for _, at := range index[key] {
			if !slices.Contains(found, at) && fits(at) {
				found = append(found, at)
			}
		}
	}
	if len(found) == 1 {
		p.put(i, found[0])
	}
}

// names are the kernel's names of a drive: its own, and those by which its slot
// knows it unless another monitored drive has them.
func (p *placement) names(i int, m *Monitored, s *enclosure.Slot) []string {
	names := m.names()
	if s != nil {
		for _, name := range slotNames(s) {
			if owner, taken := p.byName[name]; !taken || owner == i {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { // sdb before sdaa
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return slices.Compact(names)
}

// names are the drive's own names.
func (m *Monitored) names() []string {
	names := []string{kernelName(m.Label)}
	for _, label := range m.Paths {
		names = append(names, kernelName(label))
	}
	return names
}

func slotNames(s *enclosure.Slot) []string {
	names := make([]string, 0, len(s.Devices))
	for _, name := range s.Devices {
		names = append(names, kernelName(name))
	}
	if len(names) == 0 && s.Device != "" {
		names = append(names, kernelName(s.Device))
	}
	return names
}

var nvmeNamespace = regexp.MustCompile(`^(nvme\d+)(c\d+)?n\d+$`)

// kernelName is the drive's label of a kernel name. An NVMe controller stands
// for its namespaces.
func kernelName(name string) string {
	if strings.HasPrefix(name, "nvme") {
		if m := nvmeNamespace.FindStringSubmatch(name); m != nil {
			return m[1]
		}
	}
	return strings.ReplaceAll(name, "!", "_")
}

// identity is all that names a drive, as the system and the report tell it.
type identity struct{ wwns, serials []string }

func identify(m *Monitored) identity {
	id := identity{wwns: distinct(strings.ToLower(m.Identity.WWN)), serials: distinct(m.Identity.Serial)}
	if r := m.Report.Snapshot.Value; r != nil {
		id.wwns = distinct(strings.ToLower(r.WWN), id.wwns...)
		id.serials = distinct(r.SerialNumber, id.serials...)
	}
	return id
}

// distinct adds what is not empty and not there.
func distinct(s string, list ...string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// contradict says that the drive is not the one that the shelf saw under its
// name. The drives of one serial number are one, whatever their WWNs: each
// actuator has its own.
func contradict(m *Monitored, s *enclosure.Slot) bool {
	id := identify(m)
	switch {
	case s.Serial != "" && slices.Contains(id.serials, s.Serial):
		return false
	case s.WWN != "" && len(id.wwns) > 0:
		return !slices.Contains(id.wwns, strings.ToLower(s.WWN))
	}
	return differ(id.serials, s.Serial)
}

func differ(serials []string, other string) bool {
	return other != "" && len(serials) > 0 && !slices.Contains(serials, other)
}

// telling says whether a serial number may be a drive's own: docks and cheap
// drives have ones like 0000000000000000.
func telling(serial string) bool {
	return len(serial) >= 4 && strings.Trim(serial, serial[:1]) != ""
}
