package cache

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cachestore"
)

func (f *faultyStore) counts() (gets, values, sets int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gets, f.values, f.sets
}

// The own copy is enough while it is fresh: readers of a source that is looked
// after cost the store nothing.
func TestReadersCostTheStoreNothing(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		p := newRunningProbe(c, "a", SourceConfig{})
		other := newCache(t, store, "replica2")
		defer closeCache(t, other)
		q := newRunningProbe(other, "a", SourceConfig{})
		time.Sleep(time.Second)
		before, _, _ := store.counts()
		for range 100 {
			wantValue(t, p.entry, 1, Hit)
			wantValue(t, q.entry, 1, Hit)
			p.entry.Peek()
			q.entry.Peek()
		}
		if after, _, _ := store.counts(); after != before {
			t.Errorf("%d calls of the store for 300 reads of what is fresh", after-before)
		}
		if n := count(t, q.source.metrics.requests); n != 100 || count(t, q.source.metrics.hits) != n {
			t.Errorf("%v requests counted, want 100, all hits", n)
		}
	})
}

// Sources that are due at about the same time are looked at in one round trip.
func TestDueSourcesAreLookedAtTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sources = 50
		store := newFaultyStore()
		begin := func(name string) []*probe {
			c := newCache(t, store, name)
			t.Cleanup(func() { closeCache(t, c) })
			var probes []*probe
			lane := NewLane(sources)
			for i := range sources {
				p := newProbe(c, fmt.Sprint(i), SourceConfig{Lane: lane})
				probes = append(probes, p)
				p.source.Start()
			}
			<-c.FirstRoundsEnded()
			return probes
		}
		begin("replica1")
		time.Sleep(time.Second)
		before, _, _ := store.counts()
		probes := begin("replica2")
		for _, p := range probes {
			if _, ok := p.entry.Last(); !ok || p.runs.Load() != 0 {
				t.Fatalf("%s: the other replica's snapshot was not taken over", p.source.cfg.Name)
			}
		}
		if after, _, _ := store.counts(); after-before > sources/5 {
			t.Errorf("%d round trips to look at %d sources", after-before, sources)
		}
	})
}

// A snapshot of one replica is with the other in time, without readers: one that
// is due within a twentieth of the interval, one out of turn within 30 s.
func TestOtherReplicaSeesNewSnapshotsInTime(t *testing.T) {
	for _, interval := range []time.Duration{10 * time.Second, 30 * time.Second, 90 * time.Second, 10 * time.Minute} {
		t.Run(interval.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFaultyStore()
				var probes []*probe
				for i := range 2 {
					c := newCache(t, store, fmt.Sprint("replica", i))
					defer closeCache(t, c)
					p := newRunningProbe(c, "a", SourceConfig{Interval: interval})
					probes = append(probes, p)
				}
				seen := func() (value int, at time.Time) { // by the second
					start := probes[1].entry
					last, _ := start.Last()
					for {
						time.Sleep(10 * time.Millisecond)
						if s, _ := start.Last(); s.Revision != last.Revision {
							return *s.Value, time.Now()
						}
					}
				}
				seen() // the first interval is shorter
				for range 5 {
					value, at := seen()
					put := probes[0].times()[value-1].Add(100 * time.Millisecond)
					if lag := at.Sub(put); lag > max(time.Second, interval/20)+10*time.Millisecond {
						t.Errorf("a snapshot was seen %v after its put", lag)
					}
				}
				for i := range 5 {
					time.Sleep(interval / 7 * time.Duration(i))
					// The second has just looked, in the worst case.
					probes[0].source.Observe()
					value, at := seen()
					put := probes[0].times()[value-1].Add(100 * time.Millisecond)
					if lag := at.Sub(put); lag > 30*time.Second {
						t.Errorf("a snapshot out of turn was seen %v after its put", lag)
					}
				}
				if probes[1].runs.Load() != 0 {
					t.Error("the other replica observed, too")
				}
				// And the other way round: who observes sees what the other put out of turn.
				seen()
				time.Sleep(interval / 3)
				probes[1].set(func(_ context.Context, r *Round) error {
					v := 4711
					probes[1].entry.Put(r, &v, time.Time{})
					return nil
				})
				probes[1].source.Observe()
				time.Sleep(min(30*time.Second, interval*3/4))
				if s, _ := probes[0].entry.Last(); *s.Value != 4711 {
					t.Errorf("the observing replica has %d 30 s after the other put 4711", *s.Value)
				}
			})
		})
	}
}

