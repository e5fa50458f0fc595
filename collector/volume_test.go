package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/collector/exposition"
	"storage_exporter/volume"
	"storage_exporter/volume/observed"
)

// observed is a snapshot of a fixed time.
func seen[T any](v T) cache.Result[T] {
	return cache.Result[T]{Snapshot: cache.Snapshot[T]{
		Value: &v, ObservedAt: time.UnixMilli(1763689000250), Revision: 1,
	}}
}

func missing[T any](err error) cache.Result[T] { return cache.Result[T]{Err: err} }

func configured(name, backend, path, prefix string) *observed.Volume {
	return &observed.Volume{Config: volume.Config{Name: name, Backend: backend, Path: path, FSPrefix: prefix,
		Options: map[string]any{"password": "hunter2"}}}
}

// volumePage is the page of volumes as they were read, byte for byte, without
// what is about the scrape.
func volumePage(t *testing.T, readings ...volumeReading) string {
	t.Helper()
	c := newVolumeCollector("xfs", nil)
	var parts []exposition.Part
	for _, r := range readings {
		parts = append(parts, c.part(r))
	}
	e := newTestExporter(t, exposition.Config{}, fixed("xfs", c.Families(), parts...))
	text, _ := scrape(t, e, "/metrics", "")
	return text[:strings.Index(text, "# HELP storage_scrape_")]
}

func TestVolumeGolden(t *testing.T) {
	perf := func(p volume.Performance) cache.Result[observed.PerfMetric] {
		return seen(observed.PerfMetric{Metric: p})
	}
	timeout := fmt.Errorf("observe: %w", cache.ErrTimeout)
	tests := []struct {
		file     string
		readings []volumeReading
		ok       bool
	}{
		{"complete", []volumeReading{{
			volume: configured("data", "xfs", "/srv/data", "/bgfs"),
			performance: perf(volume.Performance{IOPSRead: new(120.5), IOPSWrite: new(0.0), BytesRead: new(1048576.0),
				BytesWrite: new(0.0), LatencyReadUsec: new(812.25)}), // no write in the interval: no latency
			health: seen(volume.Health{Status: volume.Healthy, Backend: "xfs", ReadOnly: new(false)}),
			usage: seen(volume.Usage{CapacityBytes: new(uint64(18000207937536)), UsedBytes: new(uint64(9000103968768)),
				AvailableBytes: new(uint64(8000000000000)), Inodes: new(uint64(1 << 32)), InodesUsed: new(uint64(123456))}),
			counts: observed.Counts{Observed: true, Successes: 40, Failures: 2, Durations: [...]uint64{0, 12, 39, 40, 41, 41, 42}, Seconds: 61.25,
				Transitions: [...]uint64{2, 0, 1, 1}},
		}}, true},
		{"nothing", []volumeReading{{
			volume:      configured("data", "xfs", "/srv/data", ""),
			performance: missing[observed.PerfMetric](timeout),
			health:      missing[volume.Health](timeout),
			usage:       missing[volume.Usage](timeout),
		}}, false},
		{"in_part", []volumeReading{{
			volume:      configured("array", "xfs", "", "/ifs"),
			performance: missing[observed.PerfMetric](fmt.Errorf("%w: %w", volume.ErrNoSample, cache.ErrNothing)),
			health:      seen(volume.Health{Status: volume.Degraded, Info: "a node is down"}),
			usage:       seen(volume.Usage{CapacityBytes: new(uint64(1000)), UsedBytes: new(uint64(0))}),
		}, {
			volume:      configured("other", "xfs", "/mnt/other", ""),
			performance: missing[observed.PerfMetric](fmt.Errorf("%w: %w", volume.ErrUnsupported, cache.ErrNothing)),
			health:      seen(volume.Health{Status: volume.Unavailable, Info: `backend "xfs" is not supported`}),
			usage:       missing[volume.Usage](fmt.Errorf("%w: %w", volume.ErrUnsupported, cache.ErrNothing)),
		}}, true},
		{"offline", []volumeReading{{
			volume:      configured("gone", "xfs", "/mnt/gone", ""),
			performance: missing[observed.PerfMetric](cache.ErrStuck),
			health:      seen(volume.Health{Status: volume.Offline, ReadOnly: new(true)}),
			usage:       missing[volume.Usage](cache.ErrStuck),
		}}, false},
		{"hostile", []volumeReading{{
			volume: configured("a\"b\\c\nd\xff", "xfs", "/mnt/\xc3(", "pre fix"),
			performance: perf(volume.Performance{IOPSRead: new(-1.0), IOPSWrite: new(math.NaN()), BytesRead: new(math.Inf(1)),
				BytesWrite: new(math.Inf(-1)), LatencyReadUsec: new(math.MaxFloat64)}),
			health: seen(volume.Health{Status: "on fire"}),
			usage:  seen(volume.Usage{CapacityBytes: new(uint64(math.MaxUint64)), UsedBytes: new(uint64(math.MaxUint64 - 1<<12))}),
		}, {
			volume:      configured("null", "xfs", "/", ""),
			performance: cache.Result[observed.PerfMetric]{},
			health:      cache.Result[volume.Health]{},
			usage:       cache.Result[volume.Usage]{},
		}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := volumePage(t, tt.readings...)
			parse(t, got)
			golden(t, "volume/"+tt.file, got)
			if strings.Contains(got, "hunter2") {
				t.Error("a secret is on the page")
			}
			for _, r := range tt.readings {
				if r.ok() != tt.ok {
					t.Errorf("ok %v, want %v", r.ok(), tt.ok)
				}
			}
		})
	}
}

