package observed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

func TestSetServes(t *testing.T) {
	run(t, "n1", func(r *rig) {
		r.apply(array("b", "https://x"), volume.Config{Name: "c", Backend: "local", Path: "/c"}, array("a", "https://x"))
		var names []string
		for _, v := range r.Volumes() {
			names = append(names, v.Name)
			perf, err := v.Performance.Get(r.ctx())
			if err != nil || perf.Value.VolumeName != v.Name || *perf.Value.Metric.IOPSRead != 7 {
				t.Errorf("%s: %+v, %v", v.Name, perf.Value, err)
			}
			usage, err := v.Usage.Get(r.ctx())
			if err != nil || *usage.Value.CapacityBytes != 9 {
				t.Errorf("%s: %+v, %v", v.Name, usage.Value, err)
			}
			if h := r.health(v.Name); h.Status != volume.Healthy || h.Backend != v.Backend {
				t.Errorf("%s: %+v", v.Name, h)
			}
		}
		volumetest.Same(t, []string{"a", "b", "c"}, names)
		if len(r.made) != 2 {
			t.Errorf("%d backends for one array and one mount", len(r.made))
		}
		if r.Volume("nobody") != nil {
			t.Error("a volume that is not configured")
		}
		// Only what belongs to the host carries the node's name; no secret is stored.
		for _, key := range []string{"storage:perf_metric:a", "storage:volume_health:b", "storage:n1:volume_usage:c", "storage:n1:perf_metric:c"} {
			if text := r.stored(key); text == "" || strings.Contains(text, "hunter2") {
				t.Errorf("%s: %s", key, text)
			}
		}
		var envelope struct {
			Origin string
			Value  json.RawMessage
		}
		if err := json.Unmarshal([]byte(r.stored("storage:n1:perf_metric:c")), &envelope); err != nil {
			t.Fatal(err)
		}
		if envelope.Origin != "host-1 local c=/c" || string(envelope.Value) != `{"volume_name":"c","metric":{"iops_read":7}}` {
			t.Errorf("%s: %s", envelope.Origin, envelope.Value)
		}
	})
}

// The origin of what is observed of many volumes stands for all their objects, and
// is short: every snapshot has it.
func TestOriginOfMany(t *testing.T) {
	run(t, "", func(r *rig) {
		seen := map[string]bool{}
		for _, last := range []string{"/499", "/7", "/499 and more"} {
			var cfgs []volume.Config
			for n := range 500 {
				cfg := array(fmt.Sprint("v", n), "https://x")
				cfg.Path = fmt.Sprint("/", n)
				if n == 499 {
					cfg.Path = last
				}
				cfgs = append(cfgs, cfg)
			}
			r.apply(cfgs...)
			var envelope struct{ Origin string }
			if err := json.Unmarshal([]byte(r.stored("storage:volume_health:v3")), &envelope); err != nil {
				t.Fatal(err)
			}
			if len(envelope.Origin) > 100 || !strings.HasPrefix(envelope.Origin, "https://x array v0=/0 and 499 more") {
				t.Errorf("origin %q", envelope.Origin)
			}
			if seen[envelope.Origin] {
				t.Errorf("with another object, too, it is %q", envelope.Origin)
			}
			seen[envelope.Origin] = true
		}
	})
}

