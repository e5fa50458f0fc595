package weka

import (
	"context"
	"errors"
	"sync"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// retryScope is how long a cluster that showed no statistics by file system is
// not asked for them again.
const retryScope = 10 * time.Minute

// scope is what the figures are of.
type scope struct {
	mu    sync.Mutex // guards the fields below
	name  string     // "volume" or "cluster"; empty before the first figures
	final bool       // statistics by file system were seen: name stays "volume"
	again time.Time  // when to ask for them again, where they were not
}

// wide is whether to ask for the whole cluster's figures at once.
func (s *scope) wide(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.final && now.Before(s.again)
}

// narrow notes that there are figures by file system.
func (s *scope) narrow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name, s.final = "volume", true
}

// widen notes that there are only the cluster's.
func (s *scope) widen(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name, s.again = "cluster", now.Add(retryScope)
}

func (s *scope) get() (name string, final bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name, s.final
}

// Health finds out what the figures are of, where performance did not: every
// lookEvery, within lookTime. It begins after lookAfter: by then a process that
// observes the performance knows.
const (
	lookAfter = resolution
	lookEvery = 5 * time.Minute
	lookTime  = 5 * time.Second
)

// scopeName is what the figures are of, also in a process that observes only the
// health because another one observes the performance; empty where it is not known.
func (b *backend) scopeName(ctx context.Context) string {
	name, final := b.scope.get()
	if now := time.Now(); !final && !b.scope.wide(now) && now.Sub(b.made) >= lookAfter {
		_, _, _ = b.look.Get(ctx) // performance says why
		name, _ = b.scope.get()
	}
	return name
}

// Performance is that of each file system. Where a cluster has no statistics by file
// system, each volume has the whole cluster's. A cluster that had them once is never
// asked for those: a volume's figures keep their meaning.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	list, _, err := b.filesystems.Get(ctx)
	if err != nil {
		return nil, err
	}
	by, err := b.figures(ctx)
	if err != nil {
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Performance, time.Time, error) {
		f, err := list.find(o)
		if err != nil {
			return volume.Performance{}, time.Time{}, err
		}
		found, ok := by[whole]
		if !ok {
			number, known := f.number()
			if !known {
				return volume.Performance{}, time.Time{}, rest.Nonsense("the file system's id is not FSId<number>: %q", rest.Clean(f.ID.String(), 40))
			}
			found, ok = by[number]
		}
		if !ok {
			return volume.Performance{}, time.Time{}, volume.ErrNoSample
		}
		return found.performance, found.at, nil
	}), nil
}

// figures are those by file system, or those of the cluster.
func (b *backend) figures(ctx context.Context) (figures, error) {
	if b.scope.wide(time.Now()) {
		by, _, err := b.stats(ctx, ofCluster)
		return by, err
	}
	by, listed, err := b.stats(ctx, byFilesystem)
	if listed {
		b.scope.narrow()
		return by, nil
	}
	// A release that does not know the category may also refuse it.
	if _, final := b.scope.get(); final || err != nil && !errors.Is(err, rest.ErrRejected) && !errors.Is(err, rest.ErrNotFound) {
		return nil, err
	}
	wide, _, err := b.stats(ctx, ofCluster)
	if len(wide) > 0 {
		b.scope.widen(time.Now())
	}
	return wide, err
}
