package cachestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cachestore"
	"storage_exporter/internal/redistest"
	"storage_exporter/internal/secret"
)

// TestConformance runs what every store promises against all of them, each
// also behind the breaker and the metrics.
func TestConformance(t *testing.T) {
	stores := []struct {
		name string
		// start prepares servers and returns what opens one more client.
		start func(t *testing.T) func(t *testing.T) cachestore.Store
	}{
		{"memory", func(*testing.T) func(*testing.T) cachestore.Store {
			return func(*testing.T) cachestore.Store { return cachestore.NewMemory() }
		}},
		{"file", func(*testing.T) func(*testing.T) cachestore.Store {
			return func(t *testing.T) cachestore.Store {
				return openFile(t, filepath.Join(t.TempDir(), "cache.db"), cachestore.FileConfig{FlushInterval: 10 * time.Millisecond})
			}
		}},
		{"redis single", func(t *testing.T) func(*testing.T) cachestore.Store {
			server := redistest.Start(t, redistest.Options{Password: "secret"})
			return func(t *testing.T) cachestore.Store {
				return newRedis(t, cachestore.RedisConfig{
					Mode: cachestore.RedisSingle, Addresses: []string{server.Addr}, DB: 3,
					Credentials: cachestore.RedisCredentials{Password: secret.New("secret")},
				})
			}
		}},
		{"redis sentinel", func(t *testing.T) func(*testing.T) cachestore.Store {
			s := redistest.StartSentinel(t, redistest.SentinelOptions{Password: "a", SentinelPassword: "b"})
			return func(t *testing.T) cachestore.Store {
				return newRedis(t, cachestore.RedisConfig{
					Mode: cachestore.RedisSentinel, Addresses: s.Addrs(),
					Credentials: cachestore.RedisCredentials{Password: secret.New("a")},
					Sentinel: cachestore.RedisSentinelConfig{
						Master: s.Name, Credentials: cachestore.RedisCredentials{Password: secret.New("b")},
					},
				})
			}
		}},
		{"redis cluster", func(t *testing.T) func(*testing.T) cachestore.Store {
			c := redistest.StartCluster(t)
			return func(t *testing.T) cachestore.Store {
				return newRedis(t, cachestore.RedisConfig{Mode: cachestore.RedisCluster, Addresses: c.Addrs()[:1]})
			}
		}},
	}
	for _, tt := range stores {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			open := tt.start(t)
			t.Run("bare", func(t *testing.T) { conform(t, open) })
			t.Run("wrapped", func(t *testing.T) {
				conform(t, func(t *testing.T) cachestore.Store {
					breaker := cachestore.NewBreaker(open(t), cachestore.BreakerConfig{})
					return cachestore.NewInstrument(breaker, tt.name, cachestore.NewMetrics(prometheus.NewRegistry()), nil)
				})
			})
		})
	}
}

