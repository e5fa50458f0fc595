package cache

import (
	"context"
	"fmt"
	"time"
)

// GetAll reads many entries of one cache. What this process has is enough while
// it is fresh; the store is asked for the others together. The results are in the
// order of entries. What is missing is observed, each until ctx ends; an
// observation goes on without its readers.
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
			_, _ = e.source.fly(forReader) // in the background, where it is due
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

// Peek is what this process has of the entry: it asks neither the store nor a
// source. That no snapshot is alive is an error. It is for what is composed of
// snapshots, and counts no requests.
func (e *Entry[T]) Peek() Result[T] {
	snap, ok := e.read(time.Now())
	if !ok {
		return Result[T]{Err: e.reason(nil)}
	}
	return Result[T]{Snapshot: snap}
}

// look takes over what the store holds of the entries that it can have something
// newer of.
func look[T any](ctx context.Context, entries []*Entry[T]) {
	now := time.Now()
	var wanting []anyEntry
	for _, e := range entries {
		if e.wants(now) {
			wanting = append(wanting, e)
		}
	}
	if len(wanting) > 0 {
		entries[0].source.cache.takeOver(ctx, wanting, false, func(anyEntry) {})
	}
}

// wants says whether a reader has to look at the store: no fresh snapshot is here
// and the looker has not just been there, or it does not go there.
func (e *Entry[T]) wants(now time.Time) bool {
	s := e.source
	s.mu.Lock()
	watched, looked := s.started && !s.closed, s.looked
	s.mu.Unlock()
	if !watched || e.onDemand && !s.lastPut().mine {
		return true
	}
	if snap, ok := e.read(now); ok && snap.Lookup == Hit {
		return false
	}
	return now.Sub(looked) > s.pace.lookAgain()
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
			pause = max(pause, e.source.pace.lookAgain())
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
