package exposition

import (
	"slices"
	"sync"
)

// page is what the collectors have to show in one scrape.
type page struct {
	layout *layout
	texts  [][]*partText // by collector; nil: not asked, or not complete
}

// chunk is a piece of a page: a family's header, or what one part has of it.
type chunk struct {
	text []byte
	sum  uint64 // a hash of the text, as partText's
}

// chunks calls write for each piece of the page in order, until it fails.
func (p *page) chunks(write func(chunk) error) error {
	for i := range p.layout.families {
		place := &p.layout.families[i]
		headed := false
		for _, user := range place.users {
			for _, text := range p.texts[user.collector] {
				lines := text.family(user.family)
				if len(lines) == 0 {
					continue
				}
				if !headed {
					headed = true
					if err := write(chunk{place.header, place.headerSum}); err != nil {
						return err
					}
				}
				if err := write(chunk{lines, text.sums[user.family]}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// size is the page's length in bytes.
func (p *page) size() int {
	n := 0
	_ = p.chunks(func(c chunk) error { n += len(c.text); return nil })
	return n
}

// pages remembers, from one scrape to the next, what depends on the page as a
// whole: which series are duplicates, and the compressed text.
type pages struct {
	mu         sync.Mutex // guards the fields below, the latest first
	unique     []*uniqueness
	compressed []*compressedPage
	segments   []segment // of the page that was compressed last
	tail       []segment // of the last page's tail
}

// maxPages bounds how many pages are remembered: filters make several of them.
const maxPages = 4

// recall returns the item of a short list that is the same, or makes it, and
// forgets what was not asked for longest.
func recall[T any](list *[]T, same func(T) bool, create func() T) T {
	i := slices.IndexFunc(*list, same)
	var item T
	if i >= 0 {
		item = (*list)[i]
	} else {
		item = create()
		i = len(*list)
		*list = append(*list, item)
	}
	copy((*list)[1:i+1], (*list)[:i])
	(*list)[0] = item
	if len(*list) > maxPages {
		*list = slices.Delete(*list, maxPages, len(*list))
	}
	return item
}

// uniqueness is which lines must be left out of the page of these parts. It
// holds as long as no part's label sets change, whatever the values do.
type uniqueness struct {
	series []*[]seriesID // of the parts, in order
	drop   map[*[]seriesID][]int
}

// duplicate is what a collector had that was on the page already.
type duplicate struct {
	series  int
	example string // the line of one of them
}

// dedupe leaves out series that the page already has, the first in the order
// of collectors and parts staying, and returns what that was, by collector.
func (s *pages) dedupe(p *page) []duplicate {
	var series []*[]seriesID
	for _, texts := range p.texts {
		for _, t := range texts {
			series = append(series, t.series)
		}
	}
	u := s.uniqueness(series)
	dropped := make([]duplicate, len(p.texts))
	if len(u.drop) == 0 {
		return dropped
	}
	for c, texts := range p.texts {
		texts = slices.Clone(texts) // those of the flight are shared
		for i, t := range texts {
			if lines := u.drop[t.series]; len(lines) > 0 {
				texts[i], dropped[c].example = t.without(lines)
				dropped[c].series += len(lines)
			}
		}
		p.texts[c] = texts
	}
	return dropped
}

func (s *pages) uniqueness(series []*[]seriesID) *uniqueness {
	s.mu.Lock()
	defer s.mu.Unlock()
	return recall(&s.unique,
		func(u *uniqueness) bool { return slices.Equal(u.series, series) },
		func() *uniqueness { return &uniqueness{series: series, drop: duplicates(series)} })
}

// duplicates finds the lines of each part that an earlier line already has.
func duplicates(series []*[]seriesID) map[*[]seriesID][]int {
	n := 0
	for _, ids := range series {
		n += len(*ids)
	}
	seen := make(map[seriesID]struct{}, n)
	drop := make(map[*[]seriesID][]int)
	for _, ids := range series {
		for line, id := range *ids {
			before := len(seen)
			if seen[id] = struct{}{}; len(seen) == before {
				drop[ids] = append(drop[ids], line)
			}
		}
	}
	return drop
}
