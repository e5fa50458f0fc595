package overview

import (
	"cmp"
	"slices"

	"storage_exporter/enclosure"
	"storage_exporter/smart"
)

// bay is a slot by its place in the list of enclosures.
type bay struct{ enclosure, slot int }

// placement says which drives sit where, drives by their places in the lookup's
// list.
type placement struct {
	of map[int]bay
	in map[bay][]int
}

// place finds the slot of each drive, at most one, as the lookup has it.
func place(lookup *smart.Lookup, enclosures []enclosure.Enclosure) placement {
	var bays []bay
	var seen []smart.Sighting
	for i := range enclosures {
		for j := range enclosures[i].Slots {
			s := &enclosures[i].Slots[j]
			bays = append(bays, bay{i, j})
			seen = append(seen, smart.Sighting{Names: s.Names(), WWN: s.WWN, Serial: s.Serial})
		}
	}
	p := placement{of: make(map[int]bay), in: make(map[bay][]int)}
	for n, drives := range lookup.Place(seen) {
		for _, i := range drives {
			p.of[i] = bays[n]
		}
		p.in[bays[n]] = drives
	}
	return p
}

// names are the names of a drive to show: the labels of all devices that lead to
// it, and the names by which its slot knows it unless another drive has them.
func (b *builder) names(i int, s *enclosure.Slot) []string {
	names := slices.Clone(b.in.Drives[i].Paths)
	if s != nil {
		for _, name := range s.Names() {
			label := smart.NodeLabel(name)
			// A namespace is its controller's, which is there.
			if owner, taken := b.lookup.Named(name); !taken || owner == i && label == name {
				names = append(names, label)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { // sdb before sdaa
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return slices.Compact(names)
}
