package block

import (
	"path/filepath"
	"strconv"

	"storage_exporter/internal/outside"
)

// Array is a Linux software RAID (md) that lacks disks.
type Array struct {
	Name       string // as in md0
	Lacks      int    // how many of its disks it lacks, at least one
	Disks      int    // how many it should have; 0 where it is not known
	Rebuilding bool
}

// Degraded are the arrays that lack disks, of those that a device is, or lies on
// through partitions, LVM, dm-crypt and the like. The name is one that Node takes.
func (s System) Degraded(name string) []Array {
	var found []Array
	seen := make(map[string]bool)
	var walk func(name string, layers int)
	walk = func(name string, layers int) {
		if layers == 0 || seen[name] || len(seen) >= maxBelow {
			return
		}
		seen[name] = true
		e, ok := s.find(name)
		if !ok {
			return
		}
		if a := array(e); a.Lacks > 0 {
			found = append(found, a)
		}
		below, _ := s.below(e)
		for _, b := range below {
			walk(b, layers-1)
		}
	}
	walk(s.Node(name), maxLayers)
	return found
}

// array reads what md says of itself; it lacks nothing where it is none.
func array(e entry) Array {
	number := func(file string) int {
		n, err := strconv.Atoi(outside.ReadLine(filepath.Join(e.dir, "md", file)))
		if err != nil {
			return 0
		}
		return max(n, 0)
	}
	a := Array{Name: e.name, Lacks: number("degraded")}
	if a.Lacks > 0 {
		a.Disks = number("raid_disks")
		a.Rebuilding = outside.ReadLine(filepath.Join(e.dir, "md/sync_action")) == "recover"
	}
	return a
}
