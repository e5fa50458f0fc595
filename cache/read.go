package cache

import (
	"context"
	"fmt"
	"time"
)

// GetAll reads many entries of one cache with one round trip to the store. The
// results are in the order of entries. What is missing is observed, each until
// ctx ends; an observation goes on without its readers.
func GetAll[T any](ctx context.Context, entries []*Entry[T]) []Result[T] {
	results := make([]Result[T], len(entries))
	if len(entries) == 0 {
		return results
	}
	look(ctx, entries)
	now := time.Now()
	var missing []int
	for i, e := range entries {
		m := &e.source.metrics
		m.requests.Inc()
		snap, ok := e.read(now)
		if !ok {
			missing = append(missing, i)
			continue
		}
		if snap.Lookup == Stale {
			m.stale.Inc()
			e.source.refresh()
		} else {
			m.hits.Inc()
		}
		results[i].Snapshot = snap
	}
	for len(missing) > 0 {
		missing = fetch(ctx, entries, missing, results)
	}
	return results
}

// PeekAll is what this process has of the entries: it asks neither the store nor
// a source. What has no snapshot alive is an error. It is for what is composed of
// snapshots, and counts no requests.
func PeekAll[T any](entries []*Entry[T]) []Result[T] {
	results := make([]Result[T], len(entries))
	now := time.Now()
	for i, e := range entries {
		snap, ok := e.read(now)
		if !ok {
			results[i].Err = e.reason(nil)
			continue
		}
		results[i].Snapshot = snap
	}
	return results
}

// look takes over what the store holds. That the store fails is never the
// reader's failure: the own copies serve on.
func look[T any](ctx context.Context, entries []*Entry[T]) {
	c := entries[0].source.cache
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.key
	}
	sctx, cancel := c.storeContext(ctx)
	defer cancel()
	items, err := c.cfg.Store.Get(sctx, keys...)
	if err != nil || len(items) != len(entries) {
		return
	}
	now := time.Now()
	for i, e := range entries {
		e.take(items[i], now)
	}
}

// fetch observes the sources of the missing entries, all at once, and returns
// those that must be looked at again because another replica is observing them.
func fetch[T any](ctx context.Context, entries []*Entry[T], missing []int, results []Result[T]) []int {
	flights := make([]*flight, len(missing))
	errs := make([]error, len(missing))
	for n, i := range missing {
		flights[n], errs[n] = entries[i].source.fly(forReader)
	}
	var again []int
	var pause time.Duration
	for n, i := range missing {
		e := entries[i]
		if flights[n] != nil {
			errs[n] = flights[n].wait(ctx)
		}
		if snap, ok := e.read(time.Now()); ok {
			snap.Lookup = Miss
			results[i] = Result[T]{Snapshot: snap}
			continue
		}
		if flights[n] != nil && errs[n] == nil && flights[n].lost {
			again = append(again, i)
			pause = max(pause, e.source.lookAgain())
			continue
		}
		results[i].Err = e.reason(errs[n])
	}
	if len(again) == 0 {
		return nil
	}
	select {
	case <-time.After(pause):
		return again
	case <-ctx.Done():
		for _, i := range again {
			results[i].Err = entries[i].reason(fmt.Errorf("%w: another replica is observing: %w", ErrNoSnapshot, ctx.Err()))
		}
		return nil
	}
}
