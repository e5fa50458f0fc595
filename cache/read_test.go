package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadServesTheRefreshersSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newRunningProbe(c, "a", SourceConfig{})
		time.Sleep(2 * time.Second)
		snap := wantValue(t, p.entry, 1, Hit)
		if snap.Age != 2*time.Second {
			t.Errorf("age %v, want 2s", snap.Age)
		}
		if n := p.runs.Load(); n != 1 {
			t.Errorf("%d observations, want 1: a read must not observe what is there", n)
		}
	})
}

func TestMissIsObservedOnceForAllReaders(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { wantValue(t, p.entry, 1, Miss) })
		}
		wg.Wait()
		if n := p.runs.Load(); n != 1 {
			t.Errorf("%d observations for 20 readers, want 1", n)
		}
		if r, h := count(t, p.source.metrics.requests), count(t, p.source.metrics.hits); r != 20 || h != 0 {
			t.Errorf("requests %v, hits %v; want 20 and 0", r, h)
		}
	})
}

func TestReaderWhoseDeadlineEndsFirst(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		_, err := p.entry.Get(within(t, 10*time.Millisecond))
		if !errors.Is(err, ErrNoSnapshot) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want ErrNoSnapshot and the deadline", err)
		}
		time.Sleep(time.Second)
		wantValue(t, p.entry, 1, Hit) // the observation filled the entry all the same
	})
}

func TestStaleIsServedAndRefreshed(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{}) // never started: no refresher
		wantValue(t, p.entry, 1, Miss)
		time.Sleep(12 * time.Second)
		wantValue(t, p.entry, 1, Hit)
		time.Sleep(time.Second)
		snap := wantValue(t, p.entry, 1, Stale)
		if snap.Age != 13*time.Second {
			t.Errorf("age %v, want 13s", snap.Age)
		}
		time.Sleep(time.Second)
		wantValue(t, p.entry, 2, Hit)
		if n := count(t, p.source.metrics.stale); n != 1 {
			t.Errorf("stale_total %v, want 1", n)
		}
	})
}

func TestExpiredIsNeverServed(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		wantValue(t, p.entry, 1, Miss)
		p.set(fails)
		time.Sleep(30*time.Second - time.Millisecond)
		wantValue(t, p.entry, 1, Stale)
		time.Sleep(2 * time.Millisecond)
		if snap, err := p.entry.Get(within(t, time.Second)); !errors.Is(err, errBroken) {
			t.Errorf("after the end of its life: %v %v, want the reason", snap, err)
		}
		if last, ok := p.entry.Last(); !ok || *last.Value != 1 {
			t.Errorf("Last: %v %v, want the expired one", last, ok)
		}
	})
}

func TestFailureIsRememberedForReaders(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{Interval: time.Minute})
		p.set(fails)
		for range 100 { // a scrape each 10 ms, for a second
			if _, err := p.entry.Get(within(t, time.Second)); !errors.Is(err, errBroken) {
				t.Fatalf("error %v, want %v", err, errBroken)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := p.runs.Load(); n != 1 {
			t.Errorf("%d observations, want 1: readers must not ask a broken source again and again", n)
		}
	})
}