func TestSetReload(t *testing.T) {
	run(t, "", func(r *rig) {
		first := []volume.Config{array("a", "https://x"), array("b", "https://y"), {Name: "c", Backend: "local", Path: "/c"}}
		r.apply(first...)
		time.Sleep(time.Minute)
		synctest.Wait()
		a, c, before := r.Volume("a"), r.Volume("c"), r.counts("b").Successes
		if before < 5 {
			t.Fatalf("%v observations in a minute", before)
		}
		// a stays, b's interval changes, c goes, d comes.
		b := first[1]
		b.UsageInterval = 30 * time.Second
		r.apply(array("d", "https://z"), b, array("a", "https://x"))
		if r.Volume("a") != a {
			t.Error("an unchanged volume was made anew")
		}
		if r.Volume("c") != nil || r.watches["c"] != nil {
			t.Error("a volume that went is still there")
		}
		if len(r.made) != 5 || !r.made[indexOf(r, "c")].closed || r.made[indexOf(r, "a")].closed {
			t.Errorf("%d backends", len(r.made))
		}
		if r.counts("b").Successes < before {
			t.Error("the counters of a changed volume began anew")
		}
		if snap, err := r.Volume("b").Performance.Get(r.ctx()); err != nil || snap.Lookup != cache.Hit {
			t.Errorf("a changed volume serves %v, %v", snap.Lookup, err)
		}
		if _, err := c.Usage.Get(r.ctx()); err != nil && !errors.Is(err, cache.ErrClosed) {
			t.Errorf("a reader that still has the volume: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.Volume("c") != nil || r.watches["c"] != nil {
			t.Error("a volume that went came back")
		}
		// Twice the same changes nothing.
		r.apply(array("d", "https://z"), b, array("a", "https://x"))
		if len(r.made) != 5 {
			t.Errorf("%d backends", len(r.made))
		}
	})
}

func indexOf(r *rig, name string) int {
	for i, f := range r.made {
		if f.volumes[0].Name == name {
			return i
		}
	}
	r.t.Fatalf("no backend of %s", name)
	return -1
}

func TestSetRefuses(t *testing.T) {
	run(t, "", func(r *rig) {
		r.apply(array("a", "https://x"))
		for _, cfgs := range [][]volume.Config{{array("b", "x"), array("b", "y")}, {{Backend: "local"}}} {
			if err := r.Apply(cfgs); err == nil {
				t.Errorf("%v is applied", cfgs)
			}
		}
		if len(r.Volumes()) != 1 || r.Volume("a") == nil {
			t.Error("a refused configuration changed the volumes")
		}
	})
}

func TestWrongVolumes(t *testing.T) {
	run(t, "", func(r *rig) {
		r.apply(volume.Config{Name: "g", Backend: "gpfs", Path: "/g"}, array("e", ""), array("a", "https://x"))
		for name, info := range map[string]string{
			"g": `backend "gpfs" is not supported`, "e": "`endpoint` is missing: set it to the array's URL",
		} {
			v := r.Volume(name)
			if h := r.health(name); h.Status != volume.Unavailable || h.Info != info || h.Backend != v.Backend {
				t.Errorf("%s: %+v", name, h)
			}
			if _, err := v.Performance.Get(r.ctx()); !errors.Is(err, volume.ErrUnsupported) {
				t.Errorf("%s: performance: %v", name, err)
			}
			if _, err := v.Usage.Get(r.ctx()); !errors.Is(err, volume.ErrUnsupported) {
				t.Errorf("%s: usage: %v", name, err)
			}
			if n := r.counts(name); n.Observed {
				t.Errorf("%s has %+v", name, n)
			}
		}
		if r.health("a").Status != volume.Healthy {
			t.Error("a good volume beside them is not healthy")
		}
		// What a good one left in the store is not shown for a wrong one.
		r.apply(volume.Config{Name: "p", Backend: "picky"})
		if _, err := r.Volume("p").Performance.Get(r.ctx()); err != nil {
			t.Error(err)
		}
		r.apply(volume.Config{Name: "p", Backend: "picky", ReadOnly: true})
		if snap, err := r.Volume("p").Performance.Get(r.ctx()); !errors.Is(err, volume.ErrUnsupported) || r.health("p").Info != "no" {
			t.Errorf("gone wrong: %+v, %v, %+v", snap, err, r.health("p"))
		}
		// Put right, it works.
		r.apply(array("e", "https://e"))
		time.Sleep(time.Minute)
		if _, err := r.Volume("e").Performance.Get(r.ctx()); err != nil || r.health("e").Status != volume.Healthy {
			t.Errorf("put right: %v, %v", err, r.health("e"))
		}
	})
}

func TestTiming(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name     string
		asked    []Timing
		standard Timing
		slowest  time.Duration
		mounted  bool
		want     Timing
	}{
		{"defaults", []Timing{{}}, DefaultPerformance, 0, true, Timing{10 * s, 5 * s, 30 * s}},
		{"an array in what its interval allows", []Timing{{}}, DefaultPerformance, 0, false, Timing{10 * s, 9 * s, 30 * s}},
		{"an array's health", []Timing{{}}, DefaultHealth, 0, false, Timing{30 * s, 27 * s, 90 * s}},
		{"an array's usage", []Timing{{}}, DefaultUsage, 0, false, Timing{60 * s, 30 * s, 180 * s}},
		{"the shortest counts", []Timing{{Interval: 60 * s}, {Interval: 20 * s}, {}}, DefaultHealth, 0, true, Timing{20 * s, 5 * s, 90 * s}},
		{"longer asked", []Timing{{Interval: 60 * s}}, DefaultPerformance, 0, true, Timing{60 * s, 5 * s, 180 * s}},
		{"short", []Timing{{Interval: 2 * s}}, DefaultPerformance, 0, true, Timing{2 * s, 1800 * time.Millisecond, 30 * s}},
		{"slow figures", []Timing{{TTL: 30 * s}}, DefaultPerformance, 300 * s, false, Timing{300 * s, 30 * s, 900 * s}},
		{"all asked", []Timing{{15 * s, 3 * s, 40 * s}}, DefaultPerformance, 15 * s, true, Timing{15 * s, 3 * s, 40 * s}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			volumetest.Same(t, tt.want, timingOf(tt.asked, tt.standard, tt.slowest, tt.mounted))
		})
	}
}

// A mounted volume that an appliance is asked about has an appliance's time for
// that, and a mount's for the kernel's counters.
func TestTimingAsks(t *testing.T) {
	for backend, want := range map[string][2]time.Duration{ // less a moment for the words of a health check
		"local": {5 * time.Second, 4900 * time.Millisecond}, "asking": {5 * time.Second, 26460 * time.Millisecond}, "array": {9 * time.Second, 26460 * time.Millisecond},
	} {
		t.Run(backend, func(t *testing.T) {
			run(t, "", func(r *rig) {
				var mu sync.Mutex
				var got [2]time.Duration
				left := func(ctx context.Context, i int) {
					mu.Lock()
					defer mu.Unlock()
					if end, ok := ctx.Deadline(); ok {
						got[i] = time.Until(end)
					}
				}
				r.prepare = func(f *fake) {
					f.performance = func(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
						left(ctx, 0)
						return each(f, volume.Performance{IOPSRead: new(7.0)}), nil
					}
					f.health = func(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
						left(ctx, 1)
						return each(f, volume.Health{Status: volume.Healthy}), nil
					}
				}
				r.apply(volume.Config{Name: "v", Backend: backend, Path: "/v", Options: map[string]any{"endpoint": "https://a"}})
				time.Sleep(time.Minute)
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if got != want {
					t.Errorf("%v, not %v", got, want)
				}
			})
		})
	}
}
