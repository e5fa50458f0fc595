package rest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"storage_exporter/volume"
)

// leastWindow is the shortest time between two readings that makes a rate.
const leastWindow = 500 * time.Millisecond

// Counters are what an appliance counts of one object.
type Counters struct {
	// ID names the object for as long as its counters go on, as its UUID does.
	ID string
	// At is when the counters were read, by the appliance's clock.
	At          time.Time
	Read, Write Counted
}

// Counted only ever grows, until it begins anew. Nil is "not counted", or a figure
// that is not to be trusted now.
type Counted struct {
	Ops, Bytes *uint64
	Usec       *uint64 // microseconds, summed over the operations
}

// Rates turns the counters of an appliance's volumes into rates. It keeps the
// previous reading of each and may be used by many at a time.
type Rates struct {
	longest time.Duration

	mu     sync.Mutex // guards the readings
	before map[string]reading
}

// reading is a volume's counters and what they made.
type reading struct {
	parts []Counters
	last  *volume.Performance // nil when there was nothing to compare with
	at    time.Time           // of the newest part
	seen  time.Time           // by our clock
}

// NewRates makes an empty one. A window that is longer than longest, such as ten
// intervals, says nothing about now: it only starts the next.
func NewRates(longest time.Duration) *Rates {
	return &Rates{longest: longest, before: map[string]reading{}}
}

// Next takes a reading of a volume's counters and returns the rates since the one
// before, and when they were measured by the appliance's clock. Several parts are
// added up: they are the members of one volume, and all must be there. A figure is
// nil where a counter went backwards, or was zero and is not any more (vendors
// show zero for a moment while a node is away); a bad figure does not spoil the
// others. The same reading again gives the same rates. volume.ErrNoSample says
// that there is nothing to compare with.
func (r *Rates) Next(name string, parts ...Counters) (volume.Performance, time.Time, error) {
	parts = slices.SortedFunc(slices.Values(parts), func(a, b Counters) int { return cmp.Compare(a.ID, b.ID) })
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.forget(now)
	next, was := reading{parts: parts, seen: now}, r.before[name]
	same := len(parts) > 0 && slices.EqualFunc(was.parts, parts, func(a, b Counters) bool {
		return a.ID == b.ID && !b.At.Before(a.At)
	})
	shortest, longest := r.longest, time.Duration(0)
	for i, p := range parts {
		if same {
			window := p.At.Sub(was.parts[i].At)
			shortest, longest = min(shortest, window), max(longest, window)
		}
		if p.At.After(next.at) {
			next.at = p.At
		}
	}
	switch {
	case same && longest > r.longest:
	case same && shortest < leastWindow: // the old one stays the base until all parts moved on
		next.parts, next.last, next.at = was.parts, was.last, was.at
	case same:
		next.last = between(was.parts, parts)
	}
	r.before[name] = next
	if next.last == nil {
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	return *next.last, next.at, nil
}

// Drop forgets a volume's reading, as when the appliance says that its counters
// are not complete now: the window that starts here would not be, either.
func (r *Rates) Drop(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.before, name)
}

// forget drops what was not read for long; r.mu is held.
func (r *Rates) forget(now time.Time) {
	for name, reading := range r.before {
		if now.Sub(reading.seen) > 2*r.longest {
			delete(r.before, name)
		}
	}
}

// between adds up what the parts did; nil when no figure is good.
func between(was, now []Counters) *volume.Performance {
	var read, write sum
	for i, p := range now {
		seconds := p.At.Sub(was[i].At).Seconds()
		read.add(was[i].Read, p.Read, seconds)
		write.add(was[i].Write, p.Write, seconds)
	}
	p := volume.Performance{
		IOPSRead: read.iops.figure(), IOPSWrite: write.iops.figure(),
		BytesRead: read.bytes.figure(), BytesWrite: write.bytes.figure(),
		LatencyReadUsec: read.latency(), LatencyWriteUsec: write.latency(),
	}
	if p == (volume.Performance{}) {
		return nil
	}
	return &p
}

// sum is what was done in a window.
type sum struct {
	iops, bytes total // a second
	ops, usec   total
}

func (s *sum) add(was, now Counted, seconds float64) {
	s.iops.add(was.Ops, now.Ops, seconds)
	s.bytes.add(was.Bytes, now.Bytes, seconds)
	s.ops.add(was.Ops, now.Ops, 1)
	s.usec.add(was.Usec, now.Usec, 1)
}

// latency is the mean of all operations, in microseconds; nil without any.
func (s *sum) latency() *float64 {
	if s.ops.bad || s.usec.bad || s.ops.n == 0 {
		return nil
	}
	return new(s.usec.n / s.ops.n)
}

// total adds differences; one bad difference spoils it.
type total struct {
	n   float64
	bad bool
}

func (t *total) add(was, now *uint64, unit float64) {
	if was == nil || now == nil || *now < *was || *was == 0 && *now > 0 {
		t.bad = true
		return
	}
	t.n += float64(*now-*was) / unit
}

func (t *total) figure() *float64 {
	if t.bad {
		return nil
	}
	return new(t.n)
}
