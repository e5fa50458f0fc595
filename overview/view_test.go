package overview

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/smart/smartctl"
	"storage_exporter/volume"
	"storage_exporter/volume/observed"
	"storage_exporter/zpool"
)

func TestBuildsAtOnce(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		if o := r.Get(); o.Lookup != cache.Hit || o.Value.Counts.Drives.ByVerdict[assess.Unknown] != 2 {
			t.Errorf("before the start: %v %+v", o.Lookup, o.Value.Counts.Drives)
		}
		r.start()
		synctest.Wait()
		time.Sleep(leastPause) // the parts came after the first build
		o := r.Get()
		if o.Lookup != cache.Hit || o.Value.Counts.Drives.ByVerdict[assess.OK] != 2 {
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
			r.Get()
			time.Sleep(10 * time.Second)
		}
		if n := r.asked(); n != 0 {
			t.Errorf("%d observations of parts that nobody started", n)
		}
		if gets, puts := r.store.gets.Load(), r.store.puts.Load(); gets != 0 || puts != 0 {
			t.Errorf("%d reads of the store; %d overviews put although this process observes nothing", gets, puts)
		}
		for _, d := range r.drives {
			if _, err := d.entry.Get(t.Context()); err != nil { // once each
				t.Fatal(err)
			}
		}
		time.Sleep(2 * every) // stale now, still alive
		if o := r.Get().Value; !o.Stale || o.Counts.Drives.ByVerdict[assess.OK] != 2 {
			t.Errorf("stale: %v, %+v", o.Stale, o.Counts)
		}
		time.Sleep(4 * every) // dead
		if o := r.Get().Value; o.Counts.Drives.ByVerdict[assess.Unknown] != 2 || o.Outside[0].Error == "" {
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
		if o := r.Get(); o.Age != 50*time.Second || *o.Value.Outside[0].AgeSeconds != 50 || *o.Value.Outside[1].AgeSeconds != 40 {
			t.Errorf("age %v, of the drives %v and %v", o.Age, *o.Value.Outside[0].AgeSeconds, *o.Value.Outside[1].AgeSeconds)
		}
		time.Sleep(5 * time.Second)
		if o := r.Get(); o.Age != 55*time.Second {
			t.Errorf("age %v, want it to grow from build to build", o.Age)
		}
	})
}

func TestRebuiltOnChange(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.start()
		time.Sleep(40 * time.Second)
		synctest.Wait()
		failing := report.Report{SerialNumber: "EXsda", Passed: new(false)}
		r.drives[0].set(failing, nil)
		r.drives[0].source.Observe()
		synctest.Wait()
		if o := r.Get(); o.Value.Counts.Drives.ByVerdict[assess.Failing] != 1 {
			t.Errorf("%+v: the change does not show at once", o.Value.Counts)
		}
		r.pools.set([]zpool.Pool{{Name: "p", State: "FAULTED"}}, nil)
		r.pools.source.Observe()
		r.enclosures.set([]enclosure.Enclosure{}, nil)
		r.enclosures.source.Observe()
		synctest.Wait()
		if o := r.Get(); len(o.Value.Enclosures) == 0 {
			t.Error("rebuilt twice within the pause")
		}
		time.Sleep(leastPause)
		synctest.Wait()
		if o := r.Get(); len(o.Value.Enclosures) != 0 || o.Value.Pools[0].State != "FAULTED" {
			t.Errorf("%+v: the changes do not show after the pause", o.Value.Counts)
		}
		time.Sleep(leastPause)
		r.pools.set([]zpool.Pool{}, nil)
		r.pools.source.Observe()
		synctest.Wait()
		if o := r.Get(); len(o.Value.Pools) != 0 {
			t.Errorf("%+v: the change of pools does not show at once", o.Value.Counts)
		}
		time.Sleep(leastPause)
		r.enclosures.set([]enclosure.Enclosure{enclosed("e")}, nil)
		r.enclosures.source.Observe()
		synctest.Wait()
		if o := r.Get(); len(o.Value.Enclosures) != 1 {
			t.Errorf("%+v: the change of enclosures does not show at once", o.Value.Counts)
		}
	})
}

