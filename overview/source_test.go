package overview

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

func TestSourceBuildsAtOnce(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.start()
		synctest.Wait()
		time.Sleep(leastPause) // the parts came after the first build
		synctest.Wait()
		o := r.overview(t)
		if o.Lookup != cache.Hit || o.Value.Counts.Drives.ByVerdict[smart.VerdictOK] != 2 {
			t.Errorf("%v %+v", o.Lookup, o.Value.Counts)
		}
		if diff := cmp.Diff(map[string]string{"sda": "e/1", "sdb": "outside"}, where(o.Value)); diff != "" {
			t.Error(diff)
		}
	})
}

// Building asks no part, with and without readers, also when all of them are
// stale or gone.
func TestBuildingAsksNothing(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.Start() // of the parts none is observed
		for range 20 {
			r.Changed()
			r.overview(t)
			time.Sleep(10 * time.Second)
		}
		if n := r.asked(); n != 0 {
			t.Errorf("%d observations of parts that nobody started", n)
		}
		for _, d := range r.drives {
			if _, err := d.entry.Get(t.Context()); err != nil { // once each
				t.Fatal(err)
			}
		}
		time.Sleep(2 * every) // stale now, still alive
		if o := r.overview(t).Value; !o.Stale || o.Counts.Drives.ByVerdict[smart.VerdictOK] != 2 {
			t.Errorf("stale: %v, %+v", o.Stale, o.Counts)
		}
		time.Sleep(4 * every) // dead
		if o := r.overview(t).Value; o.Counts.Drives.ByVerdict[smart.VerdictUnknown] != 2 || o.Outside[0].Error == "" {
			t.Errorf("%+v", o.Counts)
		}
		if n := r.asked(); n != 2 {
			t.Errorf("%d observations, want the two that were asked for", n)
		}
	})
}

// The age is that of the oldest part.
func TestAgeOfOldestPart(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		for _, d := range r.drives {
			if _, err := d.entry.Get(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		time.Sleep(30 * time.Second)
		r.Start()
		if o := r.overview(t); o.Age != 50*time.Second || *o.Value.Outside[0].AgeSeconds != 50 || *o.Value.Outside[1].AgeSeconds != 40 {
			t.Errorf("age %v, of the drives %v and %v", o.Age, *o.Value.Outside[0].AgeSeconds, *o.Value.Outside[1].AgeSeconds)
		}
		time.Sleep(5 * time.Second)
		if o := r.overview(t); o.Age != 55*time.Second {
			t.Errorf("age %v, want it to grow from build to build", o.Age)
		}
	})
}

func TestRebuiltOnChange(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.start()
		time.Sleep(40 * time.Second)
		synctest.Wait()
		failing := smart.Report{SerialNumber: "EXsda", Passed: new(false)}
		r.drives[0].set(failing, nil)
		r.drives[0].source.Observe()
		synctest.Wait()
		if o := r.overview(t); o.Value.Counts.Drives.ByVerdict[smart.VerdictFailing] != 1 {
			t.Errorf("%+v: the change does not show at once", o.Value.Counts)
		}
		r.pools.set([]zpool.Pool{{Name: "p", State: "FAULTED"}}, nil)
		r.pools.source.Observe()
		r.shelves.set([]enclosure.Enclosure{}, nil)
		r.shelves.source.Observe()
		synctest.Wait()
		if o := r.overview(t); len(o.Value.Enclosures) == 0 {
			t.Error("rebuilt twice within the pause")
		}
		time.Sleep(leastPause)
		synctest.Wait()
		if o := r.overview(t); len(o.Value.Enclosures) != 0 || o.Value.Pools[0].State != "FAULTED" {
			t.Errorf("%+v: the changes do not show after the pause", o.Value.Counts)
		}
		time.Sleep(leastPause)
		r.pools.set([]zpool.Pool{}, nil)
		r.pools.source.Observe()
		synctest.Wait()
		if o := r.overview(t); len(o.Value.Pools) != 0 {
			t.Errorf("%+v: the change of pools does not show at once", o.Value.Counts)
		}
		time.Sleep(leastPause)
		r.shelves.set([]enclosure.Enclosure{shelf("e")}, nil)
		r.shelves.source.Observe()
		synctest.Wait()
		if o := r.overview(t); len(o.Value.Enclosures) != 1 {
			t.Errorf("%+v: the change of shelves does not show at once", o.Value.Counts)
		}
	})
}

// However often the parts change, there is one rebuild in two seconds, and one
// in thirty where nothing does.
func TestRebuildsAreBounded(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		var builds atomic.Int64
		r.entry.OnChange(func(cache.Snapshot[Overview]) { builds.Add(1) })
		r.Start()
		synctest.Wait()
		builds.Store(0)
		for range 1000 {
			r.Changed()
			time.Sleep(20 * time.Millisecond)
		}
		synctest.Wait()
		if n := builds.Load(); n < 9 || n > 11 {
			t.Errorf("%d rebuilds in 20 s of changes", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		builds.Store(0)
		time.Sleep(10 * interval)
		synctest.Wait()
		if n := builds.Load(); n < 9 || n > 11 {
			t.Errorf("%d rebuilds in 300 s without changes", n)
		}
	})
}

