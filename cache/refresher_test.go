package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cachestore"
)

func TestObservedOnceAnInterval(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{})
		p.source.Start()
		time.Sleep(1000 * time.Second)
		if n := p.runs.Load(); n < 98 || n > 102 {
			t.Errorf("%d observations in 100 intervals", n)
		}
		at := p.times()
		for i := 2; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap != 10100*time.Millisecond {
				t.Fatalf("gap %d is %v, want an interval after the put", i, gap)
			}
		}
	})
}

func TestReadersAddNoObservations(t *testing.T) {
	observations := func(readers int) (n int64) {
		bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
			p := newProbe(c, "a", SourceConfig{})
			p.source.Start()
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for range readers {
				wg.Go(func() {
					for ctx.Err() == nil {
						_, _ = p.entry.Get(ctx)
						time.Sleep(100 * time.Millisecond)
					}
				})
			}
			time.Sleep(300 * time.Second)
			cancel()
			wg.Wait()
			n = p.runs.Load()
		})
		return n
	}
	if alone, watched := observations(0), observations(8); alone != watched {
		t.Errorf("%d observations with eight readers, %d without", watched, alone)
	}
}

func TestFailureBacksOff(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{Interval: 5 * time.Minute})
		p.set(fails)
		p.source.Start()
		time.Sleep(250 * time.Second)
		var gaps []time.Duration
		at := p.times()
		for i := 1; i < len(at); i++ {
			gaps = append(gaps, at[i].Sub(at[i-1]))
		}
		want := []time.Duration{2, 4, 8, 16, 32, 60, 60, 60}
		for i, w := range want {
			if i >= len(gaps) || gaps[i] != w*time.Second {
				t.Fatalf("gaps %v, want %v seconds", gaps, want)
			}
		}
		p.set(nil)
		time.Sleep(time.Minute)
		wantValue(t, p.entry, len(at)+1, Hit)
	})
}

func TestRetryNeverBeyondTheInterval(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{Interval: 10 * time.Second})
		p.set(fails)
		p.source.Start()
		time.Sleep(100 * time.Second)
		at := p.times()
		if gap := at[len(at)-1].Sub(at[len(at)-2]); gap != 10*time.Second {
			t.Errorf("retry after %v, want the interval", gap)
		}
	})
}

func TestPanicIsAFailureOfThatSourceAlone(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p, q := newProbe(c, "a", SourceConfig{}), newProbe(c, "b", SourceConfig{})
		p.set(func(context.Context, *Round) error { panic("a shape nobody thought of") })
		p.source.Start()
		q.source.Start()
		<-c.FirstRoundsEnded()
		if _, err := p.entry.Get(within(t, time.Second)); err == nil {
			t.Error("no error from a source that panics")
		}
		wantValue(t, q.entry, 1, Hit)
	})
}

func TestStuckObservation(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		lane := NewLane(1)
		var done []error
		p := newProbe(c, "stuck", SourceConfig{Lane: lane, Done: func(err error, _ time.Duration) { done = append(done, err) }})
		q := newProbe(c, "other", SourceConfig{Lane: lane})
		release := make(chan struct{})
		p.set(func(_ context.Context, r *Round) error { // deaf to its context, like a call into a dead mount
			<-release
			v := 42
			p.entry.Put(r, &v, time.Time{})
			return nil
		})
		p.source.Start()
		time.Sleep(time.Millisecond)
		q.source.Start()
		time.Sleep(10 * time.Minute)
		if n := p.runs.Load(); n != 1 {
			t.Errorf("%d observations of a stuck source, want 1", n)
		}
		if n := q.runs.Load(); n < 55 {
			t.Errorf("%d observations of its neighbour in the lane, want one an interval", n)
		}
		if n := count(t, p.source.metrics.stuck); n != 1 {
			t.Errorf("storage_observe_stuck %v, want 1", n)
		}
		if _, err := p.entry.Get(within(t, time.Second)); !errors.Is(err, ErrStuck) && !errors.Is(err, ErrTimeout) {
			t.Errorf("error %v, want that it is stuck", err)
		}
		if len(done) != 1 || !errors.Is(done[0], ErrTimeout) {
			t.Errorf("Done was called with %v, want one timeout", done)
		}
		if n := store.heldClaims(); n > 1 {
			t.Errorf("%d claims held, want that of the stuck source released", n)
		}
		p.set(nil)
		close(release)
		synctest.Wait()
		if n := count(t, p.source.metrics.stuck); n != 0 {
			t.Errorf("storage_observe_stuck %v after its return, want 0", n)
		}
		wantValue(t, p.entry, 42, Hit) // what it brought home late is news all the same
		time.Sleep(11 * time.Second)
		wantValue(t, p.entry, 2, Hit)
	})
}