// However often the parts change, there is one build in two seconds, and one in
// thirty where nothing does.
func TestBuildsAreBounded(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.Start()
		synctest.Wait()
		before := r.Get().Revision
		for range 1000 {
			r.Changed()
			r.Get()
			time.Sleep(20 * time.Millisecond)
		}
		synctest.Wait()
		if n := r.Get().Revision - before; n < 9 || n > 11 {
			t.Errorf("%d builds in 20 s of changes", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		before = r.Get().Revision
		for range 300 {
			time.Sleep(time.Second)
			r.Get()
		}
		if n := r.Get().Revision - before; n < 9 || n > 11 {
			t.Errorf("%d builds in 300 s without changes", n)
		}
	})
}

// A change during a build is in the next one.
func TestChangeDuringBuild(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		drives, calls := r.cfg.Drives, 0
		r.cfg.Drives = func() ([]*smart.Drive, error) {
			if calls++; calls == 1 {
				r.Changed()
			}
			return drives()
		}
		r.Get()
		r.Get()
		time.Sleep(leastPause)
		r.Get()
		if calls != 2 {
			t.Errorf("%d builds, want another for the change that came during the first", calls)
		}
	})
}

// A set of drives that is not known hides no other part and is not shown as none.
func TestNoListYet(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.setKnown(false)
		r.start()
		time.Sleep(leastPause)
		o := r.Get().Value
		if o.Errors["drives"] != errNotScanned.Error() || o.Counts.Drives != nil || o.Outside != nil {
			t.Errorf("errors %v, drives %+v, outside %v", o.Errors, o.Counts.Drives, o.Outside)
		}
		if len(o.Enclosures) != 1 || len(o.Pools) != 1 || o.Enclosures[0].Slots[0].Drive.NotMonitored {
			t.Errorf("enclosures %+v, pools %+v", o.Enclosures, o.Pools)
		}
		r.setKnown(true)
		r.Changed()
		time.Sleep(leastPause)
		if o := r.Get().Value; len(o.Errors) != 0 || o.Counts.Drives.Total != 2 {
			t.Errorf("no overview of the drives although they are known: %v, %+v", o.Errors, o.Counts.Drives)
		}
	})
}

func TestPartsThatFail(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.enclosures.set(nil, errors.New("permission denied"))
		r.pools.set(nil, errors.New("zpool: cannot be run"))
		r.drives[1].set(report.Report{}, &smartctl.ReportError{Device: "/dev/sdb", Message: "Smartctl open device: /dev/sdb failed: Permission denied", ExitStatus: report.ExitOpen})
		r.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		o := r.Get().Value
		if o.Enclosures != nil || o.Pools != nil || o.Errors["enclosures"] == "" || o.Errors["pools"] == "" {
			t.Errorf("errors %v", o.Errors)
		}
		if d := o.Outside[1]; d.Trouble != smart.TroublePermission || d.Error == "" || d.Assessment.Verdict != assess.Unknown {
			t.Errorf("the drive that cannot be read: %+v", d)
		}
		if d := o.Outside[0]; d.Error != "" || d.Assessment.Verdict != assess.OK {
			t.Errorf("the other one: %+v", d)
		}
	})
}

// The overview lies in the store soon after it has changed, and every 30 s where
// only its ages did.
func TestPublished(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		r.start()
		time.Sleep(every - time.Second) // until the second round of the parts
		synctest.Wait()
		before := r.store.puts.Load()
		if o := r.stored(t); o == nil || o.Counts.Drives.ByVerdict[assess.OK] != 2 {
			t.Fatalf("stored: %+v", o)
		}
		r.drives[0].set(report.Report{SerialNumber: "EXsda", Passed: new(false)}, nil)
		r.drives[0].source.Observe()
		time.Sleep(leastPause)
		synctest.Wait()
		if o := r.stored(t); o.Counts.Drives.ByVerdict[assess.Failing] != 1 || r.store.puts.Load() == before {
			t.Errorf("stored after the change: %+v", o.Counts.Drives)
		}
		before = r.store.puts.Load()
		r.drives[0].source.Observe() // the same report again
		time.Sleep(leastPause)
		synctest.Wait()
		if n := r.store.puts.Load() - before; n != 0 {
			t.Errorf("put %d times although only a time has changed", n)
		}
		time.Sleep(10 * interval)
		synctest.Wait()
		if n := r.store.puts.Load() - before; n < 9 || n > 14 {
			t.Errorf("put %d times in 300 s", n)
		}
	})
}

