package enclosure

import (
	"cmp"
	"slices"
	"strconv"
)

// label gives each bay of a path a label that no other of its bays has: its
// number, or its name where the number is absent or repeated. It depends on the
// enclosure alone, not on the order in which bays are found.
func label(bays []bay) {
	count := make(map[int]int)
	for i := range bays {
		if n := bays[i].number; n != nil {
			count[*n]++
		}
	}
	used := make(map[string]bool)
	for i := range bays {
		if n := bays[i].number; n != nil && count[*n] == 1 {
			bays[i].label = strconv.Itoa(*n)
			used[bays[i].label] = true
		}
	}
	for i := range bays {
		b := &bays[i]
		if b.label != "" {
			continue
		}
		b.label = unique(cmp.Or(b.name, "unnamed"), used)
	}
}

// unique marks a name that is used already, as two names may differ only in blanks
// or in bytes that are no text.
func unique(name string, used map[string]bool) string {
	free := name
	for n := 2; used[free]; n++ {
		free = name + " #" + strconv.Itoa(n)
	}
	used[free] = true
	return free
}

// sortSlots orders slots by number, those without one last and by name, as
// people count.
func sortSlots(slots []Slot) {
	slices.SortFunc(slots, func(a, b Slot) int {
		if c := cmp.Compare(order(a), order(b)); c != 0 {
			return c
		}
		return cmp.Or(compareNames(a.Name, b.Name), compareNames(a.Slot, b.Slot))
	})
}

func order(s Slot) int {
	if s.Number == nil {
		return maxNumber + 1
	}
	return *s.Number
}

// compareNames orders Slot 9 before Slot 10.
func compareNames(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