func TestSixteenHangingDrivesLeaveTheOthersWarm(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		lane := NewLane(8)
		var running, most atomic.Int64
		var warm []*probe
		for i := range 78 {
			p := newProbe(c, fmt.Sprint(i), SourceConfig{Lane: lane, Interval: 90 * time.Second, Timeout: 20 * time.Second})
			hangs := i < 16
			p.set(func(ctx context.Context, r *Round) error {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				if hangs {
					<-ctx.Done() // killed at its timeout
					return ctx.Err()
				}
				time.Sleep(100 * time.Millisecond)
				p.entry.Put(r, &i, time.Time{})
				return nil
			})
			if !hangs {
				warm = append(warm, p)
			}
			p.source.Start()
		}
		time.Sleep(60 * time.Second) // even a first round in the worst order is over
		for range 60 {
			time.Sleep(15 * time.Second)
			for _, p := range warm {
				snap, err := p.entry.Get(within(t, time.Millisecond))
				if err != nil || snap.Lookup != Hit || snap.Age > 100*time.Second {
					t.Fatalf("%s: %+v %v, want a fresh snapshot", p.source.cfg.Name, snap, err)
				}
			}
		}
		if n := most.Load(); n > 8 {
			t.Errorf("%d observations at once in a lane of 8", n)
		}
	})
}

func TestFirstRoundIsFastAndTheNextIsSpread(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		lane := NewLane(8)
		var probes []*probe
		for i := range 78 {
			p := newProbe(c, fmt.Sprint(i), SourceConfig{Lane: lane, Interval: 90 * time.Second, Timeout: 20 * time.Second})
			probes = append(probes, p)
			p.source.Start()
		}
		begun := time.Now()
		<-c.FirstRoundsEnded()
		if d := time.Since(begun); d != time.Second { // 78 / 8 rounds of 100 ms
			t.Errorf("first round took %v, want 1s", d)
		}
		time.Sleep(200 * time.Second)
		slots := map[int]int{}
		for _, p := range probes {
			slots[int(p.times()[1].Sub(begun)/(5*time.Second))]++
		}
		for at, n := range slots {
			if n > 20 {
				t.Errorf("%d of 78 second turns in the same five seconds (%d)", n, at*5)
			}
		}
	})
}

func TestReplicasShareTheWork(t *testing.T) {
	for _, replicas := range []int{2, 5} {
		t.Run(fmt.Sprint(replicas), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFaultyStore()
				var caches []*Cache
				var probes []*probe
				for i := range replicas {
					c := newCache(t, store, fmt.Sprint("replica", i))
					p := newProbe(c, "a", SourceConfig{})
					caches, probes = append(caches, c), append(probes, p)
					p.source.Start()
				}
				time.Sleep(300 * time.Second)
				var total int64
				owner := 0
				for i, p := range probes {
					total += p.runs.Load()
					if p.runs.Load() > probes[owner].runs.Load() {
						owner = i
					}
				}
				if total < 28 || total > 33 {
					t.Errorf("%d observations in 30 intervals by %d replicas", total, replicas)
				}
				if n := probes[owner].runs.Load(); n != total {
					t.Errorf("the source wandered: %d of %d observations by one replica", n, total)
				}
				// The one that has the source dies without a word: its claim stays.
				store.breakFor(caches[owner])
				died := probes[owner].times()[len(probes[owner].times())-1]
				time.Sleep(15 * time.Second)
				var next time.Time
				for i, p := range probes {
					for _, at := range p.times() {
						if i != owner && at.After(died) && (next.IsZero() || at.Before(next)) {
							next = at
						}
					}
				}
				if gap := next.Sub(died); next.IsZero() || gap > 12*time.Second {
					t.Errorf("taken over after %v, want within 1.2 intervals", gap)
				}
				for _, c := range caches {
					closeCache(t, c)
				}
				if n := store.heldClaims(); n != 0 {
					t.Errorf("%d claims held after shutdown", n)
				}
			})
		})
	}
}

