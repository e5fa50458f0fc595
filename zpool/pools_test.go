package zpool

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/fakezpool/zpooltest"
	"storage_exporter/internal/logtest"
)

type rig struct {
	*Pools
	cache *cache.Cache
	store cachestore.Store
	log   *logtest.Buffer
}

func newRig(t *testing.T, tool *Tool, change func(*Config)) *rig {
	t.Helper()
	r := &rig{log: new(logtest.Buffer), store: cachestore.NewMemory()}
	logger := slog.New(slog.NewTextHandler(r.log, nil))
	r.cache = cache.New(cache.Config{Store: r.store, Observer: t.Name(), Logger: logger, Metrics: cache.NewMetrics(prometheus.NewRegistry())})
	cfg := Config{Cache: r.cache, Tool: tool, System: block.System{Dev: "/nonexistent", Sys: "/nonexistent", Udev: "/nonexistent"}, Host: "host-a", Logger: logger}
	if change != nil {
		change(&cfg)
	}
	var err error
	if r.Pools, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(r.cache.Close(ctx), r.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestPools(t *testing.T) {
	t.Parallel()
	pool := fake.Pool{Name: "tank", GUID: "1", State: "ONLINE", Vdevs: []fake.Vdev{
		fake.Group("mirror", "mirror-0", "2", fake.Disk("/dev/disk/by-vdev/A0-part1", "3"), fake.Disk("/dev/mapper/mpatha", "4")),
	}}
	h := zpooltest.New(t, fake.Behaviour{Version: "2.3", Pools: []fake.Pool{pool}})
	r := newRig(t, NewTool(h.Path()), func(c *Config) { c.System = storageHost(t); c.KeyPrefix = "jbod:node1:" })
	r.Start()
	snap, err := r.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	devices := make(map[string]string)
	for _, v := range (*snap.Value)[0].Vdevs {
		devices[v.ID] = strings.Join(v.Devices, " ")
	}
	if devices["2"] != "" || devices["3"] != "sda" || devices["4"] != "sdc sdaa" {
		t.Errorf("devices %v", devices)
	}
	items, err := r.store.Get(t.Context(), "jbod:node1:zfs_map")
	if err != nil || !strings.Contains(string(items[0].Value), `"origin":"host-a|zfs"`) {
		t.Errorf("in the store: %s, %v", items[0].Value, err)
	}
	again, err := r.Get(t.Context())
	if err != nil || again.Revision != snap.Revision || len(h.Runs()) != 1 {
		t.Errorf("a reader cost a run: %d, %v", len(h.Runs()), err)
	}
}

func TestHostWithoutZFS(t *testing.T) {
	t.Parallel()
	r := newRig(t, NewTool(t.TempDir()+"/zpool"), nil)
	r.Start()
	snap, err := r.Get(t.Context())
	if err != nil || len(*snap.Value) != 0 {
		t.Errorf("%v, %v", snap.Value, err)
	}
	if log := r.log.String(); log != "" {
		t.Errorf("logged: %s", log)
	}
}

// The pools that zpool could ask are shown although it failed, and the failure is logged.
func TestPoolsBesideAFailure(t *testing.T) {
	t.Parallel()
	h := zpooltest.New(t, fake.Behaviour{Version: "2.3", Pools: tank(), Exit: 1, Stderr: "cannot open 'usb': I/O error"})
	r := newRig(t, NewTool(h.Path()), nil)
	r.Start()
	<-r.cache.FirstRoundsEnded()
	if snap, err := r.Get(t.Context()); err != nil || names(*snap.Value) != byGUID {
		t.Errorf("%v", err)
	}
	for begun := time.Now(); !strings.Contains(r.log.String(), "cannot open 'usb'"); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("logged: %s", r.log)
		}
	}
}

// A zpool that hangs costs its readers the snapshot, never their time, and is
// killed.
func TestHangingZpool(t *testing.T) {
	t.Parallel()
	h := zpooltest.New(t, fake.Behaviour{Version: "2.3", Hang: true})
	r := newRig(t, NewTool(h.Path()), func(c *Config) { c.Interval, c.Timeout = time.Second, 300*time.Millisecond })
	r.Start()
	<-r.cache.FirstRoundsEnded()
	_, err := r.Get(t.Context())
	if !errors.Is(err, cache.ErrTimeout) {
		t.Errorf("%v", err)
	}
	if err := h.Behave(fake.Behaviour{Version: "2.3", Pools: tank()}); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; {
		snap, err := r.Get(t.Context())
		if err == nil {
			if names(*snap.Value) != byGUID {
				t.Errorf("%v", names(*snap.Value))
			}
			return
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Pools of before are shown while zpool fails, not none.
func TestFailureKeepsThePools(t *testing.T) {
	t.Parallel()
	h := zpooltest.New(t, fake.Behaviour{Version: "2.3", Pools: tank()})
	r := newRig(t, NewTool(h.Path()), func(c *Config) { c.Interval, c.Timeout = 300*time.Millisecond, 250*time.Millisecond })
	r.Start()
	if _, err := r.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	half := `{"output_version":{},"pools":{"tank":`
	if err := h.Behave(fake.Behaviour{Version: "2.3", Print: &half}); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); !strings.Contains(r.log.String(), "observation failed"); {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("nothing failed")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if snap, err := r.Get(t.Context()); err != nil || names(*snap.Value) != byGUID {
		t.Errorf("%v", err)
	}
}

func TestNewNeedsAHost(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no fingerprint, no error")
	}
}
