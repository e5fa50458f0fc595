package volume

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
)

// fake is a Backend of which each part can be replaced, even while it is asked.
type fake struct {
	volumes []Config

	mu          sync.Mutex // guards the fields below
	performance func(context.Context) (map[string]Result[Performance], error)
	health      func(context.Context) (map[string]Result[Health], error)
	intervals   Intervals
	asked       int // performance observations
	closed      bool
}

func (f *fake) Performance(ctx context.Context) (map[string]Result[Performance], error) {
	f.mu.Lock()
	f.asked++
	ask := f.performance
	f.mu.Unlock()
	if ask != nil {
		return ask(ctx)
	}
	return each(f, Performance{IOPSRead: new(7.0)}), nil
}

func (f *fake) Health(ctx context.Context) (map[string]Result[Health], error) {
	f.mu.Lock()
	ask := f.health
	f.mu.Unlock()
	if ask != nil {
		return ask(ctx)
	}
	return each(f, Health{Status: Healthy}), nil
}

func (f *fake) Usage(context.Context) (map[string]Result[Usage], error) {
	return each(f, Usage{CapacityBytes: new(uint64(9))}), nil
}

func (f *fake) Intervals() Intervals { return f.intervals }

func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func each[T any](f *fake, value T) map[string]Result[T] {
	results := map[string]Result[T]{}
	for _, cfg := range f.volumes {
		results[cfg.Name] = Result[T]{Value: value}
	}
	return results
}

// rig is a set on two kinds of fake: "local", mounted, and "array", where the
// option endpoint is shared.
type rig struct {
	*Set
	t       *testing.T
	store   cachestore.Store
	reg     *prometheus.Registry
	cache   *cache.Cache
	made    []*fake
	prepare func(*fake) // before it is asked
}

func newRig(t *testing.T, node string) *rig {
	t.Helper()
	r := &rig{t: t, store: cachestore.NewMemory(), reg: prometheus.NewPedanticRegistry()}
	r.cache = cache.New(cache.Config{
		Store: r.store, Observer: "test", Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(prometheus.NewRegistry()),
	})
	construct := func(volumes []Config, _ *slog.Logger) (Backend, error) {
		f := &fake{volumes: volumes}
		if r.prepare != nil {
			r.prepare(f)
		}
		r.made = append(r.made, f)
		return f, nil
	}
	r.Set = NewSet(SetConfig{
		Cache: r.cache, Host: "host-1", Node: node, Logger: slog.New(slog.DiscardHandler), Metrics: NewMetrics(r.reg),
		Table: map[string]Kind{
			"local": {Mounted: true, New: construct, Identify: func(cfg Config) (Identity, error) {
				return Identity{Share: cfg.Path, Object: cfg.Path}, nil
			}},
			"picky": {Identify: func(cfg Config) (Identity, error) {
				return Identity{Share: "same", Endpoint: "https://picky"}, nil
			}, New: func(volumes []Config, _ *slog.Logger) (Backend, error) {
				if volumes[0].ReadOnly {
					return nil, errors.New("no")
				}
				return &fake{volumes: volumes}, nil
			}},
			"array": {New: construct, Identify: func(cfg Config) (Identity, error) {
				endpoint, _ := cfg.Options["endpoint"].(string)
				if endpoint == "" {
					return Identity{}, errors.New("`endpoint` is missing: set it to the array's URL")
				}
				password, _ := cfg.Options["password"].(string)
				return Identity{Share: endpoint + " " + password, Endpoint: endpoint, Object: cfg.Path}, nil
			}},
		},
	})
	return r
}