// Of two replicas the one that observes puts the overview; both have all of it.
func TestReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory()
		one, two := newRig(t, store, "one"), newRig(t, store, "two")
		one.start()
		time.Sleep(10 * time.Second)
		two.start()
		time.Sleep(2 * every)
		synctest.Wait()
		for _, r := range []*rig{one, two} {
			if o := r.Get(); o.Value.Counts.Drives.ByVerdict[assess.OK] != 2 || len(o.Value.Pools) != 1 || len(o.Value.Enclosures) != 1 {
				t.Errorf("%+v", o.Value.Counts)
			}
		}
		if one.store.puts.Load() == 0 || two.store.puts.Load() != 0 {
			t.Errorf("the observer put %d times, the other %d times", one.store.puts.Load(), two.store.puts.Load())
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

// Without any part the overview says so.
func TestNothingObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache.New(cache.Config{Store: memory(), Observer: "o", Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(prometheus.NewRegistry())})
		v, err := New(Config{Cache: c, Host: "h"})
		if err != nil {
			t.Fatal(err)
		}
		o := v.Get().Value
		want := map[string]string{"drives": "not observed", "enclosures": "not observed", "pools": "not observed"}
		if diff := cmp.Diff(want, o.Errors); diff != "" {
			t.Error(diff)
		}
		v.Close()
		v.Changed() // of a part that ends later
		_ = c.Close(t.Context())
	})
}

// Many readers at once cost one build, and the store nothing.
func TestReadersShare(t *testing.T) {
	inBubble(t, memory, func(t *testing.T, r *rig) {
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { r.Get() })
		}
		wg.Wait()
		if n := r.Get().Revision; n != 1 || r.store.gets.Load() != 0 {
			t.Errorf("%d builds, %d reads of the store", n, r.store.gets.Load())
		}
	})
}

// A volume shows its health, its figures and its usage; what is not known is absent.
func TestVolumes(t *testing.T) {
	perf := observed.PerfMetric{VolumeName: "a", Metric: volume.Performance{IOPSRead: new(5.0)}}
	parts := Parts{At: at, Volumes: []VolumePart{
		{
			Name: "a", Backend: "xfs", Performance: snapshot(perf, time.Second), Usage: snapshot(volume.Usage{UsedBytes: new(uint64(7))}, 0),
			Health: snapshot(volume.Health{Status: volume.Degraded, Info: "a node is down", Backend: "xfs"}, 3*time.Second),
		},
		{
			Name: "b", Backend: "netapp", Health: cache.Result[volume.Health]{Err: errors.New("no snapshot")},
			Performance: cache.Result[observed.PerfMetric]{Err: volume.ErrUnsupported}, Usage: cache.Result[volume.Usage]{Err: volume.ErrNoSample},
		},
	}}
	o := Build(parts)
	want := []Volume{
		{
			Name: "a", Backend: "xfs", Status: volume.Degraded, Info: "a node is down", CheckedAt: new(at.Add(-3 * time.Second)), AgeSeconds: new(3.0),
			Performance: &perf.Metric, Usage: &volume.Usage{UsedBytes: new(uint64(7))},
		},
		{Name: "b", Backend: "netapp", Status: volume.Unknown, Info: "no snapshot"},
	}
	if diff := cmp.Diff(want, o.Volumes); diff != "" {
		t.Error(diff)
	}
	if c := o.Counts.Volumes; c.Total != 2 || c.ByStatus[volume.Degraded] != 1 || c.ByStatus[volume.Unknown] != 1 || c.ByStatus[volume.Healthy] != 0 {
		t.Errorf("counts %+v", c)
	}
	if parts.age() != 3*time.Second {
		t.Errorf("age %v, want the oldest part's", parts.age())
	}
}