func TestStoreFailureIsNotTheReaders(t *testing.T) {
	faults := map[string]func(*faultyStore){
		"refuses": func(f *faultyStore) { f.breakWith(errBroken, nil) },
		"hangs":   func(f *faultyStore) { f.breakWith(nil, make(chan struct{})) },
		"forgets": func(f *faultyStore) { f.mu.Lock(); defer f.mu.Unlock(); clear(f.keys); clear(f.claims) },
		"garbage": func(f *faultyStore) { f.plant("key:a", "\x00\xff{", time.Minute) },
		"foreign": func(f *faultyStore) {
			f.plant("key:a", `{"origin":"host2","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":60000,"value":99}`, time.Minute)
		},
		"wrong type": func(f *faultyStore) {
			f.plant("key:a", `{"origin":"host1","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":60000,"value":"text"}`, time.Minute)
		},
		"longer life than given": func(f *faultyStore) {
			f.plant("key:a", `{"origin":"host1","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":1000,"value":99}`, time.Hour)
		},
		"negative age": func(f *faultyStore) {
			f.plant("key:a", `{"origin":"host1","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":-5,"ttl_ms":60000,"value":99}`, time.Minute)
		},
		"null": func(f *faultyStore) {
			f.plant("key:a", `{"origin":"host1","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":60000,"value":null}`, time.Minute)
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
				p := newRunningProbe(c, "a", SourceConfig{})
				time.Sleep(time.Second)
				fault(store)
				wantValue(t, p.entry, 1, Hit)
				// Observed on through the fault, at its pace.
				for i := range 10 {
					time.Sleep(10 * time.Second)
					snap, err := p.entry.Get(within(t, 3*time.Second))
					if err != nil {
						t.Fatalf("interval %d: %v", i, err)
					}
					if snap.Age > 13*time.Second {
						t.Errorf("interval %d: age %v", i, snap.Age)
					}
				}
				if n := p.runs.Load(); n < 9 || n > 12 {
					t.Errorf("%d observations in ten intervals", n)
				}
				store.breakWith(nil, nil)
			})
		})
	}
}

// A store that hangs takes a part of a reader's time: what is here is served in time,
// also to a scrape with less time than the store's own timeout.
func TestHangingStoreLeavesReadersTime(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		p := newProbe(c, "a", SourceConfig{}) // never started: readers look themselves
		wantValue(t, p.entry, 1, Miss)
		time.Sleep(13 * time.Second)
		store.breakWith(nil, make(chan struct{}))
		for range 3 { // as a collector that reads one thing after the other
			begun := time.Now()
			snap, err := p.entry.Get(within(t, 450*time.Millisecond))
			if took := time.Since(begun); err != nil || snap.Lookup != Stale || took > 450*time.Millisecond/storeShare {
				t.Errorf("after %v: %v, %v", took, snap.Lookup, err)
			}
		}
		begun := time.Now()
		if _, err := p.entry.Get(within(t, 10*time.Second)); err != nil || time.Since(begun) > 500*time.Millisecond {
			t.Errorf("with much time, after %v: %v", time.Since(begun), err)
		}
		store.breakWith(nil, nil)
	})
}

func TestForeignSnapshotsAreCountedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		store.plant("key:a", `{"origin":"host2","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":60000,"value":99}`, time.Minute)
		for range 5 {
			wantValueAny(t, p.entry, 1)
			store.plant("key:a", `{"origin":"host2","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":60000,"value":99}`, time.Minute)
		}
		if n := count(t, p.source.metrics.foreign); n != 1 {
			t.Errorf("foreign_snapshots_total %v, want 1", n)
		}
	})
}

func wantValueAny(t *testing.T, e *Entry[int], value int) {
	t.Helper()
	if snap, err := e.Get(within(t, 5*time.Second)); err != nil || *snap.Value != value {
		t.Fatalf("Get: %+v %v, want %d", snap, err, value)
	}
}

// The age comes from the store's clock: what a host with a clock an hour ahead
// or behind wrote has the age it had, and lives as long.
func TestAgeDoesNotDependOnTheObserversClock(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, 0, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
				p := newProbe(c, "a", SourceConfig{})
				at := time.Now().Add(skew).UTC().Format(time.RFC3339Nano)
				store.plant("key:a", fmt.Sprintf(`{"origin":"host1","observer":"x","observed_at":%q,"age_ms":500,"ttl_ms":30000,"value":7}`, at), 30*time.Second)
				time.Sleep(4 * time.Second)
				snap := wantValue(t, p.entry, 7, Hit)
				if snap.Age != 4500*time.Millisecond {
					t.Errorf("age %v, want 4.5s", snap.Age)
				}
				if p.runs.Load() != 0 {
					t.Error("observed although the store had a fresh snapshot")
				}
				time.Sleep(26 * time.Second)
				wantValue(t, p.entry, 1, Miss)
			})
		})
	}
}

