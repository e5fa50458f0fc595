package cache

import (
	"sync"
	"time"

	"storage_exporter/cachestore"
)

// Round is one observation while it runs. Its entries may be filled from many
// goroutines.
type Round struct {
	source *Source
	begun  time.Time

	mu      sync.Mutex // guards the fields below
	touched map[anyEntry]bool
	puts    int
	pending []cachestore.SetItem
	putters []anyEntry // whose the pending items are
}

func (r *Round) touch(e anyEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touched[e] = true
}

func (r *Round) keep(e anyEntry, item cachestore.SetItem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.puts++
	r.pending, r.putters = append(r.pending, item), append(r.putters, e)
}

// flush writes what was put to the store, in one round trip, and lets the
// entries that were not touched know why. That a snapshot cannot be stored costs
// the other replicas an observation and nobody else anything.
func (r *Round) flush(err error) (puts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.source
	if len(r.pending) > 0 {
		ctx, cancel := s.cache.storeContext(s.ctx)
		defer cancel()
		if _, err := patiently(ctx, func() (any, error) { return nil, s.cache.cfg.Store.Set(ctx, r.pending...) }); err != nil {
			s.log.Debug("snapshots not stored", "err", err)
		} else {
			now := time.Now()
			for i, e := range r.putters {
				e.stored(now.Add(r.pending[i].TTL))
			}
		}
	}
	r.pending, r.putters = nil, nil
	if err == nil {
		err = ErrNothing
	}
	for _, e := range s.entries {
		if !r.touched[e] {
			e.fail(err)
		}
	}
	return r.puts
}
