package web

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/overview"
)

// listed is a drive with where it is.
type listed struct {
	*overview.Drive
	State   state
	Place   string
	slot    string // in lower case
	within  string // all that a search looks at, in lower case
	ordinal int    // in the order of the places
}

// newestList is the list of the newest overview that was asked for.
type newestList struct{ atomic.Pointer[revisedList] }

type revisedList struct {
	revision uint64
	list     []listed // never changed
}

// of is the list of a snapshot, made once for each.
func (n *newestList) of(snap cache.Snapshot[overview.Overview]) []listed {
	if l := n.Load(); l != nil && l.revision == snap.Revision {
		return l.list
	}
	l := &revisedList{snap.Revision, listOf(snap.Value)}
	n.Store(l)
	return l.list
}

// listOf lists all drives of an overview, those in slots first.
func listOf(o *overview.Overview) []listed {
	var list []listed
	p := placesOf(o)
	add := func(d *overview.Drive, slot, place string, more ...string) {
		l := listed{Drive: d, State: stateOfDrive(d), Place: place, slot: strings.ToLower(text(slot)), ordinal: len(list)}
		words := slices.Concat([]string{d.Device, d.Serial, d.WWN, d.Model, place}, d.Paths[:min(len(d.Paths), 64)], more)
		for _, m := range d.Pools[:min(len(d.Pools), 16)] {
			words = append(words, m.Pool, m.Vdev)
		}
		for i := range words {
			words[i] = text(words[i])
		}
		l.within = strings.ToLower(strings.Join(words, "\n"))
		list = append(list, l)
	}
	for i := range o.Enclosures {
		e := &o.Enclosures[i]
		for j := range e.Slots {
			s := &e.Slots[j]
			place := p.of(e.ID, s.Slot)
			short := p[e.ID] + s.Slot
			if s.Drive != nil {
				add(s.Drive, s.Slot, place, e.ID, s.Name, short)
			}
			for k := range s.More {
				add(&s.More[k], s.Slot, place, e.ID, s.Name, short)
			}
		}
	}
	for i := range o.Outside {
		add(&o.Outside[i], "", "")
	}
	return list
}

// inquiry is what an address asks of the list of drives.
type inquiry struct {
	query string // words, each of which must be found
	state string // a word of a state; empty: all
	sort  string // a column
	down  bool   // the largest first
}

// maxQuery bounds a search, in bytes.
const maxQuery = 100

func inquiryOf(query url.Values) inquiry {
	i := inquiry{query: strings.Join(strings.Fields(cut(query.Get("q"), maxQuery)), " ")}
	for _, s := range []state{ok, asleep, warning, failing, unknown} {
		if query.Get("state") == s.Word {
			i.state = s.Word
		}
	}
	name, down := strings.CutPrefix(query.Get("sort"), "-")
	i.sort = driveColumns[0].name
	for _, c := range driveColumns {
		if c.name == name {
			i.sort, i.down = name, down
		}
	}
	return i
}

// key is the same for all addresses that ask for the same.
func (i inquiry) key() string { return i.href() }

// href is the address of the list, from the root.
func (i inquiry) href() string {
	query := url.Values{}
	if i.query != "" {
		query.Set("q", i.query)
	}
	if i.state != "" {
		query.Set("state", i.state)
	}
	if sort := i.sort; i.down || sort != driveColumns[0].name {
		if i.down {
			sort = "-" + sort
		}
		query.Set("sort", sort)
	}
	if len(query) == 0 {
		return "drives"
	}
	return "drives?" + query.Encode()
}

// slotNamed is the part of a search that names a slot: that one, not those whose numbers
// begin so.
var slotNamed = regexp.MustCompile(`\bslot (\S+)`)