func TestNewerOfStoreAndOwnCopyIsServed(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		wantValue(t, p.entry, 1, Miss)
		time.Sleep(5 * time.Second)
		store.plant("key:a", `{"origin":"host1","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":30000,"value":50}`, 20*time.Second)
		wantValue(t, p.entry, 1, Hit) // planted as put ten seconds ago: ours is newer
		store.plant("key:a", `{"origin":"host1","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":30000,"value":51}`, 29*time.Second)
		snap := wantValue(t, p.entry, 51, Hit)
		if snap.Age != time.Second {
			t.Errorf("age %v, want 1s", snap.Age)
		}
	})
}

func TestKeepAgesOn(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		first := wantValue(t, p.entry, 1, Miss)
		p.set(func(_ context.Context, r *Round) error {
			last, ok := p.entry.Last()
			if !ok {
				return errBroken
			}
			time.Sleep(time.Second) // the tool takes its time to say that the drive sleeps
			asleep := *last.Value + 1000
			p.entry.Keep(r, &asleep, last)
			return nil
		})
		p.source.Start()
		time.Sleep(95 * time.Second)
		snap, err := p.entry.Get(within(t, time.Second))
		if err != nil || snap.Lookup != Hit || *snap.Value < 1000 {
			t.Fatalf("Get: %+v %v", snap, err)
		}
		if put := store.lastPut(); !put.Irreplaceable {
			t.Errorf("%s was stored like what can be observed again", put.Key)
		}
		if snap.Age < 94*time.Second || snap.Age > 96*time.Second {
			t.Errorf("age %v, want 95s: what was not measured anew ages on", snap.Age)
		}
		if !snap.ObservedAt.Equal(first.ObservedAt) {
			t.Errorf("observed at %v, want %v", snap.ObservedAt, first.ObservedAt)
		}
		// So it does for a process that reads it from the store.
		other := newCache(t, store, "replica2")
		defer closeCache(t, other)
		q := newProbe(other, "a", SourceConfig{})
		if snap := wantValue(t, q.entry, *snap.Value, Hit); snap.Age < 94*time.Second {
			t.Errorf("age in another process %v, want 95s", snap.Age)
		}
	})
}

func TestNothingToTellIsNoFailureAndReplacesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		nothing := fmt.Errorf("no sample: %w", ErrNothing)
		p := newProbe(c, "a", SourceConfig{})
		p.set(func(_ context.Context, r *Round) error { p.entry.Fail(r, nothing); return nil })
		if _, err := p.entry.Get(within(t, time.Second)); !errors.Is(err, ErrNothing) {
			t.Fatalf("error %v, want ErrNothing", err)
		}
		if _, err := p.entry.Get(within(t, time.Second)); !errors.Is(err, ErrNothing) || p.runs.Load() != 1 {
			t.Fatalf("error %v after %d observations, want ErrNothing after 1", err, p.runs.Load())
		}
		p.set(nil)
		p.source.Start()
		time.Sleep(3 * time.Second) // the second of two counters comes soon
		wantValue(t, p.entry, 2, Hit)
		p.set(func(_ context.Context, r *Round) error { return nothing })
		time.Sleep(12 * time.Second)
		wantValueAny(t, p.entry, 2)
	})
}

func TestReadAfterClose(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		p.source.Start()
		p.source.Close()
		time.Sleep(time.Second)
		if _, err := p.entry.Get(within(t, time.Second)); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v, want ErrClosed", err)
		}
	})
}

// A reader whose source is taken away while he waits gets the same reason.
func TestCloseWhileRead(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		p.source.Start()
		time.AfterFunc(50*time.Millisecond, p.source.Close)
		if _, err := p.entry.Get(within(t, time.Second)); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v, want ErrClosed", err)
		}
	})
}