func newRedis(t testing.TB, cfg cachestore.RedisConfig) cachestore.Store {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second // the machine may be busy
	}
	store, err := cachestore.NewRedis(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func openFile(t testing.TB, path string, cfg cachestore.FileConfig) *cachestore.File {
	t.Helper()
	store, err := cachestore.OpenFile(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// conform may find keys of an earlier run in the store, so each part has keys
// of its own.
func conform(t *testing.T, open func(*testing.T) cachestore.Store) {
	store := open(t)
	t.Cleanup(func() { _ = store.Close() })
	var serial atomic.Int64
	prefix := fmt.Sprintf("%s:%d", t.Name(), time.Now().UnixNano())
	key := func() string { return fmt.Sprintf("%s:%d", prefix, serial.Add(1)) }

	if err := store.Ping(t.Context()); err != nil {
		t.Fatalf("Ping: %v", err)
	}
	for _, tt := range []struct {
		name  string
		value []byte
	}{
		{"text", []byte(`{"value":1}`)},
		{"empty", []byte{}},
		{"nil", nil},
		{"binary", []byte("\x00\r\n$5\xff\xfe")},
		{"1 MiB", bytes.Repeat([]byte("0123456789abcdef"), 1<<16)},
		{"largest", bytes.Repeat([]byte{'x'}, cachestore.MaxValueSize)},
	} {
		t.Run("value "+tt.name, func(t *testing.T) {
			k := key()
			if err := store.Set(t.Context(), cachestore.SetItem{Key: k, Value: tt.value, TTL: time.Minute}); err != nil {
				t.Fatal(err)
			}
			item := getOne(t, store, k)
			if item.Value == nil || !bytes.Equal(item.Value, tt.value) {
				t.Errorf("got %d bytes (nil: %t), want %d", len(item.Value), item.Value == nil, len(tt.value))
			}
			if item.TTL <= 50*time.Second || item.TTL > time.Minute {
				t.Errorf("remaining life %s of a minute", item.TTL)
			}
			if err := store.Set(t.Context(), cachestore.SetItem{Key: k, Value: []byte("new"), TTL: time.Hour}); err != nil {
				t.Fatal(err)
			}
			if item := getOne(t, store, k); string(item.Value) != "new" || item.TTL <= time.Minute {
				t.Errorf("after a second Set: %q for %s", item.Value, item.TTL)
			}
		})
	}
	t.Run("many at once", func(t *testing.T) {
		if err := store.Set(t.Context()); err != nil {
			t.Errorf("Set of nothing: %v", err)
		}
		var items []cachestore.SetItem
		for i := range 20 {
			items = append(items, cachestore.SetItem{Key: key(), Value: fmt.Append(nil, i), TTL: time.Minute, Irreplaceable: i == 3})
		}
		if err := store.Set(t.Context(), items...); err != nil {
			t.Fatal(err)
		}
		items[5].Value = make([]byte, cachestore.MaxValueSize+1)
		for i := range items[6:] {
			items[6+i].Value = []byte("new")
		}
		if err := store.Set(t.Context(), items...); !errors.Is(err, cachestore.ErrTooLarge) || !strings.Contains(err.Error(), items[5].Key) {
			t.Errorf("Set with one that is too large: %v", err)
		}
		for i, it := range items {
			want := "new"
			if i <= 5 {
				want = fmt.Sprint(i)
			}
			if got := getOne(t, store, it.Key); string(got.Value) != want {
				t.Errorf("item %d: %q, want %q: one that is refused costs the others nothing", i, got.Value, want)
			}
		}
	})
	t.Run("bad values", func(t *testing.T) {
		k := key()
		large := make([]byte, cachestore.MaxValueSize+1)
		if err := store.Set(t.Context(), cachestore.SetItem{Key: k, Value: large, TTL: time.Minute}); !errors.Is(err, cachestore.ErrTooLarge) {
			t.Errorf("one byte too many: %v", err)
		}
		for _, ttl := range []time.Duration{0, -time.Second} {
			if err := store.Set(t.Context(), cachestore.SetItem{Key: k, Value: []byte("v"), TTL: ttl}); !errors.Is(err, cachestore.ErrTTL) {
				t.Errorf("Set with ttl %s: %v", ttl, err)
			}
			if _, err := store.Claim(t.Context(), k, "a", ttl); !errors.Is(err, cachestore.ErrTTL) {
				t.Errorf("Claim with ttl %s: %v", ttl, err)
			}
		}
		if item := getOne(t, store, k); item.Value != nil {
			t.Error("a refused value was stored")
		}
	})
	t.Run("missing", func(t *testing.T) {
		if diff := cmp.Diff(cachestore.Item{}, getOne(t, store, key())); diff != "" {
			t.Error(diff)
		}
		if items, err := store.Get(t.Context()); err != nil || len(items) != 0 {
			t.Errorf("no keys: %v, %v", items, err)
		}
	})
	t.Run("expiry", func(t *testing.T) {
		k := key()
		if err := store.Set(t.Context(), cachestore.SetItem{Key: k, Value: []byte("v"), TTL: 30 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the value to expire", func() bool {
			item := getOne(t, store, k)
			if item.Value != nil && (item.TTL <= 0 || item.TTL > 30*time.Millisecond) {
				t.Errorf("remaining life %s", item.TTL)
			}
			return item.Value == nil
		})
	})
	t.Run("order of many", func(t *testing.T) {
		keys := make([]string, 300)
		for i := range keys {
			keys[i] = key()
			if i%3 == 0 {
				continue
			}
			if err := store.Set(t.Context(), cachestore.SetItem{Key: keys[i], Value: fmt.Appendf(nil, "value %d", i), TTL: time.Minute}); err != nil {
				t.Fatal(err)
			}
		}
		keys = append(keys, keys[1]) // one twice
		items, err := store.Get(t.Context(), keys...)
		if err != nil {
			t.Fatal(err)
		}
		if len(items) != len(keys) {
			t.Fatalf("%d items for %d keys", len(items), len(keys))
		}
		for i, item := range items {
			want := fmt.Sprintf("value %d", i)
			switch {
			case i == 300:
				want = "value 1"
			case i%3 == 0:
				want = ""
			}
			if string(item.Value) != want || item.Err != nil {
				t.Errorf("item %d: %q, %v", i, item.Value, item.Err)
			}
		}
	})
	t.Run("changed", func(t *testing.T) { conformChanged(t, store, key) })
	t.Run("bound", func(t *testing.T) { conformBound(t, store, key) })
	t.Run("claims", func(t *testing.T) { conformClaims(t, store, key) })
	t.Run("concurrency", func(t *testing.T) { conformConcurrency(t, store, key) })
	t.Run("ledger", func(t *testing.T) { conformLedger(t, store, key) })
	t.Run("context", func(t *testing.T) { conformContext(t, store, key()) })
	t.Run("close", func(t *testing.T) {
		store := open(t)
		for range 2 {
			if err := store.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		for op, err := range callAll(t.Context(), store, key()) {
			if !errors.Is(err, cachestore.ErrClosed) {
				t.Errorf("%s after Close: %v", op, err)
			}
		}
	})
}

func conformChanged(t *testing.T, store cachestore.Store, key func() string) {
	put := func(k, value string, ttl time.Duration) {
		t.Helper()
		if err := store.Set(t.Context(), cachestore.SetItem{Key: k, Value: []byte(value), TTL: ttl}); err != nil {
			t.Fatal(err)
		}
	}
	same, again, missing, gone := key(), key(), key(), key()
	put(same, "same", time.Minute)
	put(again, "old", time.Minute)
	known := []cachestore.Known{{Key: same}, {Key: again}, {Key: missing}, {Key: gone, Until: time.Now().Add(time.Minute)}}
	look := func(want ...string) {
		t.Helper()
		items, err := store.Changed(t.Context(), known...)
		if err != nil || len(items) != len(known) {
			t.Fatalf("%v, %v", items, err)
		}
		for i, item := range items {
			if string(item.Value) != want[i] || item.Err != nil || (item.TTL > 0) != (i < 2) {
				t.Errorf("item %d: %q for %v, %v; want %q", i, item.Value, item.TTL, item.Err, want[i])
			}
			if item.Value != nil {
				known[i].Until = time.Now().Add(item.TTL)
			}
		}
	}
	look("same", "old", "", "")
	look("", "", "", "")
	put(again, "new", 2*time.Minute)
	look("", "new", "", "")
	look("", "", "", "")
	if items, err := store.Changed(t.Context()); err != nil || len(items) != 0 {
		t.Errorf("nothing asked for: %v, %v", items, err)
	}
}

func conformClaims(t *testing.T, store cachestore.Store, key func() string) {
	claim := func(k, holder string, ttl time.Duration, want bool) {
		t.Helper()
		got, err := store.Claim(t.Context(), k, holder, ttl)
		if err != nil || got != want {
			t.Errorf("Claim by %s: %t, %v; want %t", holder, got, err, want)
		}
	}
	release := func(k, holder string) {
		t.Helper()
		if err := store.Release(t.Context(), k, holder); err != nil {
			t.Errorf("Release by %s: %v", holder, err)
		}
	}
	k := key()
	release(k, "nobody")
	claim(k, "a", time.Minute, true)
	claim(k, "b", time.Minute, false)
	claim(k, "a", time.Hour, true)
	if ttl := getOne(t, store, k).TTL; ttl <= time.Minute {
		t.Errorf("a renewed claim has %s left", ttl)
	}
	release(k, "b")
	claim(k, "b", time.Minute, false)
	release(k, "a")
	claim(k, "b", time.Minute, true)
	claim(k, "a", time.Minute, false)

	k = key()
	claim(k, "a", 30*time.Millisecond, true)
	eventually(t, "the claim to expire", func() bool {
		held, err := store.Claim(t.Context(), k, "b", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return held
	})
	release(k, "a")
	claim(k, "a", time.Minute, false)
}

func conformConcurrency(t *testing.T, store cachestore.Store, key func() string) {
	const workers, rounds = 16, 20
	shared, claimed := key(), key()
	var holders atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		own := key()
		wg.Go(func() {
			for round := range rounds {
				want := fmt.Sprintf("%d/%d", w, round)
				if err := store.Set(t.Context(), cachestore.SetItem{Key: own, Value: []byte(want), TTL: time.Minute}); err != nil {
					t.Errorf("Set: %v", err)
				}
				if err := store.Set(t.Context(), cachestore.SetItem{Key: shared, Value: []byte(want), TTL: time.Minute}); err != nil {
					t.Errorf("Set: %v", err)
				}
				items, err := store.Get(t.Context(), shared, own)
				if err != nil || len(items) != 2 || items[0].Value == nil || string(items[1].Value) != want {
					t.Errorf("Get: %v, %v; want %s", items, err, want)
				}
			}
			held, err := store.Claim(t.Context(), claimed, fmt.Sprint(w), time.Minute)
			if err != nil {
				t.Errorf("Claim: %v", err)
			}
			if held {
				holders.Add(1)
			}
		})
	}
	wg.Wait()
	if holders.Load() != 1 {
		t.Errorf("%d hold one claim", holders.Load())
	}
}

func conformContext(t *testing.T, store cachestore.Store, key string) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for op, err := range callAll(cancelled, store, key) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", op, err)
		}
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for op, err := range callAll(late, store, key) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s after its deadline: %v", op, err)
		}
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("Ping afterwards: %v", err)
	}
}