// A key that somebody deletes costs the replicas nothing: their copies serve on,
// and the key is there again with the next observation.
func TestDeletedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFaultyStore()
		var probes []*probe
		for i := range 2 {
			c := newCache(t, store, fmt.Sprint("replica", i))
			defer closeCache(t, c)
			p := newRunningProbe(c, "a", SourceConfig{})
			probes = append(probes, p)
		}
		time.Sleep(30 * time.Second)
		for range 10 {
			store.mu.Lock()
			clear(store.keys)
			store.mu.Unlock()
			for range 12 {
				for _, p := range probes {
					if snap, err := p.entry.Get(within(t, time.Second)); err != nil || snap.Lookup != Hit || snap.Age > 12*time.Second {
						t.Fatalf("%+v, %v", snap, err)
					}
				}
				time.Sleep(time.Second)
			}
			store.mu.Lock()
			if _, ok := store.keys["key:a"]; !ok {
				t.Error("the key was not put again")
			}
			store.mu.Unlock()
		}
		if n := probes[0].runs.Load() + probes[1].runs.Load(); n > 17 {
			t.Errorf("%d observations in 15 intervals", n)
		}
	})
}

// What is large and seldom read is fetched for who reads it, and before the source
// changes hands.
func TestOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFaultyStore()
		type replica struct {
			cache        *Cache
			small, large *Entry[int]
			found        atomic.Int64 // of large, when this replica observed first
			done         atomic.Int64 // observations
		}
		var replicas []*replica
		for i := range 2 {
			r := &replica{cache: newCache(t, store, fmt.Sprint("replica", i))}
			s := r.cache.NewSource(SourceConfig{Kind: "k", Name: "n", Origin: "o", Interval: 10 * time.Second, Timeout: time.Second,
				Observe: func(_ context.Context, round *Round) error {
					if last, ok := r.large.Last(); ok {
						r.found.CompareAndSwap(0, int64(*last.Value))
					}
					small := int(r.done.Add(1))
					large := 1000 + small
					r.small.Put(round, &small, time.Time{})
					r.large.Put(round, &large, time.Time{})
					return nil
				}})
			r.small, r.large = Add[int](s, "small", time.Minute), Add[int](s, "large", time.Minute)
			r.large.OnDemand()
			s.Start()
			<-r.cache.FirstRoundsEnded()
			replicas = append(replicas, r)
			defer closeCache(t, r.cache)
		}
		first, second := replicas[0], replicas[1]
		newest := func() int { return 1000 + int(first.done.Load()) }
		_, before, _ := store.counts()
		time.Sleep(100 * time.Second)
		if _, values, _ := store.counts(); values-before > 12 {
			t.Errorf("%d values read in ten intervals, want one each", values-before)
		}
		// Readers have the newest, and by who observes the store is not asked.
		wantValue(t, second.large, newest(), Hit)
		gets, _, _ := store.counts()
		wantValue(t, first.large, newest(), Hit)
		if again, _, _ := store.counts(); again != gets {
			t.Error("the observing replica asked the store for what it put itself")
		}
		time.Sleep(10 * time.Second)
		wantValue(t, second.large, newest(), Hit)
		time.Sleep(10 * time.Second)
		store.breakFor(first.cache)
		time.Sleep(12 * time.Second)
		if found := second.found.Load(); found != int64(newest()) {
			t.Errorf("the other took over with %d, want %d", found, newest())
		}
	})
}

// A warm store and a reader who is there before the first look: nothing is
// observed anew.
func TestReaderDuringTheFirstLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFaultyStore()
		c := newCache(t, store, "replica1")
		newRunningProbe(c, "a", SourceConfig{})
		closeCache(t, c)
		c = newCache(t, store, "replica2")
		defer closeCache(t, c)
		q := newProbe(c, "a", SourceConfig{})
		gate := make(chan struct{})
		store.breakWith(nil, gate) // answers late
		q.source.Start()
		time.AfterFunc(200*time.Millisecond, func() { store.breakWith(nil, nil); close(gate) })
		wantValue(t, q.entry, 1, Hit)
		if q.runs.Load() != 0 {
			t.Error("observed anew what the store holds")
		}
	})
}

// The claim of an observation that went well ends by itself, soon; one of a
// failure is given back.
func TestClaimEndsSoon(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		p := newProbe(c, "a", SourceConfig{Interval: 90 * time.Second, Timeout: 20 * time.Second})
		p.source.Start()
		time.Sleep(80 * time.Second)
		p.source.Observe()
		time.Sleep(1200 * time.Millisecond)
		if n := store.heldClaims(); n != 0 {
			t.Error("the claim outlives its observation by more than a second")
		}
		p.set(fails)
		p.source.Observe()
		synctest.Wait()
		if n := store.heldClaims(); n != 0 {
			t.Error("the claim of a failure is kept")
		}
		if _, err := p.source.fly(forReader); !errors.Is(err, errBroken) {
			t.Errorf("error %v", err)
		}
	})
}

var _ cachestore.Store = (*faultyStore)(nil)
