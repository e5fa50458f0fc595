package cache

import (
	"context"
	"slices"
	"sync"
	"time"

	"storage_exporter/cachestore"
)

// looker looks at the store for all started sources of a cache, those that are
// due at about the same time in one round trip, and starts their observations.
type looker struct {
	cache *Cache
	kick  chan struct{} // holds at most one

	mu      sync.Mutex // guards the fields below
	running bool
	sources map[*Source]struct{}
	next    time.Time // when run wakes by itself
}

func newLooker(c *Cache) *looker {
	return &looker{cache: c, kick: make(chan struct{}, 1), sources: make(map[*Source]struct{})}
}

// add takes a source that was started; false when the cache is closed.
func (l *looker) add(s *Source) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cache.ctx.Err() != nil || !l.running && !l.cache.spawn(l.run) {
		return false
	}
	l.running = true
	l.sources[s] = struct{}{}
	l.wakeLocked(time.Time{})
	return true
}

func (l *looker) remove(s *Source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sources, s)
}

// wake has the sources gone through at the latest at at.
func (l *looker) wake(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakeLocked(at)
}

func (l *looker) wakeLocked(at time.Time) {
	if !at.Before(l.next) {
		return
	}
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// run goes through the sources whenever one is due, until the cache is closed.
func (l *looker) run() {
	for l.cache.ctx.Err() == nil {
		due := l.due(time.Now())
		if len(due) == 0 {
			l.sleep()
			continue
		}
		l.cache.look(due)
		for _, s := range due {
			s.act()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.sources {
		s.endFirstRound()
	}
}

// due is which sources are to be looked at now. If none is, it notes when the
// next one will be.
func (l *looker) due(now time.Time) []*Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = now.Add(time.Hour)
	var due, along []*Source
	for s := range l.sources {
		at, looked, idle := s.nextLook()
		switch {
		case !idle:
		case !at.After(now):
			due = append(due, s)
		default:
			if at.Before(l.next) {
				l.next = at
			}
			if at.Sub(now) <= s.about() && now.Sub(looked) > s.about() {
				along = append(along, s)
			}
		}
	}
	if len(due) == 0 {
		return nil
	}
	return append(due, along...)
}

func (l *looker) sleep() {
	l.mu.Lock()
	timer := time.NewTimer(time.Until(l.next))
	l.mu.Unlock()
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.kick:
	case <-l.cache.ctx.Done():
	}
}

// maxLook bounds how many keys are asked for in one round trip.
const maxLook = 256

// look takes over what the store holds of sources: first what shows whether
// there is anything new, then the rest of those that have news.
func (c *Cache) look(sources []*Source) {
	now := time.Now()
	var watched, rest []anyEntry
	owners := make(map[anyEntry]*Source) // of those that are watched by one entry only
	for _, s := range sources {
		entries := s.watched(now)
		if len(entries) == 1 && len(s.entries) > 1 {
			owners[entries[0]] = s
		}
		watched = append(watched, entries...)
	}
	c.takeOver(c.ctx, watched, true, func(news anyEntry) {
		if s := owners[news]; s != nil {
			for _, e := range s.entries {
				if e != news && !e.isOnDemand() {
					rest = append(rest, e)
				}
			}
		}
	})
	c.takeOver(c.ctx, rest, true, func(anyEntry) {})
	for _, s := range sources {
		s.setLooked(now)
	}
}

// takeOver makes what the store holds of entries the own copies, where it is
// newer, and calls news for each that had something new. That the store fails is
// nobody's failure: the own copies serve on.
func (c *Cache) takeOver(ctx context.Context, entries []anyEntry, patient bool, news func(anyEntry)) {
	for entries := range slices.Chunk(entries, maxLook) {
		known := make([]cachestore.Known, len(entries))
		for i, e := range entries {
			known[i] = e.known()
		}
		sctx, cancel := c.storeContext(ctx)
		ask := func() ([]cachestore.Item, error) { return c.cfg.Store.Changed(sctx, known...) }
		var items []cachestore.Item
		var err error
		if patient {
			items, err = patiently(sctx, ask)
		} else {
			items, err = ask()
		}
		cancel()
		now := time.Now()
		if err != nil || len(items) != len(entries) {
			for _, e := range entries {
				e.take(cachestore.Item{Err: cachestore.ErrUnavailable}, now)
			}
			return
		}
		for i, e := range entries {
			if e.take(items[i], now); items[i].Value != nil {
				news(e)
			}
		}
	}
}