// choose is the drives of the list that are asked for, in order. The list stays as it is.
func (i inquiry) choose(list []listed) []listed {
	query, slot := strings.ToLower(i.query), ""
	if m := slotNamed.FindStringSubmatch(query); m != nil {
		query, slot = strings.Replace(query, m[0], "", 1), strings.TrimRight(m[1], ",")
	}
	words := strings.Fields(query)
	for k := range words {
		words[k] = strings.TrimPrefix(words[k], "/dev/")
	}
	list = slices.DeleteFunc(slices.Clone(list), func(l listed) bool {
		return slot != "" && l.slot != slot || i.state != "" && l.State.Class != i.state || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(l.within, w) })
	})
	compare := driveColumns[0].compare
	for _, c := range driveColumns {
		if c.name == i.sort {
			compare = c.compare
		}
	}
	slices.SortStableFunc(list, func(a, b listed) int { return cmp.Or(compare(&a, &b, i.down), cmp.Compare(a.ordinal, b.ordinal)) })
	return list
}

// driveColumn is a column of the list. Its order goes up, or down; what is not known
// comes last in both.
type driveColumn struct {
	name, title string
	number      bool // the largest is looked for first
	compare     func(a, b *listed, down bool) int
	cell        func(l *listed) string
}

// driveColumns are the columns, the state and the name first, the numbers last. The
// first one is the usual order.
var driveColumns = []driveColumn{
	{"assessment", "State", false, ranked, func(l *listed) string { return l.State.Word }},
	{"device", "Drive", false, named(func(l *listed) string { return l.Device }), func(l *listed) string { return orDash(l.Device) }},
	{"serial", "Serial", false, named(func(l *listed) string { return l.Serial }), func(l *listed) string { return orDash(l.Serial) }},
	{"model", "Model", false, named(func(l *listed) string { return l.Model }), func(l *listed) string { return orDash(l.Model) }},
	{"place", "Place", false, placed, func(l *listed) string { return orDash(l.Place) }},
	{"pool", "Pool", false, named(poolName), func(l *listed) string { return orDash(poolName(l)) }},
	{"size", "Size", true, numbered(func(l *listed) *float64 { return l.CapacityBytes }), func(l *listed) string { return known(l.CapacityBytes, bytesOf) }},
	{"temperature", "Temperature", true, numbered(func(l *listed) *float64 { return l.TemperatureCelsius }), func(l *listed) string { return known(l.TemperatureCelsius, celsius) }},
	{"hours", "Power-on", true, numbered(func(l *listed) *float64 { return l.PowerOnSeconds }), func(l *listed) string { return known(l.PowerOnSeconds, years) }},
	{"wear", "Wear", true, numbered(func(l *listed) *float64 { return l.WearPercent }), func(l *listed) string { return known(l.WearPercent, percent) }},
	{"errors", "Errors", true, numbered(func(l *listed) *float64 { return l.Errors }), func(l *listed) string { return known(l.Errors, grouped) }},
}

func poolName(l *listed) string {
	if len(l.Pools) == 0 {
		return ""
	}
	return poolsOf(l.Drive)
}

func turned(order int, down bool) int {
	if down {
		return -order
	}
	return order
}

func ranked(a, b *listed, down bool) int {
	return turned(cmp.Compare(a.State.rank, b.State.rank), down)
}

func placed(a, b *listed, down bool) int {
	return cmp.Or(last(a.Place == "", b.Place == ""), turned(cmp.Compare(a.ordinal, b.ordinal), down))
}

func named(of func(*listed) string) func(a, b *listed, down bool) int {
	return func(a, b *listed, down bool) int {
		x, y := of(a), of(b)
		return cmp.Or(last(x == "", y == ""), turned(block.CompareNames(x, y), down))
	}
}

func numbered(of func(*listed) *float64) func(a, b *listed, down bool) int {
	return func(a, b *listed, down bool) int {
		x, y := of(a), of(b)
		if order := last(x == nil, y == nil); order != 0 || x == nil {
			return order
		}
		return turned(cmp.Compare(*x, *y), down)
	}
}

// last puts what is not known behind what is.
func last(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
