package enclosure

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/enclosure/enclosuretest"
)

// observed starts the enclosures of a tree over a store.
func observed(t *testing.T, tr *enclosuretest.Tree, store cachestore.Store, change func(*Config)) *Enclosures {
	t.Helper()
	c := cache.New(cache.Config{Store: store, Observer: t.Name(), Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(prometheus.NewRegistry())})
	cfg := Config{Cache: c, System: block.System{Sys: tr.Sys(), Udev: tr.Udev()}, Host: "machine:1"}
	if change != nil {
		change(&cfg)
	}
	es, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		es.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	es.Start()
	return es
}

func get(t *testing.T, es *Enclosures) cache.Snapshot[[]Enclosure] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	snap, err := es.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func newStore(t *testing.T) cachestore.Store {
	t.Helper()
	store := cachestore.NewMemory()
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestEnclosures(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 3, 0, "0x5003048000000a00", "0x5003048000000a80")
	store := newStore(t)
	es := observed(t, tr, store, nil)
	snap := get(t, es)
	if diff := cmp.Diff(read(t, reader(tr)), *snap.Value); diff != "" {
		t.Errorf("enclosures (-want +got):\n%s", diff)
	}
	if key := es.Entry().Key(); key != "jbod:enclosures" {
		t.Errorf("key %s", key)
	}

	// Another replica gets the same out of the store, without looking.
	var stored struct {
		Origin string          `json:"origin"`
		Value  json.RawMessage `json:"value"`
	}
	eventually(t, "it is stored", func() bool {
		items, err := store.Get(t.Context(), "jbod:enclosures")
		return err == nil && items[0].Value != nil && json.Unmarshal(items[0].Value, &stored) == nil
	})
	if stored.Origin != "machine:1|enclosures" {
		t.Errorf("origin %q", stored.Origin)
	}
	var again []Enclosure
	if err := json.Unmarshal(stored.Value, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*snap.Value, again); diff != "" {
		t.Errorf("out of the store (-put +got):\n%s", diff)
	}
}

func TestEnclosuresOnAHostWithoutAny(t *testing.T) {
	es := observed(t, enclosuretest.New(t), newStore(t), func(c *Config) { c.KeyPrefix = "jbod:n:" })
	if snap := get(t, es); snap.Value == nil || *snap.Value == nil || len(*snap.Value) != 0 {
		t.Errorf("got %+v", snap)
	}
	if key := es.Entry().Key(); key != "jbod:n:enclosures" {
		t.Errorf("key %s", key)
	}
}

// A hanging module costs the enclosure's state at worst: the observation is in time.
func TestEnclosuresWithAHangingOne(t *testing.T) {
	t.Parallel()
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 3, 0, "0x5003048000000a00", "0x5003048000000a00")
	tr.DualEnclosure(3, 3, 4, "0x5003048000000b00", "0x5003048000000b00")
	freeze(t, tr, first)
	freeze(t, tr, second)
	var stuck atomic.Int64
	es := observed(t, tr, newStore(t), func(c *Config) {
		c.Timeout = 4 * time.Second
		c.Stuck = func(delta int) { stuck.Add(int64(delta)) }
	})
	list := *get(t, es).Value
	if len(list) != 2 || list[0].AnsweredBy != "" || len(list[0].Slots) != 3 || list[1].Slots[0].Status != OK {
		t.Errorf("got %+v", list)
	}
	if stuck.Load() != 2 {
		t.Errorf("%d stuck", stuck.Load())
	}
}

func TestEnclosuresUnreadable(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.Write("sys/class/enclosure", "")
	es := observed(t, tr, newStore(t), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if snap, err := es.Get(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, %v", snap, err)
	}
}

func TestNewWithoutHost(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no error without a host")
	}
}
