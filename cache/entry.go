package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"storage_exporter/cachestore"
)

// Entry is one key that a source fills.
type Entry[T any] struct {
	source   *Source
	key      string
	ttl      time.Duration // as configured; lifeFor says what is in force
	onDemand bool
	onChange []func(Snapshot[T])
	changing sync.Mutex // held from a new snapshot until onChange has seen it

	mu  sync.Mutex // guards the fields below
	own *copyOf[T] // the newest snapshot this process made or read; nil: none yet
	err error      // why the last round had no value; nil after a put

	refused []byte    // what the store held when it could not be used, so that it is judged once
	until   time.Time // when what the store held expires, be it usable or not; zero: it held nothing
	unseen  bool      // the store could not say what it holds, as where a cluster's node is lost
}

// copyOf is this process's own copy of a snapshot. It never changes.
type copyOf[T any] struct {
	value      *T
	observedAt time.Time
	agePut     time.Duration // the value's age when it was put
	putAt      time.Time     // on this process's monotonic clock
	ttl        time.Duration
	revision   uint64
	raw        []byte // as it lies in the store: the same bytes need no decoding
	mine       bool   // put by this process
}

// anyEntry is what a source knows of its entries, whatever their type.
type anyEntry interface {
	Key() string
	isOnDemand() bool
	known() cachestore.Known
	take(item cachestore.Item, now time.Time)
	stored(until time.Time)
	put() latest
	isUnseen() bool
	fail(err error)
}

// revisions numbers the snapshots of all entries.
var revisions atomic.Uint64

// Add makes an entry of the source, before the source is started. ttl is how
// long a snapshot lives; one that is too short for the source's interval is
// raised, with a warning.
func Add[T any](s *Source, key string, ttl time.Duration) *Entry[T] {
	e := &Entry[T]{source: s, key: key, ttl: ttl}
	s.addEntry(e, ttl)
	return e
}

// OnChange registers a function that is called with each new snapshot of the
// entry, put here or read from the store, one after the other. It must be quick
// and may call Last and Peek, but neither Get nor Put. Call it before Start.
func (e *Entry[T]) OnChange(f func(Snapshot[T])) { e.onChange = append(e.onChange, f) }

// OnDemand leaves the entry to its readers: what another replica puts is fetched
// when somebody asks for it, not as soon as it is there. It is for what is large
// and seldom read. Call it before Start.
func (e *Entry[T]) OnDemand() { e.onDemand = true }

// Put stores what was learned. sampledAt is when the value was measured; zero
// means now. Nobody may change what value points to afterwards.
func (e *Entry[T]) Put(r *Round, value *T, sampledAt time.Time) {
	now := time.Now()
	if sampledAt.IsZero() {
		sampledAt = now
	}
	e.store(r, value, sampledAt, max(now.Sub(sampledAt), 0), now, false)
}

// Keep stores value with the age and time of the snapshot last, for what could
// not be measured anew (a sleeping drive).
func (e *Entry[T]) Keep(r *Round, value *T, last Snapshot[T]) {
	now := time.Now()
	age := last.Age
	e.mu.Lock()
	if e.own != nil && e.own.revision == last.Revision {
		age = e.own.age(now) // it went on ageing since last was read
	}
	e.mu.Unlock()
	e.store(r, value, last.ObservedAt, age, now, true)
}

// Fail says why this round has no value for the entry: what its readers get
// when there is no snapshot alive. It never replaces a snapshot.
func (e *Entry[T]) Fail(r *Round, err error) {
	r.touch(e)
	e.fail(err)
}

// Last is the newest snapshot this process has made or read, even one that is
// too old to be served; false when there is none.
func (e *Entry[T]) Last() (Snapshot[T], bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.own == nil {
		return Snapshot[T]{}, false
	}
	return e.own.snapshot(time.Now(), Stale), true
}

// Err is why the last round had no value for the entry, nil when it had one.
func (e *Entry[T]) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// Key is the entry's key in the store.
func (e *Entry[T]) Key() string { return e.key }

// Get returns the entry's snapshot, observing the source when there is none.
func (e *Entry[T]) Get(ctx context.Context) (Snapshot[T], error) {
	r := GetAll(ctx, []*Entry[T]{e})[0]
	return r.Snapshot, r.Err
}

// store makes value the own copy and hands it to the round for the store.
// irreplaceable: it cannot be observed again.
func (e *Entry[T]) store(r *Round, value *T, observedAt time.Time, age time.Duration, now time.Time, irreplaceable bool) {
	r.touch(e)
	ttl := e.source.lifeFor(e.ttl, now.Sub(r.begun))
	raw, document, err := e.source.cache.seal(e.source.cfg.Origin, observedAt, age, ttl, value)
	if err != nil {
		e.fail(fmt.Errorf("%s: %w", e.key, err))
		return
	}
	e.replace(&copyOf[T]{
		value: shared(value, document, raw), observedAt: observedAt, agePut: age, putAt: now, ttl: ttl,
		revision: revisions.Add(1), raw: raw, mine: true,
	}, now)
	r.keep(e, cachestore.SetItem{Key: e.key, Value: raw, TTL: ttl, Irreplaceable: irreplaceable})
}

