package overview

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/zpool"
)

// part is an observed part that counts how often it is asked.
type part[T any] struct {
	source *cache.Source
	entry  *cache.Entry[T]

	mu    sync.Mutex
	asked int
	value T
	err   error
}

func newPart[T any](c *cache.Cache, name string, interval time.Duration, value T) *part[T] {
	p := &part[T]{value: value}
	p.source = c.NewSource(cache.SourceConfig{
		Kind: "part", Name: name, Origin: "host1|" + name, Interval: interval, Timeout: time.Second,
		Observe: func(_ context.Context, round *cache.Round) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.asked++
			if p.err != nil {
				return p.err
			}
			v := p.value
			p.entry.Put(round, &v, time.Time{})
			return nil
		},
	})
	p.entry = cache.Add[T](p.source, "part:"+name, 3*interval)
	return p
}

func (p *part[T]) set(value T, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.value, p.err = value, err
}

func (p *part[T]) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// rig is an overview of two drives, an enclosure and a pool, each of which is
// observed every 90 s.
type rig struct {
	*View
	cache      *cache.Cache
	drives     []*part[report.Report]
	enclosures *part[[]enclosure.Enclosure]
	pools      *part[[]zpool.Pool]

	store *countingStore

	mu    sync.Mutex
	known bool
}

var errNotScanned = errors.New("not scanned yet")

const every = 90 * time.Second

func inBubble(t *testing.T, store func() cachestore.Store, f func(t *testing.T, r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, store(), "one")
		f(t, r)
		r.end(t)
	})
}

func (r *rig) end(t *testing.T) {
	t.Helper()
	r.Close()
	if err := r.cache.Close(t.Context()); err != nil {
		t.Error(err)
	}
	synctest.Wait()
}

func newRig(t *testing.T, store cachestore.Store, observer string) *rig {
	t.Helper()
	r := &rig{known: true, store: &countingStore{Store: store}}
	r.cache = cache.New(cache.Config{Store: r.store, Observer: observer, Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(prometheus.NewRegistry())})
	c := r.cache
	var set []*smart.Drive
	for _, label := range []string{"sda", "sdb"} {
		p := newPart(c, label, every, report.Report{SerialNumber: "EX" + label, Passed: new(true)})
		r.drives = append(r.drives, p)
		d := &smart.Drive{Key: label, Device: smart.Device{Name: "/dev/" + label, Type: "auto"}, Report: p.entry}
		p.entry.OnChange(func(cache.Snapshot[report.Report]) { r.Changed() })
		set = append(set, d)
	}
	r.enclosures = newPart(c, "enclosures", every, []enclosure.Enclosure{enclosed("e", slot(1, []string{"sda"}, "", ""))})
	r.pools = newPart(c, "pools", every, []zpool.Pool{{Name: "p", State: "ONLINE", Vdevs: []zpool.Vdev{leaf("sda1", "", "sda", zpool.Data, "ONLINE")}}})
	var err error
	r.View, err = New(Config{
		Cache: c, Host: "host1", Enclosures: r.enclosures.entry, Pools: r.pools.entry,
		Drives: func() ([]*smart.Drive, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if !r.known {
				return nil, errNotScanned
			}
			return set, nil
		},
		Logger: slog.New(slog.DiscardHandler),
		Assess: func(_ *smart.Drive, report *report.Report) assess.Result { return assess.Drive(report, nil) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) start() {
	for _, d := range r.drives {
		d.source.Start()
	}
	r.enclosures.source.Start()
	r.pools.source.Start()
	r.Start()
}

func (r *rig) asked() int {
	n := r.enclosures.count() + r.pools.count()
	for _, d := range r.drives {
		n += d.count()
	}
	return n
}

func (r *rig) setKnown(known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = known
}

// countingStore counts the reads, and the overviews that are put.
type countingStore struct {
	cachestore.Store
	gets, puts atomic.Int64
}

func (s *countingStore) Get(ctx context.Context, keys ...string) ([]cachestore.Item, error) {
	s.gets.Add(1)
	return s.Store.Get(ctx, keys...)
}

func (s *countingStore) Set(ctx context.Context, items ...cachestore.SetItem) error {
	for _, i := range items {
		if strings.HasSuffix(i.Key, "overview") {
			s.puts.Add(1)
		}
	}
	return s.Store.Set(ctx, items...)
}

// stored is the overview that the store holds, nil if there is none.
func (r *rig) stored(t *testing.T) *Overview {
	t.Helper()
	items, err := r.store.Store.Get(t.Context(), "jbod:overview")
	if err != nil {
		t.Fatal(err)
	}
	if items[0].Value == nil {
		return nil
	}
	var envelope struct {
		Origin string   `json:"origin"`
		Value  Overview `json:"value"`
	}
	if err := json.Unmarshal(items[0].Value, &envelope); err != nil {
		t.Fatal(err)
	}
	if envelope.Origin != "host1|overview" {
		t.Errorf("origin %q", envelope.Origin)
	}
	return &envelope.Value
}

func memory() cachestore.Store { return cachestore.NewMemory() }