// A change during a build is in the next one.
func TestChangeDuringBuild(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		var builds atomic.Int64
		r.entry.OnChange(func(cache.Snapshot[Overview]) {
			if builds.Add(1) == 1 {
				r.Changed()
				time.Sleep(time.Millisecond) // what it starts comes to nothing while this build is under way
			}
		})
		r.Start()
		time.Sleep(leastPause + time.Second)
		synctest.Wait()
		if n := builds.Load(); n != 2 {
			t.Errorf("%d builds, want another for the change that came during the first", n)
		}
	})
}

func TestNoListYet(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.setKnown(false)
		r.Start()
		synctest.Wait()
		if _, err := r.Get(t.Context()); !errors.Is(err, cache.ErrNothing) {
			t.Errorf("err %v, want ErrNothing", err)
		}
		r.setKnown(true)
		r.Changed()
		synctest.Wait() // at once: what had nothing to show needs no pause
		if _, ok := r.entry.Last(); !ok {
			t.Error("no overview although the drives are known")
		}

		r.setKnown(false) // while the configuration is loaded anew
		r.Changed()
		time.Sleep(2 * leastPause)
		r.overview(t)
	})
}

func TestPartsThatFail(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.shelves.set(nil, errors.New("permission denied"))
		r.pools.set(nil, errors.New("zpool: cannot be run"))
		r.drives[1].set(smart.Report{}, &smart.ReportError{Device: "/dev/sdb", Message: "Smartctl open device: /dev/sdb failed: Permission denied", ExitStatus: smart.ExitOpen})
		r.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		o := r.overview(t).Value
		if o.Enclosures != nil || o.Pools != nil || o.Errors["enclosures"] == "" || o.Errors["pools"] == "" {
			t.Errorf("errors %v", o.Errors)
		}
		if d := o.Outside[1]; d.Trouble != smart.TroublePermission || d.Error == "" || d.Assessment.Verdict != smart.VerdictUnknown {
			t.Errorf("the drive that cannot be read: %+v", d)
		}
		if d := o.Outside[0]; d.Error != "" || d.Assessment.Verdict != smart.VerdictOK {
			t.Errorf("the other one: %+v", d)
		}
	})
}

// Two replicas keep one overview, and each shows it at once after a start.
func TestReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory()
		one := newRig(t, store, "one")
		one.start()
		time.Sleep(time.Minute)
		two := newRig(t, store, "two")
		two.setKnown(false)
		two.Start()
		synctest.Wait()
		if o := two.overview(t); o.Lookup != cache.Hit || o.Value.Counts.Drives.Total != 2 {
			t.Errorf("%v %+v", o.Lookup, o.Value.Counts)
		}
		one.end(t)
		two.end(t)
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no error without the host's fingerprint")
	}
}

func TestNothingObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache.New(cache.Config{Store: memory(), Observer: "o", Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(prometheus.NewRegistry())})
		s, err := New(Config{Cache: c, Host: "h", KeyPrefix: "jbod:n1:", Drives: func() ([]*smart.Drive, bool) { return nil, true }})
		if err != nil {
			t.Fatal(err)
		}
		if s.entry.Key() != "jbod:n1:overview" {
			t.Errorf("key %q", s.entry.Key())
		}
		snap, err := s.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if snap.Value.Errors["pools"] != "not observed" || snap.Value.Counts.Drives.Total != 0 {
			t.Errorf("%+v", snap.Value)
		}
		s.Close()
		s.Changed() // of a part that ends later
		_ = c.Close(t.Context())
	})
}

// slowStore takes a while to answer, and counts.
type slowStore struct {
	cachestore.Store
	gets atomic.Int64
}

func (s *slowStore) Get(ctx context.Context, keys ...string) ([]cachestore.Item, error) {
	s.gets.Add(1)
	time.Sleep(time.Millisecond)
	return s.Store.Get(ctx, keys...)
}

// Many readers at once cost the store one read.
func TestReadersShare(t *testing.T) {
	store := &slowStore{Store: memory()}
	inBubble(t, func() cachestore.Store { return store }, func(t *testing.T, r *rig) {
		r.overview(t)
		before := store.gets.Load()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { r.overview(t) })
		}
		wg.Wait()
		if n := store.gets.Load() - before; n != 1 {
			t.Errorf("%d reads of the store for 100 readers at once", n)
		}
		r.overview(t)
		if n := store.gets.Load() - before; n != 2 {
			t.Errorf("%d reads, want another for who comes later", n)
		}
	})
}

// Who shares a read that ends without an overview reads for itself, and nobody
// waits longer than he would.
func TestReadersShareNoFailure(t *testing.T) {
	store := &slowStore{Store: memory()}
	inBubble(t, func() cachestore.Store { return store }, func(t *testing.T, r *rig) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.Get(gone); err == nil {
				t.Error("an overview for who has gone")
			}
		})
		time.Sleep(time.Microsecond)
		wg.Go(func() { r.overview(t) })
		short, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		if _, err := r.Get(short); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cache.ErrNoSnapshot) {
			t.Errorf("err %v, want the deadline", err)
		}
		wg.Wait()
	})
}