// run makes a rig in a bubble and closes it at the end.
func run(t *testing.T, node string, test func(*rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, node)
		test(r)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(r.Close(ctx), r.cache.Close(ctx), r.store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func (r *rig) apply(cfgs ...Config) {
	r.t.Helper()
	if err := r.Apply(cfgs); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

func (r *rig) health(name string) Health {
	r.t.Helper()
	snap, err := r.Volume(name).Health.Get(r.ctx())
	if err != nil {
		r.t.Fatalf("health of %s: %v", name, err)
	}
	return *snap.Value
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	r.t.Cleanup(cancel)
	return ctx
}

// stored is what lies under a key, as text.
func (r *rig) stored(key string) string {
	r.t.Helper()
	items, err := r.store.Get(r.ctx(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(items[0].Value)
}

// count is the number of series of the package's own metrics that have this label.
func (r *rig) count(volume string) int {
	r.t.Helper()
	families, err := r.reg.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	n := 0
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "volume" && label.GetValue() == volume {
					n++
				}
			}
		}
	}
	return n
}

func (r *rig) observations(volume, status string) float64 {
	return testutil.ToFloat64(r.cfg.Metrics.observations.WithLabelValues(volume, status))
}

func array(name, endpoint string) Config {
	return Config{Name: name, Backend: "array", Path: "/" + name, Options: map[string]any{"endpoint": endpoint, "password": "hunter2"}}
}

func TestSetServes(t *testing.T) {
	run(t, "n1", func(r *rig) {
		r.apply(array("b", "https://x"), Config{Name: "c", Backend: "local", Path: "/c"}, array("a", "https://x"))
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
			if h := r.health(v.Name); h.Status != Healthy || h.Backend != v.Backend {
				t.Errorf("%s: %+v", v.Name, h)
			}
		}
		if diff := cmp.Diff([]string{"a", "b", "c"}, names); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
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

func TestSetReload(t *testing.T) {
	run(t, "", func(r *rig) {
		first := []Config{array("a", "https://x"), array("b", "https://y"), {Name: "c", Backend: "local", Path: "/c"}}
		r.apply(first...)
		time.Sleep(time.Minute)
		synctest.Wait()
		a, c, before := r.Volume("a"), r.Volume("c"), r.observations("b", "success")
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
		if r.Volume("c") != nil || r.count("c") != 0 {
			t.Errorf("a volume that went has %d series", r.count("c"))
		}
		if len(r.made) != 5 || !r.made[indexOf(r, "c")].closed || r.made[indexOf(r, "a")].closed {
			t.Errorf("%d backends", len(r.made))
		}
		if r.observations("b", "success") < before {
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
		if r.count("c") != 0 {
			t.Error("the series of a volume that went came back")
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
		for _, cfgs := range [][]Config{{array("b", "x"), array("b", "y")}, {{Backend: "local"}}} {
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
		r.apply(Config{Name: "g", Backend: "gpfs", Path: "/g"}, array("e", ""), array("a", "https://x"))
		for name, info := range map[string]string{
			"g": `backend "gpfs" is not supported`, "e": "`endpoint` is missing: set it to the array's URL",
		} {
			v := r.Volume(name)
			if h := r.health(name); h.Status != Unavailable || h.Info != info || h.Backend != v.Backend {
				t.Errorf("%s: %+v", name, h)
			}
			if _, err := v.Performance.Get(r.ctx()); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: performance: %v", name, err)
			}
			if _, err := v.Usage.Get(r.ctx()); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: usage: %v", name, err)
			}
			if n := r.count(name); n != 4 { // the transitions alone
				t.Errorf("%s has %d series", name, n)
			}
		}
		if r.health("a").Status != Healthy {
			t.Error("a good volume beside them is not healthy")
		}
		// What a good one left in the store is not shown for a wrong one.
		r.apply(Config{Name: "p", Backend: "picky"})
		if _, err := r.Volume("p").Performance.Get(r.ctx()); err != nil {
			t.Error(err)
		}
		r.apply(Config{Name: "p", Backend: "picky", ReadOnly: true})
		if snap, err := r.Volume("p").Performance.Get(r.ctx()); !errors.Is(err, ErrUnsupported) || r.health("p").Info != "no" {
			t.Errorf("gone wrong: %+v, %v, %+v", snap, err, r.health("p"))
		}
		// Put right, it works.
		r.apply(array("e", "https://e"))
		time.Sleep(time.Minute)
		if _, err := r.Volume("e").Performance.Get(r.ctx()); err != nil || r.health("e").Status != Healthy {
			t.Errorf("put right: %v, %v", err, r.health("e"))
		}
	})
}

func TestHealthOfErrors(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	tests := []struct {
		name   string
		health func(context.Context) (map[string]Result[Health], error)
		status Status
	}{
		{"refused", func(context.Context) (map[string]Result[Health], error) { return nil, refused }, Offline},
		{"401", func(context.Context) (map[string]Result[Health], error) { return nil, errors.New("401") }, Unavailable},
		{"no such name", func(context.Context) (map[string]Result[Health], error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}, Unavailable},
		{"obeys the deadline", func(ctx context.Context) (map[string]Result[Health], error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, Offline},
		{"the volume's own error", func(context.Context) (map[string]Result[Health], error) {
			return map[string]Result[Health]{"a": {Err: refused}}, nil
		}, Offline},
		{"left out", func(context.Context) (map[string]Result[Health], error) { return nil, nil }, Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, "", func(r *rig) {
				r.prepare = func(f *fake) { f.health = tt.health }
				r.apply(array("a", "https://x"))
				time.Sleep(29 * time.Second)
				if h := r.health("a"); h.Status != tt.status || h.Info == "" || h.Backend != "array" {
					t.Errorf("%+v, want %s", h, tt.status)
				}
			})
		})
	}
}

// A Backend that does not even obey its deadline is offline as soon as that has
// passed, and what it says in the end counts again.
func TestHealthOfHung(t *testing.T) {
	run(t, "", func(r *rig) {
		answer := make(chan struct{})
		r.prepare = func(f *fake) {
			f.health = func(context.Context) (map[string]Result[Health], error) {
				<-answer
				return each(f, Health{Status: Degraded, Info: "slow"}), nil
			}
		}
		r.apply(Config{Name: "v", Backend: "local", Path: "/v"})
		time.Sleep(4 * time.Second)
		if n := r.observations("v", "success"); n != 1 {
			t.Errorf("%v performance observations beside a probe that hangs", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if h := r.health("v"); h.Status != Offline || !strings.Contains(h.Info, "in time") {
			t.Errorf("hung: %+v", h)
		}
		// Its performance is observed all the same.
		time.Sleep(20 * time.Second)
		if n := r.observations("v", "success"); n < 2 {
			t.Errorf("%v performance observations behind a hung probe", n)
		}
		close(answer)
		synctest.Wait()
		if h := r.health("v"); h.Status != Degraded {
			t.Errorf("returned: %+v", h)
		}
	})
}

func TestShutdownIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.apply(array("a", "https://x"))
		entry := r.Volume("a").Health
		r.made[0].set(func() {
			r.made[0].health = func(ctx context.Context) (map[string]Result[Health], error) {
				<-ctx.Done() // as a mount that does not answer in time
				return each(r.made[0], Health{Status: Offline}), nil
			}
		})
		time.Sleep(31 * time.Second) // a check is under way
		if err := errors.Join(r.Close(context.Background()), r.cache.Close(context.Background())); err != nil {
			t.Error(err)
		}
		if last, _ := entry.Last(); last.Value.Status != Healthy {
			t.Errorf("the shutdown made it %s", last.Value.Status)
		}
		if !r.made[0].closed {
			t.Error("the backend was not closed")
		}
		if err := r.Apply(nil); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("apply after close: %v", err)
		}
		_ = r.store.Close()
	})
}

func TestMetrics(t *testing.T) {
	run(t, "", func(r *rig) {
		broken := errors.New("broken")
		r.apply(array("a", "https://x"), array("b", "https://x"))
		f := r.made[0]
		if got := r.observations("a", "failure"); r.count("a") != 7 || got != 0 { // 2 counters, a histogram, 4 transitions
			t.Errorf("%d series, %v failures at the start", r.count("a"), got)
		}
		answer := func(a, b error) {
			f.set(func() {
				f.performance = func(context.Context) (map[string]Result[Performance], error) {
					results := each(f, Performance{})
					results["a"], results["b"] = Result[Performance]{Err: a}, Result[Performance]{Err: b}
					return results, nil
				}
			})
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		ok := r.observations("a", "success")
		answer(ErrNoSample, broken)
		if r.observations("a", "success") <= ok || r.observations("a", "failure") != 0 || r.observations("b", "failure") == 0 {
			t.Error("no sample yet is a success, and one volume's failure not another's")
		}
		answer(ErrUnsupported, nil)
		if n := r.count("a"); n != 4 {
			t.Errorf("unsupported, it has %d series", n)
		}
		answer(broken, nil)
		if r.observations("a", "failure") == 0 {
			t.Error("supported again, its failures are not counted")
		}
		failures := r.observations("b", "failure")
		f.set(func() {
			f.performance = func(ctx context.Context) (map[string]Result[Performance], error) {
				<-ctx.Done()
				time.Sleep(time.Second) // returns after it was given up
				return each(f, Performance{}), nil
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.observations("b", "failure") <= failures {
			t.Error("a timeout is not counted as a failure")
		}
		lint, err := testutil.GatherAndLint(r.reg)
		if err != nil || len(lint) != 0 {
			t.Errorf("%v, %v", lint, err)
		}
	})
}

func TestTransitions(t *testing.T) {
	run(t, "", func(r *rig) {
		r.apply(array("a", "https://x"))
		f := r.made[0]
		become := func(status Status) {
			f.set(func() {
				f.health = func(context.Context) (map[string]Result[Health], error) { return each(f, Health{Status: status}), nil }
			})
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		for _, status := range []Status{Healthy, Degraded, Degraded, Offline, Healthy} {
			become(status)
		}
		const want = `
# HELP backendai_storage_volume_health_transitions_total Changes of the volume's health that this process saw, by the new status.
# TYPE backendai_storage_volume_health_transitions_total counter
backendai_storage_volume_health_transitions_total{status="degraded",volume="a"} 1
backendai_storage_volume_health_transitions_total{status="healthy",volume="a"} 1
backendai_storage_volume_health_transitions_total{status="offline",volume="a"} 1
backendai_storage_volume_health_transitions_total{status="unavailable",volume="a"} 0
`
		if err := testutil.GatherAndCompare(r.reg, strings.NewReader(want), "backendai_storage_volume_health_transitions_total"); err != nil {
			t.Error(err)
		}
	})
}

// A state that is none, from a store, is garbage: it never becomes a label.
func TestStatusFromStore(t *testing.T) {
	var h Health
	if err := json.Unmarshal([]byte(`{"status":"on fire"}`), &h); err == nil {
		t.Errorf("read as %+v", h)
	}
	if err := json.Unmarshal([]byte(`{"status":"degraded"}`), &h); err != nil || h.Status != Degraded {
		t.Errorf("%+v, %v", h, err)
	}
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
			if diff := cmp.Diff(tt.want, timingOf(tt.asked, tt.standard, tt.slowest, tt.mounted)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