// The versions differ by whatever changes the page.
func TestVolumeVersion(t *testing.T) {
	base := func() volumeReading {
		return volumeReading{
			volume:      configured("data", "xfs", "/srv/data", ""),
			performance: seen(observed.PerfMetric{}), health: seen(volume.Health{}), usage: seen(volume.Usage{}),
		}
	}
	c := newVolumeCollector("xfs", nil)
	if c.part(base()).Version != c.part(base()).Version {
		t.Error("the same reading has another version")
	}
	for name, change := range map[string]func(*volumeReading){
		"path":             func(r *volumeReading) { r.volume.Path = "/srv/other" },
		"fsprefix":         func(r *volumeReading) { r.volume.FSPrefix = "/x" },
		"performance":      func(r *volumeReading) { r.performance.Snapshot.Revision = 2 },
		"health":           func(r *volumeReading) { r.health.Snapshot.Revision = 2 },
		"usage":            func(r *volumeReading) { r.usage.Snapshot.Revision = 2 },
		"performance ends": func(r *volumeReading) { r.performance.Err = cache.ErrTimeout },
		"health ends":      func(r *volumeReading) { r.health.Err = cache.ErrTimeout },
		"usage ends":       func(r *volumeReading) { r.usage.Err = cache.ErrTimeout },
		"observed":         func(r *volumeReading) { r.counts.Observed = true },
		"counted":          func(r *volumeReading) { r.counts.Failures = 1 },
		"changed":          func(r *volumeReading) { r.counts.Transitions[1] = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := base()
			change(&r)
			if c.part(r).Version == c.part(base()).Version {
				t.Error("the version is the same")
			}
		})
	}
}

// givenNames are the families whose names are given, and why the linter would
// have chosen others.
var givenNames = map[string]string{
	"backendai_storage_volume_latency_usec_read":             "abbreviated unit",
	"backendai_storage_volume_latency_usec_write":            "abbreviated unit",
	"backendai_storage_volume_metric_last_updated_timestamp": "no unit",
}