// callAll calls each operation once.
func callAll(ctx context.Context, store cachestore.Store, key string) map[string]error {
	_, get := store.Get(ctx, key)
	_, changed := store.Changed(ctx, cachestore.Known{Key: key})
	_, claim := store.Claim(ctx, key, "a", time.Minute)
	_, add := store.Append(ctx, key+":stream", 10, []byte("v"))
	_, newest := store.Newest(ctx, key+":stream", "", 10)
	_, marked := store.Marked(ctx, key+":set", 10)
	_, _, swap := store.Swap(ctx, key+":swap", nil, []byte("v"), time.Minute)
	return map[string]error{
		"get": get, "changed": changed, "claim": claim,
		"append": add, "newest": newest, "marked": marked, "swap": swap,
		"mark":    store.Mark(ctx, key+":set", "a", time.Minute),
		"set":     store.Set(ctx, cachestore.SetItem{Key: key, Value: []byte("v"), TTL: time.Minute}),
		"release": store.Release(ctx, key, "a"),
		"ping":    store.Ping(ctx),
	}
}

func getOne(t *testing.T, store cachestore.Store, key string) cachestore.Item {
	t.Helper()
	items, err := store.Get(t.Context(), key)
	if err != nil || len(items) != 1 || items[0].Err != nil {
		t.Fatalf("Get %s: %v, %v", key, items, err)
	}
	return items[0]
}

// eventually asks a condition until it holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited for %s in vain", what)
}

// A reader may take less than a store holds.
func conformBound(t *testing.T, store cachestore.Store, key func() string) {
	small, large := key(), key()
	set(t, store, small, "1234")
	set(t, store, large, "12345")
	items, err := store.Changed(t.Context(), cachestore.Known{Key: small, Most: 4}, cachestore.Known{Key: large, Most: 4}, cachestore.Known{Key: large, Most: 5})
	if err != nil {
		t.Fatal(err)
	}
	if string(items[0].Value) != "1234" || !errors.Is(items[1].Err, cachestore.ErrTooLarge) || items[1].Value != nil || string(items[2].Value) != "12345" {
		t.Errorf("%+v", items)
	}
}
