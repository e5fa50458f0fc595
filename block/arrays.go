package block

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"storage_exporter/internal/outside"
)

// Array is a Linux software RAID (md).
type Array struct {
	Name  string // as in md0
	Disks int    // how many it should have; 0 where it is not known
	Lacks int    // how many of them it lacks
	// InSync is how many it has, where it has places that were never filled: a disk
	// that is lost and taken out leaves such a place behind. Else it is 0.
	InSync     int
	Broken     bool // it does not serve all without what it lacks
	Rebuilding bool
}

// Arrays are those that a device is, or lies on through partitions, LVM, dm-crypt and
// the like. The name is one that Node takes.
func (s System) Arrays(name string) []Array {
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
		if a, ok := array(e); ok {
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

// array reads what md says of itself; false where it is none.
func array(e entry) (Array, bool) {
	dir := filepath.Join(e.dir, "md")
	files := outside.List(dir, maxFiles)
	if len(files) == 0 {
		return Array{}, false
	}
	a := Array{Name: e.name, Disks: number(dir, "raid_disks"), Broken: line(dir, "array_state") == "broken"}
	m := membersOf(dir, files)
	if slices.Contains(files, "degraded") {
		if a.Lacks = number(dir, "degraded"); a.Disks > 0 {
			a.Lacks = min(a.Lacks, a.Disks)
		}
		if empty := m.neverFilled(line(dir, "level"), a); empty > 0 {
			a.InSync = a.Disks - a.Lacks
			a.Lacks = max(a.Lacks-empty, m.faulty)
			a.Disks = a.InSync + a.Lacks
		}
		a.Rebuilding = line(dir, "sync_action") == "recover"
	} else { // without redundancy it does not count
		a.Lacks = m.faulty
	}
	a.Lacks += m.gone
	if a.Broken {
		a.Lacks = max(a.Lacks, 1)
	}
	return a, true
}

// members is what stands in an array's places.
type members struct {
	last   int // the last place that is filled; -1 where none is known
	faulty int // disks that failed and were not taken out
	gone   int // disks that are there no more, which md has not noticed yet
}

func membersOf(dir string, files []string) members {
	m := members{last: -1}
	for _, name := range files {
		if slot, ok := strings.CutPrefix(name, "rd"); ok {
			if n, err := strconv.Atoi(slot); err == nil {
				m.last = max(m.last, n)
			}
			continue
		}
		if !strings.HasPrefix(name, "dev-") {
			continue
		}
		dev := filepath.Join(dir, name)
		if n, err := strconv.Atoi(line(dev, "slot")); err == nil {
			m.last = max(m.last, n)
		}
		switch state := line(dev, "state"); {
		case strings.Contains(state, "faulty"):
			m.faulty++
		case strings.Contains(state, "in_sync") && outside.Dangles(filepath.Join(dev, "block")):
			m.gone++
		}
	}
	return m
}

// manyPlaces is from how many places on a mirror may have some that were never filled:
// vendors of NAS make one over all bays there might be. A mirror with fewer is made by
// hand, of the disks that it should have.
const manyPlaces = 5

// neverFilled is how many places at an array's end are empty, of those that may be
// so for good: each disk of a mirror has everything. a has what md says.
func (m members) neverFilled(level string, a Array) int {
	if a.Disks < manyPlaces || level != "raid1" && level != "" {
		return 0
	}
	last := m.last
	if last < 0 {
		last = a.Disks - a.Lacks - 1
	}
	return min(max(a.Disks-1-last, 0), a.Lacks)
}

func line(dir, name string) string { return outside.ReadLine(filepath.Join(dir, name)) }

// number is that of a file; 0 where there is none.
func number(dir, name string) int {
	n, err := strconv.Atoi(line(dir, name))
	if err != nil {
		return 0
	}
	return max(n, 0)
}