func TestVolumeLint(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	e := newTestExporter(t, exposition.Config{Metrics: exposition.NewMetrics(reg)}, completeVolume())
	reg.MustRegister(e)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if _, given := givenNames[p.Metric]; !given {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// completeVolume has every family of volumes.
func completeVolume() exposition.Source {
	c := newVolumeCollector("xfs", nil)
	one, n := new(1.0), new(uint64(1))
	return fixed("xfs", c.Families(), c.part(volumeReading{
		volume: configured("data", "xfs", "/srv/data", ""),
		performance: seen(observed.PerfMetric{Metric: volume.Performance{IOPSRead: one, IOPSWrite: one, BytesRead: one, BytesWrite: one,
			LatencyReadUsec: one, LatencyWriteUsec: one}}),
		health: seen(volume.Health{Status: volume.Healthy, ReadOnly: new(false)}),
		usage:  seen(volume.Usage{CapacityBytes: n, UsedBytes: n, AvailableBytes: n, Inodes: n, InodesUsed: n}),
		counts: observed.Counts{Observed: true, Successes: 1},
	}))
}

// Every family that is described is on the page of a volume that has all.
func TestVolumeFamiliesAreAllEmitted(t *testing.T) {
	src := completeVolume()
	page, _ := scrape(t, newTestExporter(t, exposition.Config{}, src), "/metrics", "")
	families := parse(t, page)
	for _, name := range names(src.Families()) {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if want := len(src.Families()) + 2; len(families) != want {
		t.Errorf("%d families, want %d", len(families), want)
	}
}

// TestPromtool lints the page as it is served, with Prometheus' own tool.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	own := prometheus.NewRegistry()
	e := newTestExporter(t, exposition.Config{Own: own, Metrics: exposition.NewMetrics(own)}, completeVolume())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, promtool, "check", "metrics")
	page, _ := scrape(t, e, "/metrics", "")
	cmd.Stdin = strings.NewReader(page)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) { // 3: findings
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		if _, given := givenNames[name]; !given {
			t.Errorf("promtool: %s", line)
		}
	}
}

// fakeBackend answers for its volumes; observe runs before each answer.
type fakeBackend struct {
	volumes []string
	observe func(ctx context.Context, kind string) error
}

func results[T any](volumes []string, v T) map[string]volume.Result[T] {
	m := map[string]volume.Result[T]{}
	for _, name := range volumes {
		m[name] = volume.Result[T]{Value: v}
	}
	return m
}

func (b *fakeBackend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	if err := b.observe(ctx, "performance"); err != nil {
		return nil, err
	}
	return results(b.volumes, volume.Performance{IOPSRead: new(7.0)}), nil
}

func (b *fakeBackend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	if err := b.observe(ctx, "health"); err != nil {
		return nil, err
	}
	return results(b.volumes, volume.Health{Status: volume.Healthy}), nil
}

func (b *fakeBackend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	if err := b.observe(ctx, "usage"); err != nil {
		return nil, err
	}
	return results(b.volumes, volume.Usage{CapacityBytes: new(uint64(42))}), nil
}

func (b *fakeBackend) Intervals() volume.Intervals { return volume.Intervals{} }
func (b *fakeBackend) Close() error                { return nil }

