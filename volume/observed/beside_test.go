package observed

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cache"
	"storage_exporter/internal/logtest"
	"storage_exporter/volume"
)

func mounted(name string) volume.Config {
	cfg := array(name, "https://x")
	cfg.RequireMount = new(true)
	return cfg
}

func lost() volume.Mounted {
	return volume.Mounted{Health: volume.Health{Status: volume.Offline, Info: "/b is on /, with nothing mounted there"}}
}

// A mount that is required is this host's alone, and joined when it is read: what
// other hosts share is what the appliance says.
func TestMountIsThisHosts(t *testing.T) {
	run(t, "n1", func(r *rig) {
		r.seen.Store("b", lost())
		var handed []string // on, of b
		r.cfg.OnHealth = func(name string, ofHost bool, h cache.Snapshot[volume.Health]) {
			if ofHost != (name != "a") {
				t.Errorf("%s is of this host: %t", name, ofHost)
			}
			if name == "b" {
				handed = append(handed, string(h.Value.Status))
			}
		}
		r.apply(array("a", "https://x"), mounted("b"), mounted("c"))
		for name, want := range map[string]string{
			"a": "healthy", "c": "healthy",
			"b": "offline: on n1, /b is on /, with nothing mounted there; the appliance reports the volume as healthy",
		} {
			h := r.health(name)
			if got := string(h.Status) + ": " + h.Info; strings.TrimSuffix(got, ": ") != want {
				t.Errorf("%s is %s", name, got)
			}
			if peek := r.Volume(name).Health.Peek(); peek.Err != nil || peek.Snapshot.Value.Status != h.Status {
				t.Errorf("%s: %+v at a glance", name, peek)
			}
			if text := r.stored("storage:volume_health:" + name); !strings.Contains(text, `"healthy"`) || strings.Contains(text, "mounted") {
				t.Errorf("%s shares %s", name, text)
			}
			if text := r.stored("storage:n1:volume_mount:" + name); (text == "") != (name == "a") {
				t.Errorf("%s: %q", name, text)
			}
		}
		if len(r.made) != 1 {
			t.Errorf("%d backends of one array", len(r.made))
		}
		// It comes back, and goes: each is observed.
		for _, seen := range []volume.Mounted{wellMounted(), lost()} {
			before := r.Volume("b").Health.Peek().Snapshot.Revision
			r.seen.Store("b", seen)
			time.Sleep(40 * time.Second)
			synctest.Wait()
			if h := r.health("b"); h.Status != seen.Health.Status {
				t.Errorf("%+v", h)
			}
			if after := r.Volume("b").Health.Peek().Snapshot.Revision; after == before {
				t.Error("the revision stayed")
			}
		}
		if got := slices.Compact(handed); !slices.Equal(got, []string{"offline", "healthy", "offline"}) {
			t.Errorf("handed on: %v", got)
		}
		if r.health("a").Status != volume.Healthy {
			t.Error("another volume of the array changed")
		}
	})
}

// Whose path is not required to be mounted is not looked at.
func TestMountNotRequired(t *testing.T) {
	run(t, "", func(r *rig) {
		no := array("b", "https://x")
		no.RequireMount = new(false)
		r.apply(array("a", "https://x"), no)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := r.looks.Load(); n > 0 {
			t.Errorf("%d looks", n)
		}
	})
}

// Where nothing answers for the appliance but the mount does, only the management is
// away. What the mount says lasts as long as the appliance's silence.
func TestSilentBesideMount(t *testing.T) {
	run(t, "", func(r *rig) {
		r.prepare = func(f *fake) {
			f.health = func(context.Context) (map[string]volume.Result[volume.Health], error) {
				return nil, context.DeadlineExceeded
			}
		}
		r.apply(array("a", "https://x"), mounted("b"))
		if h := r.health("a"); h.Status != volume.Offline {
			t.Errorf("%+v", h)
		}
		if h := r.health("b"); h.Status != volume.Degraded || !strings.Contains(h.Info, "but the mount at /m (nfs4) on ") {
			t.Errorf("%+v", h)
		}
		if text := r.stored("storage:volume_health:b"); !strings.Contains(text, `"offline"`) || !strings.Contains(text, `"silent":true`) {
			t.Error(text)
		}
	})
}

// What the appliance does not report of the usage the mount does.
func TestUsageOfMount(t *testing.T) {
	own := volume.Usage{CapacityBytes: new(uint64(9))}
	seen := cache.Result[volume.Mounted]{Snapshot: cache.Snapshot[volume.Mounted]{Value: new(wellMounted()), Age: time.Second, Revision: 7}}
	unsupported := cache.Result[volume.Usage]{Err: volume.ErrUnsupported}
	for _, tt := range []struct {
		own   cache.Result[volume.Usage]
		mount cache.Result[volume.Mounted]
		want  uint64 // 0 for none
	}{
		{cache.Result[volume.Usage]{Snapshot: cache.Snapshot[volume.Usage]{Value: &own}}, seen, 9},
		{unsupported, seen, 77},
		{cache.Result[volume.Usage]{Err: errors.New("HTTP 500")}, seen, 0},
		{unsupported, cache.Result[volume.Mounted]{Err: errors.New("none yet")}, 0},
		{unsupported, cache.Result[volume.Mounted]{Snapshot: cache.Snapshot[volume.Mounted]{Value: new(lost())}}, 0},
	} {
		got := joinUsage(tt.own, tt.mount)
		if (got.Err == nil) != (tt.want > 0) || got.Err == nil && *got.Snapshot.Value.CapacityBytes != tt.want {
			t.Errorf("%+v, not %d", got, tt.want)
		}
	}
}

