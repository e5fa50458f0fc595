// Package cachetest gives tests a cache of their own.
package cachetest

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
)

// New makes a cache over an empty store in memory. It is closed when the test
// ends, after all that was registered for its end later.
func New(t testing.TB) *cache.Cache {
	t.Helper()
	store := cachestore.NewMemory()
	c := cache.New(cache.Config{
		Store: store, Observer: "test", Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(prometheus.NewRegistry()),
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(c.Close(ctx), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}
