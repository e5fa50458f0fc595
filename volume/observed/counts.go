package observed

import (
	"errors"
	"slices"
	"sync"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
)

// DurationBounds are the upper bounds of Counts.Durations, in seconds.
var DurationBounds = [...]float64{0.1, 0.5, 1, 2, 5, 10, 30}

// Found lists the states that a check can find, all but Unknown, in the order of
// Counts.Transitions.
var Found = [...]volume.Status{volume.Healthy, volume.Degraded, volume.Offline, volume.Unavailable}

// Counts is what this process has counted of a volume since it was configured.
// Equal ones mean that nothing was counted in between.
type Counts struct {
	// Observed is whether the performance is observed: false where the backend does
	// not report it.
	Observed bool
	// Successes, which include observations that had no sample yet, and Failures
	// are the performance observations that covered the volume.
	Successes, Failures uint64
	// Durations are those that took no longer than each of DurationBounds; Seconds
	// is how long they took together.
	Durations [len(DurationBounds)]uint64
	Seconds   float64
	// Transitions are the changes of the health that this process has sent, by the new
	// state.
	Transitions [len(Found)]uint64
}

// Counts is what was counted so far.
func (v *Volume) Counts() Counts {
	if v.watch == nil {
		return Counts{}
	}
	v.watch.mu.Lock()
	defer v.watch.mu.Unlock()
	return v.watch.counts
}

// watch counts for one volume while it is configured. Its Backend may change
// meanwhile.
type watch struct {
	mu     sync.Mutex // guards the fields below
	counts Counts
	status volume.Status
}

// watch finds or makes the volume's watch.
func (s *Set) watch(volume string, supported bool) *watch {
	w := s.watches[volume]
	if w == nil {
		w = &watch{}
		s.watches[volume] = w
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.support(supported)
	return w
}

// support begins or ends the counting of performance observations; w.mu is held.
func (w *watch) support(supported bool) {
	if !supported {
		w.counts = Counts{Transitions: w.counts.Transitions}
	}
	w.counts.Observed = supported
}

// observed counts a performance observation.
func (w *watch) observed(err error, elapsed time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.support(!errors.Is(err, volume.ErrUnsupported))
	c := &w.counts
	switch {
	case !c.Observed:
		return
	case err != nil && !errors.Is(err, cache.ErrNothing):
		c.Failures++
	default:
		c.Successes++
	}
	c.Seconds += elapsed.Seconds()
	for i, bound := range DurationBounds {
		if elapsed.Seconds() <= bound {
			c.Durations[i]++
		}
	}
}

// health returns the status before and whether the status is another than this process
// knew.
func (w *watch) health(status volume.Status) (before volume.Status, isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, w.status = w.status, status
	return before, status != before
}

// Transitioned counts a change of the health that held, by the new state; where it is
// found, one replica counts it.
func (s *Set) Transitioned(name string, status volume.Status) {
	v, i := s.Volume(name), slices.Index(Found[:], status)
	if v == nil || i < 0 {
		return
	}
	v.watch.mu.Lock()
	v.watch.counts.Transitions[i]++
	v.watch.mu.Unlock()
	s.changed(false)
}
