package smart

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/logtest"
	"storage_exporter/smart/report"
	"storage_exporter/smart/smartctl"
)

// rig is a monitored set of fake drives that are read twice a second.
type rig struct {
	*Drives
	fleet *fleet.Fleet
	reg   *prometheus.Registry
	log   *logtest.Buffer
	cache *cache.Cache
}

func newRig(t *testing.T, drives []fleet.Drive, change func(*DrivesConfig)) *rig {
	t.Helper()
	t.Parallel() // most of its time is waiting
	path, f := faketest.New(t, drives...)
	return newRigAt(t, path, f, cachestore.NewMemory(), change)
}

func newRigAt(t *testing.T, path string, f *fleet.Fleet, store cachestore.Store, change func(*DrivesConfig)) *rig {
	t.Helper()
	r := &rig{fleet: f, reg: prometheus.NewRegistry(), log: new(logtest.Buffer)}
	logger := slog.New(slog.NewTextHandler(r.log, nil))
	r.cache = cache.New(cache.Config{Store: store, Observer: t.Name(), Logger: logger, Metrics: cache.NewMetrics(prometheus.NewRegistry())})
	cfg := DrivesConfig{
		Cache: r.cache, Tool: toolAt(t, path), Host: "host-a", System: block.System{Sys: "/nonexistent", Udev: "/nonexistent"},
		Interval: 500 * time.Millisecond, Timeout: 10 * time.Second, Logger: logger, Metrics: NewMetrics(r.reg),
	}
	if change != nil {
		change(&cfg)
	}
	ds, err := NewDrives(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Drives = ds
	t.Cleanup(func() {
		ds.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.cache.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	ds.Start()
	return r
}

func (r *rig) labels(t *testing.T) string {
	t.Helper()
	drives, err := r.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, d := range drives {
		labels = append(labels, d.Key)
	}
	return strings.Join(labels, " ")
}

func (r *rig) drive(t *testing.T, label string) *Drive {
	t.Helper()
	d, err := r.Drive(t.Context(), label)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func reported(t *testing.T, d *Drive) cache.Snapshot[report.Report] {
	t.Helper()
	var s cache.Snapshot[report.Report]
	eventually(t, "a report", func() (there bool) { // a busy machine may need more than one interval
		var err error
		s, err = d.Report.Get(t.Context())
		return err == nil
	})
	return s
}

func toolAt(tb testing.TB, path string) *smartctl.Tool {
	tb.Helper()
	tool, err := smartctl.New(smartctl.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	return tool
}

// eventually waits for a condition, for as long as a loaded machine may need.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