// A store that has no connection free for a moment costs no observation and loses
// no snapshot.
func TestBusyStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFaultyStore()
		busyFor := func(d time.Duration) {
			store.breakWith(cachestore.ErrBusy, nil)
			time.AfterFunc(d, func() { store.breakWith(nil, nil) })
		}
		first, second := newCache(t, store, "first"), newCache(t, store, "second")
		one, other := newProbe(first, "a", SourceConfig{}), newProbe(second, "a", SourceConfig{})
		busyFor(300 * time.Millisecond)
		one.source.Start()
		other.source.Start()
		time.Sleep(350 * time.Millisecond)
		busyFor(300 * time.Millisecond) // when the snapshot is put
		time.Sleep(2 * time.Second)
		if n := one.runs.Load() + other.runs.Load(); n != 1 {
			t.Errorf("%d observations by two replicas", n)
		}
		for _, p := range []*probe{one, other} {
			if snap, err := p.entry.Get(t.Context()); err != nil || snap.Lookup != Hit {
				t.Errorf("%v, %v", snap.Lookup, err)
			}
		}
		busyFor(time.Minute) // and who never gets one goes on without
		time.Sleep(50 * time.Second)
		if one.runs.Load() < 3 || other.runs.Load() < 3 {
			t.Errorf("%d and %d observations", one.runs.Load(), other.runs.Load())
		}
		time.Sleep(20 * time.Second)
		closeCache(t, first)
		closeCache(t, second)
	})
}

// breakFor ends a replica as a kill would: nothing of it runs on.
func (f *faultyStore) breakFor(c *Cache) { c.cancel() }

func TestHostsOnOneStoreByMistake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFaultyStore()
		var probes []*probe
		for _, host := range []string{"host1", "host2"} {
			c := newCache(t, store, host)
			defer closeCache(t, c)
			p := newProbe(c, "a", SourceConfig{Origin: host})
			p.set(func(_ context.Context, r *Round) error {
				v := len(probes[0].source.cfg.Origin)
				if p.source.cfg.Origin == "host2" {
					v = 222
				}
				p.entry.Put(r, &v, time.Time{})
				return nil
			})
			probes = append(probes, p)
		}
		for _, p := range probes {
			p.source.Start()
		}
		for range 300 {
			time.Sleep(time.Second)
			for i, p := range probes {
				want := []int{5, 222}[i]
				if snap, err := p.entry.Get(within(t, time.Second)); err != nil || *snap.Value != want {
					t.Fatalf("host %d: %+v %v, want its own %d", i+1, snap, err, want)
				}
			}
		}
		for i, p := range probes {
			if n := p.runs.Load(); n < 29 || n > 32 {
				t.Errorf("host %d: %d observations in 30 intervals, want no more than alone", i+1, n)
			}
		}
	})
}

func TestRestartFindsTheLastSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFaultyStore()
		c := newCache(t, store, "replica1")
		newRunningProbe(c, "a", SourceConfig{})
		closeCache(t, c)
		time.Sleep(5 * time.Second)
		c = newCache(t, store, "replica1b")
		defer closeCache(t, c)
		q := newRunningProbe(c, "a", SourceConfig{})
		wantValue(t, q.entry, 1, Hit)
		if q.runs.Load() != 0 {
			t.Error("observed anew what the store still held")
		}
		time.Sleep(7 * time.Second)
		if q.runs.Load() != 1 {
			t.Errorf("%d observations after the interval, want 1", q.runs.Load())
		}
	})
}

func TestSettledWaitsForSourcesThatAreFoundMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		var drive *probe
		scan := newProbe(c, "scan", SourceConfig{})
		scan.entry.OnChange(func(Snapshot[int]) {
			if drive == nil {
				drive = newProbe(c, "drive", SourceConfig{})
				drive.source.Start()
			}
		})
		scan.source.Start()
		<-c.FirstRoundsEnded()
		wantValue(t, drive.entry, 1, Hit)
	})
}

func TestSettledWithNothingToDo(t *testing.T) {
	bubble(t, func(_ *testing.T, c *Cache, _ *faultyStore) { <-c.FirstRoundsEnded() })
}

func TestCloseCutsObservationsShort(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{Timeout: 5 * time.Second, Done: func(err error, _ time.Duration) {
			t.Errorf("Done(%v) for an observation that a shutdown cut off", err)
		}})
		p.set(func(ctx context.Context, _ *Round) error { <-ctx.Done(); return ctx.Err() })
		p.source.Start()
		time.Sleep(time.Second)
		begun := time.Now()
		closeCache(t, c)
		if d := time.Since(begun); d != 0 {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestCloseDoesNotWaitForTheStuck(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		release := make(chan struct{})
		p := newProbe(c, "a", SourceConfig{})
		p.set(func(context.Context, *Round) error { <-release; return nil })
		p.source.Start()
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v, want the deadline", err)
		}
		close(release)
	})
}

func TestForcedObservation(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newRunningProbe(c, "a", SourceConfig{Interval: 10 * time.Minute})
		time.Sleep(time.Second)
		p.source.Observe()
		time.Sleep(time.Second)
		wantValue(t, p.entry, 2, Hit)
	})
}