func TestOneReadOfManyEntriesIsOneRoundTrip(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		s := c.NewSource(SourceConfig{Kind: "array", Name: "array1", Origin: "array1", Interval: 10 * time.Second, Timeout: time.Second,
			Observe: func(context.Context, *Round) error { return nil }})
		s.Close()
		var entries []*Entry[int]
		runs := 0
		s = c.NewSource(SourceConfig{Kind: "array", Name: "array1", Origin: "array1", Interval: 10 * time.Second, Timeout: time.Second,
			Observe: func(_ context.Context, r *Round) error {
				runs++
				for i, e := range entries {
					switch {
					case i == 7:
						e.Fail(r, errBroken)
					case i != 8: // the array says nothing of the eighth
						e.Put(r, &i, time.Time{})
					}
				}
				return nil
			}})
		for i := range 100 {
			entries = append(entries, Add[int](s, fmt.Sprintf("array:%d", i), time.Minute))
		}
		for range 3 {
			results := GetAll(within(t, time.Second), entries)
			for i, r := range results {
				switch i {
				case 7:
					if !errors.Is(r.Err, errBroken) {
						t.Errorf("entry 7: %v, want its own error", r.Err)
					}
				case 8:
					if !errors.Is(r.Err, ErrNothing) {
						t.Errorf("entry 8: %v, want that it was not reported", r.Err)
					}
				default:
					if r.Err != nil || *r.Snapshot.Value != i {
						t.Errorf("entry %d: %+v", i, r)
					}
				}
			}
		}
		if runs != 1 {
			t.Errorf("%d observations for 300 reads of 100 entries, want 1", runs)
		}
		if store.sets != 1 {
			t.Errorf("%d round trips for what one observation put, want 1", store.sets)
		}
		if store.gets != 4 { // three reads, and the look before the observation
			t.Errorf("%d round trips, want 4", store.gets)
		}
	})
}

func TestRevisionChangesWithTheSnapshotOnly(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		a := wantValue(t, p.entry, 1, Miss)
		time.Sleep(time.Second)
		if b := wantValue(t, p.entry, 1, Hit); b.Revision != a.Revision || b.Value != a.Value {
			t.Error("an unchanged snapshot has a new revision or a new value")
		}
		raw, _ := json.Marshal(1)
		store.plant("key:a", fmt.Sprintf(`{"origin":"host1","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":30000,"value":%s}`, raw), 30*time.Second)
		if b := wantValue(t, p.entry, 1, Hit); b.Revision == a.Revision {
			t.Error("a new snapshot has the old revision")
		}
	})
}

func TestLifeIsRaised(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		s := c.NewSource(SourceConfig{Kind: "k", Name: "n", Origin: "o", Interval: 100 * time.Second, Timeout: 20 * time.Second,
			Observe: func(context.Context, *Round) error { return nil }})
		Add[int](s, "x", time.Second)
		if got := s.lifeFor(time.Second, 0); got != 130*time.Second {
			t.Errorf("life %v, want 1.1 intervals and the timeout: 130s", got)
		}
		if got := s.lifeFor(time.Hour, 0); got != time.Hour {
			t.Errorf("life %v, want the hour asked for", got)
		}
		synctest.Wait()
	})
}

func TestPeekAsksForNothing(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		peek := p.entry.Peek
		if r := peek(); !errors.Is(r.Err, ErrNoSnapshot) {
			t.Errorf("%+v, want no snapshot", r)
		}
		wantValue(t, p.entry, 1, Miss)
		time.Sleep(20 * time.Second)
		if r := peek(); r.Err != nil || r.Snapshot.Lookup != Stale {
			t.Errorf("%+v, want a stale one", r)
		}
		synctest.Wait()
		if n := p.runs.Load(); n != 1 {
			t.Errorf("%d observations, want 1", n)
		}
	})
}
