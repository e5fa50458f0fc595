package observed

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/volume"
)

// fake is a Backend of which each part can be replaced, even while it is asked.
type fake struct {
	volumes []volume.Config

	mu          sync.Mutex // guards the fields below
	performance func(context.Context) (map[string]volume.Result[volume.Performance], error)
	health      func(context.Context) (map[string]volume.Result[volume.Health], error)
	intervals   volume.Intervals
	asked       int // performance observations
	closed      bool
}

func (f *fake) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	f.mu.Lock()
	f.asked++
	ask := f.performance
	f.mu.Unlock()
	if ask != nil {
		return ask(ctx)
	}
	return each(f, volume.Performance{IOPSRead: new(7.0)}), nil
}

func (f *fake) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	f.mu.Lock()
	ask := f.health
	f.mu.Unlock()
	if ask != nil {
		return ask(ctx)
	}
	return each(f, volume.Health{Status: volume.Healthy}), nil
}

func (f *fake) Usage(context.Context) (map[string]volume.Result[volume.Usage], error) {
	return each(f, volume.Usage{CapacityBytes: new(uint64(9))}), nil
}

func (f *fake) Intervals() volume.Intervals { return f.intervals }

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

func each[T any](f *fake, value T) map[string]volume.Result[T] {
	results := map[string]volume.Result[T]{}
	for _, cfg := range f.volumes {
		results[cfg.Name] = volume.Result[T]{Value: value}
	}
	return results
}

// rig is a set on two kinds of fake: "local", mounted, and "array", where the
// option endpoint is shared.
type rig struct {
	*Set
	t       *testing.T
	store   cachestore.Store
	cache   *cache.Cache
	made    []*fake
	seen    sync.Map     // what is mounted for volumes of "array", by name: a volume.Mounted
	looks   atomic.Int32 // at mounts
	prepare func(*fake)  // before it is asked
}

func newRig(t *testing.T, node string) *rig {
	t.Helper()
	r := &rig{t: t, store: cachestore.NewMemory()}
	r.cache = cache.New(cache.Config{
		Store: r.store, Observer: "test", Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(prometheus.NewRegistry()),
	})
	construct := func(volumes []volume.Config, _ *slog.Logger) (volume.Backend, error) {
		f := &fake{volumes: volumes}
		if r.prepare != nil {
			r.prepare(f)
		}
		r.made = append(r.made, f)
		return f, nil
	}
	r.Set = NewSet(SetConfig{
		Cache: r.cache, Host: "host-1", Node: node, Logger: slog.New(slog.DiscardHandler),
		Table: map[string]volume.Kind{
			"local": {Mounted: true, New: construct, Identify: func(cfg volume.Config) (volume.Identity, error) {
				return volume.Identity{Share: cfg.Path, Object: cfg.Path}, nil
			}},
			"asking": {Mounted: true, Asks: true, New: construct, Identify: func(cfg volume.Config) (volume.Identity, error) {
				return volume.Identity{Share: cfg.Path, Object: cfg.Path}, nil
			}},
			"picky": {Identify: func(cfg volume.Config) (volume.Identity, error) {
				return volume.Identity{Share: "same", Endpoint: "https://picky"}, nil
			}, New: func(volumes []volume.Config, _ *slog.Logger) (volume.Backend, error) {
				if volumes[0].ReadOnly {
					return nil, errors.New("no")
				}
				return &fake{volumes: volumes}, nil
			}},
			"array": {New: construct, Mount: r.look, Identify: func(cfg volume.Config) (volume.Identity, error) {
				endpoint, _ := cfg.Options["endpoint"].(string)
				if endpoint == "" {
					return volume.Identity{}, errors.New("`endpoint` is missing: set it to the array's URL")
				}
				password, _ := cfg.Options["password"].(string)
				return volume.Identity{Share: endpoint + " " + password, Endpoint: endpoint, Object: cfg.Path}, nil
			}},
		},
	})
	return r
}

// look is a mount that is well, unless the test says otherwise.
func (r *rig) look(cfg volume.Config) volume.Look {
	return func(context.Context) volume.Mounted {
		r.looks.Add(1)
		if m, ok := r.seen.Load(cfg.Name); ok {
			return m.(volume.Mounted)
		}
		return wellMounted()
	}
}

func wellMounted() volume.Mounted {
	return volume.Mounted{
		Serves: true, Usage: &volume.Usage{CapacityBytes: new(uint64(77))},
		Health: volume.Health{Status: volume.Healthy, Metadata: map[string]string{"mount_point": "/m", "fstype": "nfs4"}, ReadOnly: new(false)},
	}
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

func (r *rig) apply(cfgs ...volume.Config) {
	r.t.Helper()
	if err := r.Apply(cfgs); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

func (r *rig) health(name string) volume.Health {
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

// counts is what was counted of a volume.
func (r *rig) counts(volume string) Counts {
	r.t.Helper()
	return r.Volume(volume).Counts()
}

func array(name, endpoint string) volume.Config {
	return volume.Config{Name: name, Backend: "array", Path: "/" + name, Options: map[string]any{"endpoint": endpoint, "password": "hunter2"}}
}