// replace makes next the own copy unless there is a newer one.
func (e *Entry[T]) replace(next *copyOf[T], now time.Time) {
	e.changing.Lock()
	defer e.changing.Unlock()
	e.mu.Lock()
	if e.own != nil && e.own.putAt.After(next.putAt) {
		e.mu.Unlock()
		return
	}
	e.own, e.err = next, nil
	e.mu.Unlock()
	for _, f := range e.onChange {
		f(next.snapshot(now, Hit))
	}
}

func (e *Entry[T]) isOnDemand() bool { return e.onDemand }

func (e *Entry[T]) known() cachestore.Known {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cachestore.Known{Key: e.key, Until: e.until}
}

func (e *Entry[T]) stored(until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until, e.unseen = until, false
}

func (e *Entry[T]) isUnseen() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.unseen
}

func (e *Entry[T]) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

func (e *Entry[T]) put() latest {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.own == nil {
		return latest{}
	}
	return latest{at: e.own.putAt, mine: e.own.mine, ok: true}
}

// take makes what the store holds the own copy, where it is newer, alive and
// of our origin. The bytes are hostile.
func (e *Entry[T]) take(item cachestore.Item, now time.Time) {
	e.mu.Lock()
	e.unseen = item.Err != nil && !cachestore.IsKeyError(item.Err)
	if item.Err == nil && (item.Value != nil || item.TTL == 0) {
		e.until = time.Time{}
		if item.TTL > 0 {
			e.until = now.Add(item.TTL)
		}
	}
	own, refused := e.own, e.refused
	e.mu.Unlock()
	if item.Err != nil || len(item.Value) == 0 || item.TTL <= 0 {
		return
	}
	if own != nil && bytes.Equal(own.raw, item.Value) || refused != nil && bytes.Equal(refused, item.Value) {
		return
	}
	env, err := open(item, e.source.cfg.Origin)
	if err != nil {
		e.refuse(item.Value, err)
		return
	}
	ttl := time.Duration(env.TTLMS) * time.Millisecond
	putAt := now.Add(-max(ttl-item.TTL, 0))
	if own != nil && !putAt.After(own.putAt) {
		return
	}
	value := new(T)
	if err := json.Unmarshal(env.Value, value); err != nil {
		e.refuse(item.Value, fmt.Errorf("%w: %w", errGarbage, err))
		return
	}
	e.replace(&copyOf[T]{
		value: shared(value, env.Value, item.Value), observedAt: env.ObservedAt, agePut: time.Duration(env.AgeMS) * time.Millisecond,
		putAt: putAt, ttl: ttl, revision: revisions.Add(1), raw: item.Value,
	}, now)
}

// refuse notes bytes that cannot be used.
func (e *Entry[T]) refuse(raw []byte, err error) {
	e.mu.Lock()
	e.refused = raw
	e.mu.Unlock()
	e.source.refuse(e.key, err)
}

// read is the snapshot to serve now; false when none is alive.
func (e *Entry[T]) read(now time.Time) (Snapshot[T], bool) {
	e.mu.Lock()
	own := e.own
	e.mu.Unlock()
	if own == nil {
		return Snapshot[T]{}, false
	}
	if age := now.Sub(own.putAt); age >= own.ttl && age >= own.ttl+e.source.delay(now) {
		return Snapshot[T]{}, false
	}
	lookup := Hit
	if now.Sub(own.putAt) > e.source.freshFor() {
		lookup = Stale
	}
	return own.snapshot(now, lookup), true
}

// reason is why there is no snapshot, with what is known best.
func (e *Entry[T]) reason(err error) error {
	e.mu.Lock()
	own := e.err
	e.mu.Unlock()
	if own != nil && (err == nil || errors.Is(err, errNotDue)) {
		err = own
	}
	if err == nil {
		err = ErrNoSnapshot
	}
	return fmt.Errorf("%s %s: %w", e.source.cfg.Kind, e.source.cfg.Name, err)
}

func (c *copyOf[T]) age(now time.Time) time.Duration { return c.agePut + max(now.Sub(c.putAt), 0) }

func (c *copyOf[T]) snapshot(now time.Time, lookup Lookup) Snapshot[T] {
	return Snapshot[T]{Value: c.value, ObservedAt: c.observedAt, Age: c.age(now), Lookup: lookup, Revision: c.revision, Mine: c.mine}
}
