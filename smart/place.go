package smart

import (
	"slices"
	"strings"

	"storage_exporter/block"
)

// Sighting is what a place, such as a slot, knows of the drive in it: the kernel's
// names on all paths to it, and who it is.
type Sighting struct {
	Names       []string
	WWN, Serial string // empty if not known
}

// Place says which drives are in which of the places: for each place those in it,
// the first one first. A drive is in one place at most: where its name leads to, or
// else its WWN, or else its serial number. Places and drives are observed at
// different moments, so that a name may be another drive's by now: a name
// counts only where the identities do not contradict it. A WWN or a serial
// number that several places have says nothing.
func (l *Lookup) Place(places []Sighting) [][]int {
	p := placement{places: places, in: make([][]int, len(places))}
	if l == nil {
		return p.in
	}
	p.placed = make([]bool, len(l.drives))
	byWWN, bySerial := make(map[string][]int), make(map[string][]int)
	for at := range places {
		s := &places[at]
		for _, name := range s.Names {
			if i, ok := l.Named(name); ok && !l.drives[i].contradicts(s) {
				p.put(i, at)
			}
		}
		if s.WWN != "" {
			byWWN[strings.ToLower(s.WWN)] = append(byWWN[strings.ToLower(s.WWN)], at)
		}
		if plausible(s.Serial) {
			bySerial[s.Serial] = append(bySerial[s.Serial], at)
		}
	}
	for i := range l.drives {
		d := &l.drives[i]
		p.only(i, byWWN, d.wwns(), func(at int) bool {
			serial := places[at].Serial
			return !differ(d.serials(), serial) && (len(p.in[at]) == 0 || slices.Contains(d.serials(), serial))
		})
	}
	for i := range l.drives {
		p.only(i, bySerial, l.drives[i].serials(), func(int) bool { return true })
	}
	return p.in
}

// placement is under way.
type placement struct {
	places []Sighting
	in     [][]int // by place
	placed []bool  // by drive
}

func (p *placement) put(i, at int) {
	if !p.placed[i] {
		p.placed[i] = true
		p.in[at] = append(p.in[at], i)
	}
}

// only puts the drive where one of its keys leads to, if it is a single place.
func (p *placement) only(i int, index map[string][]int, keys []string, fits func(at int) bool) {
	if p.placed[i] {
		return
	}
	var found []int
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

func (n *Named) wwns() []string {
	return n.distinct(func(id block.Identity) string { return strings.ToLower(id.WWN) })
}

func (n *Named) serials() []string {
	return n.distinct(func(id block.Identity) string { return id.Serial })
}

func (n *Named) distinct(of func(block.Identity) string) (list []string) {
	for _, id := range n.Identities {
		if s := of(id); s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// contradicts says that the drive is not the one that was seen under its name. The
// drives of one serial number are one, whatever their WWNs: each actuator has its
// own.
func (n *Named) contradicts(s *Sighting) bool {
	wwns, serials := n.wwns(), n.serials()
	switch {
	case s.Serial != "" && slices.Contains(serials, s.Serial):
		return false
	case s.WWN != "" && len(wwns) > 0:
		return !slices.Contains(wwns, strings.ToLower(s.WWN))
	}
	return differ(serials, s.Serial)
}

func differ(serials []string, other string) bool {
	return other != "" && len(serials) > 0 && !slices.Contains(serials, other)
}