// A part that is not known hides nothing that is wrong with the other; but an absent
// result is no good one. The whole has the age of its older part.
func TestJoinOfParts(t *testing.T) {
	now := time.Now()
	own := func(h volume.Health, revision uint64) cache.Result[volume.Health] {
		return cache.Result[volume.Health]{Snapshot: cache.Snapshot[volume.Health]{Value: &h, Revision: revision, Age: 3 * time.Second, ObservedAt: now.Add(-3 * time.Second), Mine: true}}
	}
	seen := func(m volume.Mounted, revision uint64) cache.Result[volume.Mounted] {
		return cache.Result[volume.Mounted]{Snapshot: cache.Snapshot[volume.Mounted]{Value: &m, Revision: revision, Age: 9 * time.Second, ObservedAt: now.Add(-9 * time.Second), Lookup: cache.Stale}}
	}
	well, down := volume.Health{Status: volume.Healthy}, volume.Health{Status: volume.Degraded, Info: "a node is down"}
	noOwn, noMount := cache.Result[volume.Health]{Err: errors.New("no snapshot")}, cache.Result[volume.Mounted]{Err: errors.New("not looked yet")}
	closed := cache.Result[volume.Health]{Err: cache.ErrClosed}
	j := joinedHealth{host: "h"}
	var revisions []uint64
	for _, tt := range []struct {
		own    cache.Result[volume.Health]
		mount  cache.Result[volume.Mounted]
		status volume.Status // empty for an error
		info   string
	}{
		{own(well, 1), seen(wellMounted(), 2), volume.Healthy, ""},
		{own(well, 1), noMount, "", "the mount on h is not known: not looked yet"},
		{own(down, 3), noMount, volume.Degraded, "a node is down; the mount on h is not known: not looked yet"},
		{noOwn, seen(wellMounted(), 2), "", "what the appliance reports is not known: no snapshot"},
		{noOwn, seen(lost(), 4), volume.Offline, "on h, /b is on /, with nothing mounted there; what the appliance reports is not known: no snapshot"},
		{noOwn, noMount, "", "no snapshot"},
		{closed, seen(lost(), 4), "", cache.ErrClosed.Error()},
		{own(down, 3), cache.Result[volume.Mounted]{Err: cache.ErrClosed}, "", cache.ErrClosed.Error()},
	} {
		got := j.join(tt.own, tt.mount)
		if tt.status == "" {
			if got.Err == nil || got.Err.Error() != tt.info {
				t.Errorf("%+v, not %q", got, tt.info)
			}
			continue
		}
		if got.Err != nil || got.Snapshot.Value.Status != tt.status || got.Snapshot.Value.Info != tt.info {
			t.Errorf("%v, %+v, not %s %q", got.Err, got.Snapshot.Value, tt.status, tt.info)
			continue
		}
		if got.Snapshot.Age != max(tt.own.Snapshot.Age, tt.mount.Snapshot.Age) || got.Snapshot.ObservedAt.IsZero() {
			t.Errorf("%+v", got.Snapshot)
		}
		revisions = append(revisions, got.Snapshot.Revision)
	}
	both := j.join(own(well, 1), seen(wellMounted(), 2)).Snapshot
	again := j.join(own(well, 1), seen(wellMounted(), 2)).Snapshot
	if both.Age != 9*time.Second || !both.ObservedAt.Equal(now.Add(-9*time.Second)) || both.Lookup != cache.Stale || !both.Mine {
		t.Errorf("%+v", both)
	}
	if both.Value != again.Value || both.Revision != again.Revision {
		t.Error("the same parts are joined twice")
	}
	for _, r := range revisions {
		if r == 0 || r == both.Revision {
			t.Errorf("revisions %v, then %d", revisions, both.Revision)
		}
	}
}

// An option that has no effect is warned of once for all volumes of an appliance.
func TestUnusedOptions(t *testing.T) {
	var log logtest.Buffer
	kind := volume.Kind{
		Identify: func(cfg volume.Config) (volume.Identity, error) {
			o := volume.ReadOptions(cfg)
			o.Ignore("endpoint")
			return volume.Identity{Share: "x"}, o.Err()
		},
		New: func(volumes []volume.Config, _ *slog.Logger) (volume.Backend, error) {
			return &fake{volumes: volumes}, nil
		},
	}
	s := NewSet(SetConfig{Logger: slog.New(slog.NewTextHandler(&log, nil)), Host: "h", Table: map[string]volume.Kind{"array": kind}, Cache: newRig(t, "").cache})
	var cfgs []volume.Config
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		cfgs = append(cfgs, volume.Config{Name: name, Backend: "array", Options: map[string]any{"endpiont": 1}})
	}
	if err := s.Apply(cfgs); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "option has no effect") != 1 || !strings.Contains(text, "a, b, c and 2 more") || !strings.Contains(text, "did you mean endpoint?") {
		t.Error(text)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
