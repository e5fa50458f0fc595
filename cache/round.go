package cache

import (
	"fmt"
	"sync"
	"time"
)

// Round is one observation while it runs. Its entries may be filled from many
// goroutines.
type Round struct {
	source *Source

	mu      sync.Mutex // guards the fields below
	touched map[slot]bool
	puts    int
	pending []pendingSet
}

type pendingSet struct {
	key   string
	value []byte
	ttl   time.Duration
}

func (r *Round) touch(e slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touched[e] = true
}

func (r *Round) keep(key string, value []byte, ttl time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.puts++
	r.pending = append(r.pending, pendingSet{key, value, ttl})
}

func (s *Source) set(p pendingSet) error {
	ctx, cancel := s.cache.storeContext(s.ctx)
	defer cancel()
	return s.cache.cfg.Store.Set(ctx, p.key, p.value, p.ttl)
}

// flush writes what was put to the store, and tells the entries that were not
// touched why. That a snapshot cannot be stored costs the other replicas an
// observation and nobody else anything.
func (r *Round) flush(err error) (puts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.source
	patience, done := s.cache.storeContext(s.ctx) // for all of them, so that a flush has an end
	defer done()
	for _, p := range r.pending {
		if _, err := patiently(patience, func() (any, error) { return nil, s.set(p) }); err != nil {
			s.log.Debug("snapshot not stored", "key", p.key, "err", err)
		}
	}
	r.pending = nil
	if err == nil {
		err = fmt.Errorf("not reported: %w", ErrNothing)
	}
	for _, e := range s.slots {
		if !r.touched[e] {
			e.fail(err)
		}
	}
	return r.puts
}
