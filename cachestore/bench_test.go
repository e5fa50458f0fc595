package cachestore_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cachestore"
	"storage_exporter/internal/redistest"
)

const benchValueSize = 4 << 10

// BenchmarkGet reads as many snapshots of 4 KB as a scrape does.
func BenchmarkGet(b *testing.B) {
	stores := []struct {
		name string
		open func(b *testing.B) cachestore.Store
	}{
		{"memory", func(*testing.B) cachestore.Store { return cachestore.NewMemory() }},
		{"redis", func(b *testing.B) cachestore.Store {
			server := redistest.Start(b, redistest.Options{})
			store := cachestore.NewBreaker(newRedis(b, single(server)), cachestore.BreakerConfig{})
			return cachestore.NewInstrument(store, "redis", cachestore.NewMetrics(prometheus.NewRegistry()), nil)
		}},
	}
	for _, s := range stores {
		for _, n := range []int{78, 1000} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				store := s.open(b)
				keys := make([]string, n)
				for i := range keys {
					keys[i] = fmt.Sprintf("jbod:smart:disk%d", i)
					if err := store.Set(b.Context(), cachestore.SetItem{Key: keys[i], Value: bytes.Repeat([]byte{'x'}, benchValueSize), TTL: time.Hour}); err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(n * benchValueSize))
				b.ReportAllocs()
				for b.Loop() {
					items, err := store.Get(b.Context(), keys...)
					if err != nil || len(items[n-1].Value) != benchValueSize {
						b.Fatalf("%v", err)
					}
				}
			})
		}
	}
}

func BenchmarkSet(b *testing.B) {
	for _, s := range []struct {
		name string
		open func(b *testing.B) cachestore.Store
	}{
		{"memory", func(*testing.B) cachestore.Store { return cachestore.NewMemory() }},
		{"file", func(b *testing.B) cachestore.Store {
			return openFile(b, filepath.Join(b.TempDir(), "cache.db"), cachestore.FileConfig{})
		}},
		{"redis", func(b *testing.B) cachestore.Store {
			return newRedis(b, single(redistest.Start(b, redistest.Options{})))
		}},
	} {
		b.Run(s.name, func(b *testing.B) {
			store := s.open(b)
			value := bytes.Repeat([]byte{'x'}, benchValueSize)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := store.Set(b.Context(), cachestore.SetItem{Key: fmt.Sprint(i % 1000), Value: value, TTL: time.Hour}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFileOpen reads a file with the snapshots of 1000 drives.
func BenchmarkFileOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "cache.db")
	store := openFile(b, path, cachestore.FileConfig{})
	for i := range 1000 {
		if err := store.Set(b.Context(), cachestore.SetItem{Key: fmt.Sprint(i), Value: bytes.Repeat([]byte{'x'}, benchValueSize), TTL: time.Hour}); err != nil {
			b.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		store, err := cachestore.OpenFile(path, cachestore.FileConfig{})
		if err != nil {
			b.Fatal(err)
		}
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
