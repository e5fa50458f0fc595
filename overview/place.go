package overview

import (
	"cmp"
	"slices"

	"storage_exporter/enclosure"
	"storage_exporter/smart"
)

// place finds the drives in each slot of each enclosure, the first one first, by
// their places in the lookup's list. A drive is in one slot at most.
func place(lookup *smart.Lookup, enclosures []enclosure.Enclosure) [][][]int {
	var seen []smart.Sighting
	for i := range enclosures {
		for j := range enclosures[i].Slots {
			s := &enclosures[i].Slots[j]
			seen = append(seen, smart.Sighting{Names: s.Names(), WWN: s.WWN, Serial: s.Serial})
		}
	}
	drives := lookup.Place(seen)
	placed := make([][][]int, len(enclosures))
	for i := range enclosures {
		n := len(enclosures[i].Slots)
		placed[i], drives = drives[:n], drives[n:]
	}
	return placed
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
