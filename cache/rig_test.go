package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cachestore"
)

// faultyStore is a store in memory that can be broken in every way.
type faultyStore struct {
	cachestore.Ledger // none: the cache has no use for it

	mu     sync.Mutex
	keys   map[string]kept
	claims map[string]kept
	err    error         // every call fails with it
	hang   chan struct{} // every call waits for it, or for its deadline
	lost   string        // a key whose node of a cluster is out of reach
	sets   int
	last   cachestore.SetItem // the last that was set
	gets   int
	values int // how many were read
}

type kept struct {
	value []byte
	ends  time.Time
}

func newFaultyStore() *faultyStore {
	return &faultyStore{keys: map[string]kept{}, claims: map[string]kept{}}
}

func (f *faultyStore) enter(ctx context.Context) error {
	f.mu.Lock()
	hang, err := f.hang, f.err
	f.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (f *faultyStore) Get(ctx context.Context, keys ...string) ([]cachestore.Item, error) {
	known := make([]cachestore.Known, len(keys))
	for i, key := range keys {
		known[i].Key = key
	}
	return f.Changed(ctx, known...)
}

func (f *faultyStore) Changed(ctx context.Context, known ...cachestore.Known) ([]cachestore.Item, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gets++
	items := make([]cachestore.Item, len(known))
	if len(known) == 1 && known[0].Key == f.lost {
		return nil, cachestore.ErrUnavailable
	}
	for i, want := range known {
		if want.Key == f.lost {
			items[i].Err = cachestore.ErrUnavailable
			continue
		}
		k, ok := f.keys[want.Key]
		if !ok || time.Until(k.ends) <= 0 {
			continue
		}
		items[i].TTL = time.Until(k.ends)
		if !k.ends.Equal(want.Until) {
			items[i].Value = k.value
			f.values++
		}
	}
	return items, nil
}

func (f *faultyStore) Set(ctx context.Context, items ...cachestore.SetItem) error {
	if err := f.enter(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sets++
	var err error
	for _, it := range items {
		if it.Key == f.lost {
			err = errBroken
			continue
		}
		f.keys[it.Key] = kept{it.Value, time.Now().Add(it.TTL)}
		f.last = it
	}
	return err
}

func (f *faultyStore) lastPut() cachestore.SetItem {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

func (f *faultyStore) Claim(ctx context.Context, key, holder string, ttl time.Duration) (bool, error) {
	if err := f.enter(ctx); err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if k, ok := f.claims[key]; ok && time.Until(k.ends) > 0 && string(k.value) != holder {
		return false, nil
	}
	f.claims[key] = kept{[]byte(holder), time.Now().Add(ttl)}
	return true, nil
}

func (f *faultyStore) Release(ctx context.Context, key, holder string) error {
	if err := f.enter(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if string(f.claims[key].value) == holder {
		delete(f.claims, key)
	}
	return nil
}

func (f *faultyStore) Ping(ctx context.Context) error { return f.enter(ctx) }
func (f *faultyStore) Close() error                   { return nil }

func (f *faultyStore) heldClaims() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, k := range f.claims {
		if time.Until(k.ends) > 0 {
			n++
		}
	}
	return n
}

func (f *faultyStore) breakWith(err error, hang chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.hang = err, hang
}

func (f *faultyStore) lose(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = key
}

// plant puts bytes under a key as another process would.
func (f *faultyStore) plant(key, value string, ttl time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys[key] = kept{[]byte(value), time.Now().Add(ttl)}
}

// probe is a source under test: how often it was observed, and what it does.
type probe struct {
	source *Source
	entry  *Entry[int]
	runs   atomic.Int64
	mu     sync.Mutex
	at     []time.Time
	do     func(ctx context.Context, r *Round) error // nil: puts the number of the run
}

func (p *probe) set(do func(ctx context.Context, r *Round) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.do = do
}

func (p *probe) times() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.at...)
}

// newProbe makes a source that takes 100 ms and puts the number of its run.
func newProbe(c *Cache, name string, cfg SourceConfig) *probe {
	p := &probe{}
	if cfg.Kind == "" {
		cfg.Kind = "test"
	}
	if cfg.Origin == "" {
		cfg.Origin = "host1"
	}
	if cfg.Interval == 0 {
		cfg.Interval = 10 * time.Second
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 2 * time.Second
	}
	cfg.Name = name
	cfg.Observe = func(ctx context.Context, r *Round) error {
		n := int(p.runs.Add(1))
		p.mu.Lock()
		p.at = append(p.at, time.Now())
		do := p.do
		p.mu.Unlock()
		if do != nil {
			return do(ctx, r)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		p.entry.Put(r, &n, time.Time{})
		return nil
	}
	p.source = c.NewSource(cfg)
	p.entry = Add[int](p.source, "key:"+name, 3*cfg.Interval)
	return p
}

// newRunningProbe is a probe that was observed once.
func newRunningProbe(c *Cache, name string, cfg SourceConfig) *probe {
	p := newProbe(c, name, cfg)
	p.source.Start()
	<-c.FirstRoundsEnded()
	return p
}

func newCache(t *testing.T, store cachestore.Store, observer string) *Cache {
	t.Helper()
	return New(Config{
		Store: store, Observer: observer, Metrics: NewMetrics(prometheus.NewRegistry()),
		Logger: slog.New(slog.DiscardHandler), StoreTimeout: 500 * time.Millisecond,
	})
}

func closeCache(t *testing.T, c *Cache) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// bubble runs f with a cache on a faulty store, on fake time.
func bubble(t *testing.T, f func(t *testing.T, c *Cache, store *faultyStore)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := newFaultyStore()
		c := newCache(t, store, "replica1")
		defer closeCache(t, c)
		f(t, c, store)
	})
}

// within is a context with a deadline, as a scrape has it.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func wantValue(t *testing.T, e *Entry[int], value int, lookup Lookup) Snapshot[int] {
	t.Helper()
	snap, err := e.Get(within(t, 5*time.Second))
	if err != nil {
		t.Fatalf("Get: %v, want %d", err, value)
	}
	if *snap.Value != value || snap.Lookup != lookup {
		t.Fatalf("Get: %d %v, want %d %v", *snap.Value, snap.Lookup, value, lookup)
	}
	return snap
}

var errBroken = errors.New("broken")

func fails(context.Context, *Round) error { return errBroken }

func count(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	return testutil.ToFloat64(c)
}
