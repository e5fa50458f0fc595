// Package observed observes the configured volumes: it asks their Backends in the
// background, keeps what was learned in the cache, and counts.
package observed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"storage_exporter/cache"
	"storage_exporter/volume"
)

// The kinds of observation, as the cache's metrics and keys name them.
const (
	kindPerformance = "perf_metric"
	kindHealth      = "volume_health"
	kindUsage       = "volume_usage"
	kindMount       = "volume_mount"
)

// PerfMetric is what is stored of a volume's performance.
type PerfMetric struct {
	VolumeName string             `json:"volume_name"`
	Metric     volume.Performance `json:"metric"`
}

// Volume is one configured volume. Nothing of what is read is nil. Where the backend does
// not report a figure, the error is ErrUnsupported. A volume with an unknown
// backend or wrong options has neither performance nor usage; its health is
// unavailable and says why.
type Volume struct {
	volume.Config
	Performance *cache.Entry[PerfMetric]
	Health      *Reading[volume.Health]
	Usage       *Reading[volume.Usage]

	healthPut *cache.Entry[volume.Health] // what the Backend says
	usagePut  *cache.Entry[volume.Usage]

	watch *watch // nil: nothing is counted
}

// SetConfig is what a Set is made of.
type SetConfig struct {
	Cache *cache.Cache
	Table map[string]volume.Kind // the backends by name
	// Host is this host's fingerprint: the origin of what is observed of mounted
	// volumes. Never empty.
	Host string
	// Node, if set, goes into the keys of mounted volumes, where many hosts share
	// a store.
	Node string
	// OnChange, if set, is called after each new snapshot and each new list of
	// volumes. state is whether a state of health or the list has changed. It must
	// be quick.
	OnChange func(state bool)
	// OnHealth, if set, is called with each health that this process has observed; ofHost
	// is whether it is this host's alone. It must be quick.
	OnHealth func(volume string, ofHost bool, health cache.Snapshot[volume.Health])
	Logger   *slog.Logger
}

// Set is the configured volumes, observed.
type Set struct {
	cfg     SetConfig
	applied sync.Mutex // held by Apply and Close; guards the fields below
	groups  map[string]*group
	watches map[string]*watch
	closed  bool
	closing sync.WaitGroup // Backends that are being closed

	listed atomic.Pointer[listing]
}

// listing never changes once it is published.
type listing struct {
	volumes []*Volume
	byName  map[string]*Volume
}

// NewSet makes an empty set.
func NewSet(cfg SetConfig) *Set {
	s := &Set{cfg: cfg, groups: map[string]*group{}, watches: map[string]*watch{}}
	s.listed.Store(&listing{})
	return s
}

// Volumes returns the volumes by name. Nobody may change the slice.
func (s *Set) Volumes() []*Volume { return s.listed.Load().volumes }

// Volume returns the volume of that name, or nil.
func (s *Set) Volume(name string) *Volume { return s.listed.Load().byName[name] }

// Apply makes these the volumes of the set, at the start and after each reload. A
// Backend whose volumes are the same as before, none of them changed, goes on. The
// other volumes get a new Backend; their stored snapshots still serve, and their
// counters go on. Volumes that are gone lose their series. A wrong volume is no
// error: it is listed as unavailable. An error changes nothing.
func (s *Set) Apply(cfgs []volume.Config) error {
	plans, err := s.plan(cfgs)
	if err != nil {
		return err
	}
	s.applied.Lock()
	defer s.applied.Unlock()
	if s.closed {
		return cache.ErrClosed
	}
	var old []*group
	for key, g := range s.groups {
		if p, ok := plans[key]; !ok || !reflect.DeepEqual(p.volumes, g.plan.volumes) {
			g.stop()
			delete(s.groups, key)
			old = append(old, g)
		}
	}
	s.watchOnly(cfgs)
	var fresh []*group
	for key, p := range plans {
		if s.groups[key] == nil {
			s.groups[key] = s.open(p)
			fresh = append(fresh, s.groups[key])
		}
	}
	s.publish()
	for _, g := range fresh {
		g.start()
	}
	for _, g := range old {
		s.closing.Go(g.close)
	}
	return nil
}

// Close stops the observations and closes the Backends, until ctx ends. The volumes
// stay listed, and their snapshots serve until they expire.
func (s *Set) Close(ctx context.Context) error {
	s.applied.Lock()
	defer s.applied.Unlock()
	s.closed = true
	for key, g := range s.groups {
		g.stop()
		delete(s.groups, key)
		s.closing.Go(g.close)
	}
	done := make(chan struct{})
	go func() {
		s.closing.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the volumes' backends: %w", ctx.Err())
	}
}

// plan sorts the volumes into groups that share a Backend.
func (s *Set) plan(cfgs []volume.Config) (map[string]plan, error) {
	plans := map[string]plan{}
	seen := map[string]bool{}
	sorted := slices.SortedFunc(slices.Values(cfgs), func(a, b volume.Config) int { return cmp.Compare(a.Name, b.Name) })
	for _, cfg := range sorted {
		if cfg.Name == "" {
			return nil, errors.New("a volume has no name")
		}
		if seen[cfg.Name] {
			return nil, fmt.Errorf("volume %q is configured twice: keep one of them", cfg.Name)
		}
		seen[cfg.Name] = true
		kind, id, err := s.identify(cfg)
		key := cfg.Backend + "\x00" + id.Share
		if err != nil { // a wrong one shares with nobody
			key = "\x00" + cfg.Name
		}
		p := plans[key]
		p.kind, p.err, p.endpoint = kind, err, id.Endpoint
		p.volumes = append(p.volumes, cfg)
		p.objects = append(p.objects, id.Object)
		plans[key] = p
	}
	return plans, nil
}

// identify finds out what a volume is on.
func (s *Set) identify(cfg volume.Config) (volume.Kind, volume.Identity, error) {
	kind, ok := s.cfg.Table[cfg.Backend]
	if !ok {
		return volume.Kind{Mounted: true}, volume.Identity{}, fmt.Errorf("backend %q is not supported", cfg.Backend)
	}
	id, err := kind.Identify(cfg)
	return kind, id, err
}

// watchOnly forgets what was counted of the volumes that are gone.
func (s *Set) watchOnly(cfgs []volume.Config) {
	stay := map[string]bool{}
	for _, cfg := range cfgs {
		stay[cfg.Name] = true
	}
	maps.DeleteFunc(s.watches, func(name string, _ *watch) bool { return !stay[name] })
}

// publish makes the groups' volumes those that readers see.
func (s *Set) publish() {
	list := &listing{byName: map[string]*Volume{}}
	for _, g := range s.groups {
		for _, v := range g.volumes {
			list.volumes = append(list.volumes, v)
			list.byName[v.Name] = v
		}
	}
	slices.SortFunc(list.volumes, func(a, b *Volume) int { return cmp.Compare(a.Name, b.Name) })
	s.listed.Store(list)
	s.changed(true)
}

func (s *Set) changed(state bool) {
	if s.cfg.OnChange != nil {
		s.cfg.OnChange(state)
	}
}
