package demo_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"storage_exporter/internal/demo"
	"storage_exporter/internal/logtest"
	"storage_exporter/overview"
	"storage_exporter/smart/assess"
)

// build compiles what is run, once.
var build = sync.OnceValues(func() (demo.Options, error) {
	dir := filepath.Join(os.TempDir(), "storage_exporter-test-demo")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return demo.Options{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return demo.Build(ctx, dir)
})

// start runs a demo until the test ends. Then nothing is left of it.
func start(t *testing.T, with demo.Options) *demo.Demo {
	t.Helper()
	o, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir, done, err := demo.Directory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	with.Exporter, with.Tools, with.Dir = o.Exporter, o.Tools, dir
	if with.Out == nil {
		with.Out = &logtest.Buffer{}
	}
	d, err := demo.Start(t.Context(), with)
	if err != nil {
		t.Fatal(err)
	}
	pids := d.PIDs()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		for _, pid := range append(pids, d.PIDs()...) {
			if err := syscall.Kill(pid, 0); err == nil {
				t.Errorf("process %d runs after the end", pid)
			}
		}
	})
	return d
}

// shows waits until the overview is as wanted.
func shows(t *testing.T, d *demo.Demo, what string, limit time.Duration, wanted func(o *overview.Overview) bool) {
	t.Helper()
	var o *overview.Overview
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if o, err = d.Overview(t.Context()); err == nil && wanted(o) {
			return
		}
	}
	t.Errorf("not within %v: %s (%v)\n%s", limit, what, err, d.Log())
}

// soon is longer than any interval of the demo's that is short.
const soon = 20 * time.Second

func TestWithoutRedisAndPrometheus(t *testing.T) {
	t.Parallel()
	d := start(t, demo.Options{})
	if err := d.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	o, err := d.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := o.Counts
	if len(o.Enclosures) != 3 || c.Drives.InSlots != 78 || c.Drives.Outside != 3 || c.Slots.Populated != 78 || c.Slots.Empty != 2 || c.Slots.Fault != 2 {
		t.Errorf("drives %+v, slots %+v", c.Drives, c.Slots)
	}
	if v := c.Drives.ByVerdict; v[assess.Failing] != 2 || v[assess.Warning] != 3 || v[assess.Unknown] != 0 {
		t.Errorf("verdicts %v", v)
	}
	if c.Pools.Total != 2 || c.Pools.ByState["DEGRADED"] != 1 {
		t.Errorf("pools %+v", c.Pools)
	}
	if v := c.Volumes; v.Total != 8 || v.ByStatus["healthy"] != 6 || v.ByStatus["degraded"] != 1 || v.ByStatus["offline"] != 1 {
		t.Errorf("volumes %+v", v)
	}
	if c.Proxies.Total != 2 || c.Proxies.ByStatus["healthy"] != 1 || c.Proxies.ByStatus["unhealthy"] != 1 {
		t.Errorf("proxies %+v", c.Proxies)
	}
	shows(t, d, "one drive asleep", soon, func(o *overview.Overview) bool {
		asleep := 0
		for _, e := range o.Enclosures {
			for _, s := range e.Slots {
				if s.Drive != nil && s.Drive.PowerMode == "standby" {
					asleep++
				}
			}
		}
		return asleep == 1
	})
}
