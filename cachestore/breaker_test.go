package cachestore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cachestore"
)

// brokenStore answers every call with err, after it waited for delay.
type brokenStore struct {
	*cachestore.Memory
	err   error
	delay time.Duration
	calls atomic.Int64
}

func (b *brokenStore) Ping(ctx context.Context) error {
	b.calls.Add(1)
	select {
	case <-time.After(b.delay):
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", cachestore.ErrUnavailable, ctx.Err())
	}
	return b.err
}

func newBroken(err error) *brokenStore {
	return &brokenStore{Memory: cachestore.NewMemory(), err: err}
}

func TestBreakerOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newBroken(fmt.Errorf("redis: %w: connection refused", cachestore.ErrUnavailable))
		logger, log := newLog()
		b := cachestore.NewInstrument(cachestore.NewBreaker(store, cachestore.BreakerConfig{OpenFor: 5 * time.Second}), "redis",
			cachestore.NewMetrics(prometheus.NewRegistry()), logger)
		ping := func(n int, want error) {
			t.Helper()
			for range n {
				if err := b.Ping(t.Context()); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			}
		}
		reached := func(want int64) {
			t.Helper()
			if got := store.calls.Swap(0); got != want {
				t.Errorf("%d calls reached the store, want %d", got, want)
			}
		}
		ping(2, cachestore.ErrUnavailable)
		ping(20, cachestore.ErrOpen)
		for op, err := range callAll(t.Context(), b, "key") {
			if !errors.Is(err, cachestore.ErrOpen) {
				t.Errorf("%s while open: %v", op, err)
			}
		}
		reached(2)
		for range 3 { // a probe for each period
			time.Sleep(5*time.Second + 1)
			ping(1, cachestore.ErrUnavailable)
			ping(5, cachestore.ErrOpen)
			reached(1)
		}
		store.err = nil
		time.Sleep(5*time.Second + 1)
		ping(5, nil)
		reached(5)
		if log.count("level=WARN") != 1 || log.count("level=INFO") != 1 || log.count("connection refused") != 1 {
			t.Errorf("log:\n%s", log)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestBreakerProbesWithOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newBroken(cachestore.ErrUnavailable)
		b := cachestore.NewBreaker(store, cachestore.BreakerConfig{})
		_, _ = b.Ping(t.Context()), b.Ping(t.Context())
		store.delay, store.err = time.Second, nil
		store.calls.Store(0)
		time.Sleep(6 * time.Second)
		var refused atomic.Int64
		for range 10 {
			go func() {
				if errors.Is(b.Ping(t.Context()), cachestore.ErrOpen) {
					refused.Add(1)
				}
			}()
		}
		time.Sleep(2 * time.Second)
		if store.calls.Load() != 1 || refused.Load() != 9 {
			t.Errorf("%d reached the store, %d were refused", store.calls.Load(), refused.Load())
		}
	})
}

func TestBreakerStaysClosed(t *testing.T) {
	for _, err := range []error{
		nil,
		errors.New("OOM command not allowed when used memory > 'maxmemory'"),
		cachestore.ErrBusy, cachestore.ErrTooLarge, cachestore.ErrFull,
		fmt.Errorf("%w: %w", cachestore.ErrUnavailable, context.Canceled),
	} {
		t.Run(fmt.Sprint(err), func(t *testing.T) {
			store := newBroken(err)
			b := cachestore.NewBreaker(store, cachestore.BreakerConfig{})
			for range 10 {
				if got := b.Ping(t.Context()); !errors.Is(got, err) {
					t.Errorf("got %v", got)
				}
			}
			if store.calls.Load() != 10 {
				t.Errorf("%d of 10 calls reached the store", store.calls.Load())
			}
		})
	}
}

// TestBreakerCallersDeadline shows which deadlines of callers count.
func TestBreakerCallersDeadline(t *testing.T) {
	for _, tt := range []struct {
		name     string
		deadline time.Duration
		reached  int64
	}{
		{"too short to tell", 50 * time.Millisecond, 10},
		{"long enough", 200 * time.Millisecond, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newBroken(nil)
				store.delay = time.Hour
				b := cachestore.NewBreaker(store, cachestore.BreakerConfig{})
				for range 10 {
					ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
					if b.Ping(ctx) == nil {
						t.Error("no error")
					}
					cancel()
				}
				if got := store.calls.Load(); got != tt.reached {
					t.Errorf("%d calls reached the store, want %d", got, tt.reached)
				}
			})
		})
	}
}

func TestInstrument(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	metrics := cachestore.NewMetrics(reg)
	broken := newBroken(nil)
	store := cachestore.NewInstrument(cachestore.NewBreaker(broken, cachestore.BreakerConfig{}), "redis", metrics, nil)
	up := func(want string) {
		t.Helper()
		text := ""
		if want != "" {
			text = "# HELP storage_cache_store_up Whether the cache store can be used: 0 while reads or writes fail for whatever reason, or it is left alone after repeated failures.\n" +
				"# TYPE storage_cache_store_up gauge\nstorage_cache_store_up{store=\"redis\"} " + want + "\n"
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(text), "storage_cache_store_up"); err != nil {
			t.Error(err)
		}
	}
	up("")
	_ = store.Ping(t.Context())
	up("1")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_ = store.Set(cancelled, cachestore.SetItem{Key: "key", TTL: time.Minute})
	_ = store.Set(t.Context(), cachestore.SetItem{Key: "key"})
	up("1")
	broken.err = cachestore.ErrUnavailable
	for range 5 {
		_ = store.Ping(t.Context())
	}
	up("0")
	if _, err := store.Get(t.Context(), "key"); !errors.Is(err, cachestore.ErrOpen) {
		t.Errorf("Get: %v", err)
	}
	up("0")

	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if h := m.GetHistogram(); h != nil {
				counts[m.GetLabel()[0].GetValue()] = h.GetSampleCount()
			}
		}
	}
	want := map[string]uint64{"ping": 3, "get": 0, "set": 0, "claim": 0, "release": 0,
		"append": 0, "newest": 0, "mark": 0, "marked": 0, "swap": 0} // what was refused took no time
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("calls counted: %v, want %v", counts, want)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}
