package event

import (
	"context"
	"maps"
	"slices"
	"time"

	"storage_exporter/cachestore"
)

// compare takes all that waits, some at a time. What the store does not take waits on.
func (e *Events) compare() {
	e.mu.Lock()
	waiting := e.waiting
	e.waiting = make(map[string][]Observation)
	e.mu.Unlock()
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(waiting)), batch) {
		ctx, cancel := context.WithTimeout(e.ctx, storeTimeout)
		items, err := e.cfg.Store.Get(ctx, keys...)
		for i, key := range keys {
			failed := err
			if failed == nil {
				failed = e.compareOne(ctx, key, waiting[key], items[i])
			}
			if failed != nil {
				e.mu.Lock()
				e.keep(key, slices.Concat(waiting[key], e.waiting[key]))
				e.mu.Unlock()
			}
		}
		cancel()
	}
}

// compareOne compares the observations of one subject. An error is the store's.
func (e *Events) compareOne(ctx context.Context, key string, observed []Observation, item cachestore.Item) error {
	switch {
	case cachestore.IsKeyError(item.Err):
		e.refuse(key, item.Err)
		return nil
	case item.Err != nil: // such as that of a cluster's node that is lost
		return item.Err
	}
	e.mu.Lock()
	hold := e.hold
	e.mu.Unlock()
	raw, ttl := item.Value, item.TTL
	for i := 0; i < len(observed); {
		o := observed[i]
		before, err := readRecord(raw)
		if err != nil {
			e.refuse(key, err)
		}
		age := recordLife - ttl - time.Since(o.came)
		after, changed := before.advance(o, replica{e.cfg.Observer, e.cfg.Host}, hold, age)
		if changed || ttl < recordLife/2 {
			swapped, current, err := e.cfg.Store.Swap(ctx, key, raw, after.encode(), recordLife)
			if err != nil {
				return err
			}
			if raw, ttl = current, recordLife; !swapped {
				continue // another replica was faster
			}
		}
		if after.Unsent != nil {
			if err := e.takeUp(ctx, key, o.Subject, after.Sequence); err != nil {
				return err
			}
		}
		i++
	}
	return nil
}

// refuse logs once what others have put under a key.
func (e *Events) refuse(key string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.refused[key] && len(e.refused) < maxSubjects {
		e.refused[key] = true
		e.cfg.Logger.Warn("state of a subject in the store cannot be used", "key", key, "err", err)
	}
}
