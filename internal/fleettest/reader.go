// Package fleettest makes a fleet for tests of what shows it.
package fleettest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/fleet"
	"storage_exporter/overview"
)

// Reader reads a fleet of nodes with these digests, which live for so long yet; an empty
// one is of a silent node. The store and the cache are what it reads; all end with the
// test.
func Reader(t testing.TB, digests map[string]string, life time.Duration) (*fleet.Reader, cachestore.Store, *cache.Cache) {
	t.Helper()
	store := cachestore.NewMemory()
	for node, digest := range digests {
		if err := store.Mark(t.Context(), "fleet:nodes", node, time.Hour); err != nil {
			t.Fatal(err)
		}
		if digest == "" {
			continue
		}
		if err := store.Set(t.Context(), cachestore.SetItem{Key: "fleet:node:" + node, Value: []byte(digest), TTL: life}); err != nil {
			t.Fatal(err)
		}
	}
	reg, quiet := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	c := cache.New(cache.Config{Store: store, Observer: "test", Logger: quiet, Metrics: cache.NewMetrics(reg)})
	r := fleet.NewReader(fleet.ReaderConfig{
		Store: store, Cache: c, Metrics: fleet.NewMetrics(reg), Logger: quiet,
		Overview: func(node string) (key, origin string) { return overview.Published("jbod:"+node+":", "node:"+node) },
	})
	t.Cleanup(func() {
		r.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
		_ = store.Close()
	})
	return r, store, c
}
