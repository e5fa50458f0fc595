package observed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
)

// mount makes the source and the entry of what this host has mounted for a volume of
// an appliance; nil where no mount is required.
func (s *Set) mount(g *group, cfg volume.Config) (*cache.Source, *cache.Entry[volume.Mounted]) {
	if g.plan.err != nil || g.plan.kind.Mount == nil || !cfg.MountRequired() {
		return nil, nil
	}
	look := g.plan.kind.Mount(cfg)
	t := timingOf([]Timing{healthTiming(cfg)}, DefaultHealth, 0, true)
	var entry *cache.Entry[volume.Mounted]
	source := s.cfg.Cache.NewSource(cache.SourceConfig{
		Kind: kindMount, Name: cfg.Name, Origin: fmt.Sprintf("%s %s %s=%s", s.cfg.Host, cfg.Backend, cfg.Name, cfg.Path),
		Lane: cache.NewLane(1), Interval: t.Interval, Timeout: t.Timeout,
		Observe: func(ctx context.Context, round *cache.Round) error {
			seen := look(ctx)
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err() // we are stopping: that says nothing about the mount
			}
			entry.Put(round, &seen, time.Time{})
			return nil
		},
	})
	entry = cache.Add[volume.Mounted](source, s.hostKey(kindMount, cfg.Name), t.TTL)
	return source, entry
}

// hostName is what this host is called in words.
func (s *Set) hostName() string {
	if s.cfg.Node != "" {
		return s.cfg.Node
	}
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "this host"
}

// joinUsage is the appliance's usage, or that of the mount where the appliance does not
// report it.
func joinUsage(own cache.Result[volume.Usage], mount cache.Result[volume.Mounted]) cache.Result[volume.Usage] {
	if !errors.Is(own.Err, volume.ErrUnsupported) || mount.Err != nil || mount.Snapshot.Value.Usage == nil {
		return own
	}
	m := mount.Snapshot
	return cache.Result[volume.Usage]{Snapshot: cache.Snapshot[volume.Usage]{
		Value: m.Value.Usage, ObservedAt: m.ObservedAt, Age: m.Age, Lookup: m.Lookup, Revision: m.Revision, Mine: m.Mine,
	}}
}

// joinedHealth joins the health of one volume, and keeps it until a part changes.
type joinedHealth struct {
	host string

	mu    sync.Mutex // guards the fields below
	of    [2]uint64  // the revisions that were joined last; 0 for a part that is not known
	value *volume.Health
	made  uint64 // how often they had changed
}

// join has the age of the older part and the worse lookup. A part that is not known
// hides nothing that is wrong with the other, but an absent result is no good one.
func (j *joinedHealth) join(own cache.Result[volume.Health], mount cache.Result[volume.Mounted]) cache.Result[volume.Health] {
	var known volume.Health
	var missing error
	switch {
	case errors.Is(mount.Err, cache.ErrClosed):
		return cache.Result[volume.Health]{Err: mount.Err}
	case own.Err != nil && (mount.Err != nil || errors.Is(own.Err, cache.ErrClosed)):
		return own
	case own.Err != nil:
		known, missing = mount.Snapshot.Value.Health, fmt.Errorf("what the appliance reports is not known: %w", own.Err)
		if known.Info != "" {
			known.Info = fmt.Sprintf("on %s, %s", j.host, known.Info)
		}
	case mount.Err != nil:
		known, missing = *own.Snapshot.Value, fmt.Errorf("the mount on %s is not known: %w", j.host, mount.Err)
	}
	if missing != nil && known.Status == volume.Healthy {
		return cache.Result[volume.Health]{Err: missing}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if of := [2]uint64{own.Snapshot.Revision, mount.Snapshot.Revision}; of != j.of {
		j.of, j.value = of, nil
		j.made++
	}
	switch {
	case missing != nil:
		var found volume.Verdict
		found.Add(known.Status, known.Info, missing.Error())
		known.Info = found.Words()
		j.value = &known
	case j.value == nil:
		joined := own.Snapshot.Value.Beside(*mount.Snapshot.Value, j.host)
		j.value = &joined
	}
	return cache.Result[volume.Health]{Snapshot: cache.Snapshot[volume.Health]{
		Value:      j.value,
		ObservedAt: earlier(own.Snapshot.ObservedAt, mount.Snapshot.ObservedAt),
		Age:        max(own.Snapshot.Age, mount.Snapshot.Age),
		Lookup:     max(own.Snapshot.Lookup, mount.Snapshot.Lookup),
		Revision:   j.made,
		Mine:       own.Snapshot.Mine || mount.Snapshot.Mine,
	}}
}

// earlier is the earlier of two times, of those that are known.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