// newTestSet is a set whose backends "fake" and "other" are fakes.
func newTestSet(t testing.TB, observe func(ctx context.Context, kind string) error) *observed.Set {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	store := cachestore.NewMemory()
	c := cache.New(cache.Config{Store: store, Observer: "test", Logger: logger, Metrics: cache.NewMetrics(prometheus.NewRegistry())})
	kind := volume.Kind{
		Identify: func(c volume.Config) (volume.Identity, error) {
			return volume.Identity{Share: "one", Endpoint: "fake", Object: c.Name}, nil
		},
		New: func(volumes []volume.Config, _ *slog.Logger) (volume.Backend, error) {
			b := &fakeBackend{observe: observe}
			for _, v := range volumes {
				b.volumes = append(b.volumes, v.Name)
			}
			return b, nil
		},
	}
	set := observed.NewSet(observed.SetConfig{
		Cache: c, Table: map[string]volume.Kind{"fake": kind, "other": kind}, Host: "host", Logger: logger,
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for _, err := range []error{set.Close(ctx), c.Close(ctx), store.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return set
}

func TestVolumeCollectorReadsTheSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newTestSet(t, func(context.Context, string) error { return nil })
		apply := func(names ...string) {
			t.Helper()
			var cfgs []volume.Config
			for _, name := range names {
				name, backend, _ := strings.Cut(name, ":")
				cfgs = append(cfgs, volume.Config{Name: name, Backend: backend, Path: "/" + name})
			}
			if err := set.Apply(cfgs); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		apply("a:fake", "b:fake", "c:other")
		e, err := exposition.New(exposition.Config{Metrics: exposition.NewMetrics(prometheus.NewRegistry())}, NewVolume("fake", set), NewVolume("other", set))
		if err != nil {
			t.Fatal(err)
		}
		page, _ := scrape(t, e, "/metrics", "")
		wantLines(t, page,
			`backendai_storage_volume_info{backend="fake",fsprefix="",path="/a",volume="a"} 1`,
			`backendai_storage_volume_iops_read{volume="a"} 7`,
			`backendai_storage_volume_iops_read{volume="b"} 7`,
			`backendai_storage_volume_iops_read{volume="c"} 7`,
			`backendai_storage_volume_health_status{status="healthy",volume="c"} 1`,
			`backendai_storage_volume_health_status{status="unknown",volume="c"} 0`,
			`backendai_storage_volume_capacity_bytes{volume="b"} 42`,
			`storage_scrape_collector_success{collector="fake"} 1`,
			`storage_scrape_collector_success{collector="other"} 1`)
		page, _ = scrape(t, e, "/metrics?collect[]=other", "")
		wantLines(t, page, `backendai_storage_volume_iops_read{volume="c"} 7`)
		wantNoLine(t, page, `backendai_storage_volume_iops_read{volume="a"}`)

		apply("b:fake")
		page, _ = scrape(t, e, "/metrics", "")
		wantLines(t, page, `backendai_storage_volume_iops_read{volume="b"} 7`,
			`storage_scrape_collector_success{collector="fake"} 1`,
			`storage_scrape_collector_success{collector="other"} 1`)
		for _, gone := range []string{"a", "c"} {
			if strings.Contains(page, `volume="`+gone+`"`) {
				t.Errorf("volume %s still has series", gone)
			}
		}
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A reload between the listing and the reading neither fails the collector nor
// costs the volumes that stay their series.
func TestVolumeCollectorDuringReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newTestSet(t, func(context.Context, string) error { return nil })
		apply := func(cfgs ...volume.Config) []*observed.Volume {
			t.Helper()
			if err := set.Apply(cfgs); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			return set.Volumes()
		}
		old := apply(volume.Config{Name: "a", Backend: "fake"}, volume.Config{Name: "b", Backend: "fake"})
		fresh := apply(volume.Config{Name: "a", Backend: "fake", Path: "/new"})

		listings := [][]*observed.Volume{old, fresh}
		c := newVolumeCollector("fake", func() []*observed.Volume {
			l := listings[0]
			listings = listings[1:]
			return l
		})
		parts, ok := c.Read(t.Context())
		if len(parts) != 1 || parts[0].ID != "a" || parts[0].Version.(volumeVersion).path != "/new" || !ok {
			t.Errorf("%d parts, ok %v, want the volume that stays", len(parts), ok)
		}
		c = newVolumeCollector("fake", func() []*observed.Volume { return old })
		if parts, ok := c.Read(t.Context()); len(parts) != 0 || !ok {
			t.Errorf("%d parts, ok %v, want none of what is no longer observed", len(parts), ok)
		}
	})
}

// One kind that hangs costs the others nothing.
func TestVolumeCollectorServesWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hanging atomic.Bool
		hanging.Store(true)
		set := newTestSet(t, func(ctx context.Context, kind string) error {
			if kind == "performance" && hanging.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		if err := set.Apply([]volume.Config{{Name: "a", Backend: "fake", PerformanceTimeout: 30 * time.Second, PerformanceInterval: time.Minute, PerformanceTTL: 3 * time.Minute}}); err != nil {
			t.Fatal(err)
		}
		e, err := exposition.New(exposition.Config{Metrics: exposition.NewMetrics(prometheus.NewRegistry())}, NewVolume("fake", set))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		page, took := scrape(t, e, "/metrics", "5")
		if took > 4500*time.Millisecond {
			t.Errorf("answered after %v", took)
		}
		wantLines(t, page,
			`backendai_storage_volume_health_status{status="healthy",volume="a"} 1`,
			`backendai_storage_volume_capacity_bytes{volume="a"} 42`,
			`storage_scrape_collector_success{collector="fake"} 0`)
		wantNoLine(t, page, "backendai_storage_volume_iops_read")
		hanging.Store(false)
		time.Sleep(5 * time.Minute)
		page, took = scrape(t, e, "/metrics", "")
		if took != 0 {
			t.Errorf("answered after %v", took)
		}
		wantLines(t, page, `backendai_storage_volume_iops_read{volume="a"} 7`, `storage_scrape_collector_success{collector="fake"} 1`)
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
