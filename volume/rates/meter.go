package rates

import (
	"slices"
	"sync"
	"time"

	"storage_exporter/volume"
)

// MinWindow is the shortest time between two readings that makes a rate; below
// it the first counters stay the base.
const MinWindow = 500 * time.Millisecond

// Reset is what is left out when a counter began anew.
type Reset int

const (
	// CostsWindow is for counters that begin anew together, as those of the devices
	// of one file system: the rest of them would look like less load.
	CostsWindow Reset = iota
	// CostsSample is for parts that come and go alone, as shares do: the others are
	// added up.
	CostsSample
	// CostsFigure is for appliances. A counter that rises from zero counts as begun
	// anew, too: vendors show zero for a moment while a node is away.
	CostsFigure
)

// Meter turns the counters of one volume into rates. It keeps the previous reading.
// Its methods may run at once.
type Meter struct {
	longest time.Duration // a window beyond this says nothing about now
	reset   Reset

	mu   sync.Mutex // guards the fields below
	base []Sample
	last *volume.Performance // of the window before, nil after a break
	at   time.Time           // when that was measured
}

// NewMeter makes a meter for counters that are read once an interval.
func NewMeter(interval time.Duration, reset Reset) *Meter {
	return &Meter{longest: 10 * interval, reset: reset}
}

// Next takes a reading and returns the rates since the one before, and when they
// were measured. Several samples, in any order, are the parts of one volume and are
// added up. A reading within MinWindow of the one before repeats its rates.
// volume.ErrNoSample says that there is nothing to compare with.
func (m *Meter) Next(samples ...Sample) (volume.Performance, time.Time, error) {
	samples = slices.SortedStableFunc(slices.Values(samples), Sample.compare)
	m.mu.Lock()
	defer m.mu.Unlock()
	pairs := m.pairs(samples)
	if !slices.ContainsFunc(pairs, func(p pair) bool { return p.window() < MinWindow }) { // all parts moved on
		m.base, m.last = samples, between(pairs, m.reset)
		for i, s := range samples {
			if i == 0 || s.At.After(m.at) {
				m.at = s.At
			}
		}
	}
	if m.last == nil {
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	return *m.last, m.at, nil
}

// pairs are the samples that can be compared with those of the base; m.mu is held.
func (m *Meter) pairs(samples []Sample) []pair {
	var pairs []pair
	for _, now := range samples {
		i, found := slices.BinarySearchFunc(m.base, now, Sample.compare)
		if found && m.base[i].goesOn(now) && now.At.Sub(m.base[i].At) <= m.longest {
			pairs = append(pairs, pair{m.base[i], now})
		}
	}
	if m.reset != CostsSample && (len(pairs) != len(samples) || len(pairs) != len(m.base)) {
		return nil
	}
	return pairs
}
