package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume/rest"
)

// Kind is how the cache's metrics name the polls.
const Kind = "proxy_health"

// SetConfig is what a Set is made of.
type SetConfig struct {
	Cache *cache.Cache
	// OnChange, if set, is called after each poll and each new list of proxies. state
	// is whether a state of a proxy or a volume or the list has changed. It must be
	// quick.
	OnChange func(state bool)
	// OnHealth, if set, is called with what each poll of this process's own says. It must
	// be quick.
	OnHealth func(*Proxy)
	Dial     rest.Dialer // nil: the network
	Logger   *slog.Logger
}

// Set is the configured proxies, polled.
type Set struct {
	cfg     SetConfig
	applied sync.Mutex // held by Apply and Close; guards closed
	closed  bool
	listed  atomic.Pointer[[]*polled] // by name; what it points to never changes
}

// Reading is a proxy at the moment that it was asked for.
type Reading struct {
	Proxy *Proxy
	Age   time.Duration // of the last poll
	// Lookup is as of a cache.Snapshot, and so is Revision: 0 where there is no
	// snapshot, which Err explains.
	Lookup   cache.Lookup
	Revision uint64
	Mine     bool // as of a cache.Snapshot
	Err      error
}

// NewSet makes an empty set.
func NewSet(cfg SetConfig) *Set {
	s := &Set{cfg: cfg}
	s.listed.Store(&[]*polled{})
	return s
}

// Apply makes these the proxies of the set, at the start and after each reload. What
// has not changed goes on. The others are polled anew; what is stored of them still
// serves. An error changes nothing.
func (s *Set) Apply(cfgs []Config) error {
	s.applied.Lock()
	defer s.applied.Unlock()
	if s.closed {
		return cache.ErrClosed
	}
	old := *s.listed.Load()
	var list, fresh []*polled
	for _, cfg := range cfgs {
		access, err := cfg.access()
		share := access.Share()
		i := slices.IndexFunc(old, func(p *polled) bool { return p.share == share && reflect.DeepEqual(p.cfg, cfg) })
		if err == nil && i >= 0 {
			list = append(list, old[i])
			continue
		}
		p := &polled{poller: poller{cfg: cfg}, share: share}
		if err == nil {
			err = s.open(p, access)
		}
		if err != nil {
			for _, p := range fresh {
				p.close()
			}
			return fmt.Errorf("proxy %s: %w", cfg.Name, err)
		}
		list, fresh = append(list, p), append(fresh, p)
	}
	slices.SortFunc(list, func(a, b *polled) int { return cmp.Compare(a.cfg.Name, b.cfg.Name) })
	s.listed.Store(&list)
	for _, p := range old {
		if !slices.Contains(list, p) {
			p.close()
		}
	}
	for _, p := range fresh {
		p.source.Start()
	}
	s.changed(true)
	return nil
}

// List is what is known now, by name. It never waits.
func (s *Set) List() []Reading {
	list := *s.listed.Load()
	readings := make([]Reading, len(list))
	for i, p := range list {
		readings[i] = p.reading(p.entry.Peek())
	}
	return readings
}

// Read is List for who waits, until ctx ends, for the first poll of each proxy.
func (s *Set) Read(ctx context.Context) []Reading {
	readings, closed := s.read(ctx)
	if closed { // a reload took a proxy away, or made it anew, after it was listed
		readings, _ = s.read(ctx)
	}
	return readings
}

func (s *Set) read(ctx context.Context) (readings []Reading, closed bool) {
	list := *s.listed.Load()
	entries := make([]*cache.Entry[snapshot], len(list))
	for i, p := range list {
		entries[i] = p.entry
	}
	for i, r := range cache.GetAll(ctx, entries) {
		readings = append(readings, list[i].reading(r))
		closed = closed || errors.Is(r.Err, cache.ErrClosed)
	}
	return readings, closed
}

// Close ends the polls. What is known goes on being listed until it expires.
func (s *Set) Close() {
	s.applied.Lock()
	defer s.applied.Unlock()
	s.closed = true
	for _, p := range *s.listed.Load() {
		p.close()
	}
}

func (s *Set) changed(state bool) {
	if s.cfg.OnChange != nil {
		s.cfg.OnChange(state)
	}
}

// polled is one proxy with the source that polls it.
type polled struct {
	poller
	share  string // equal for the same way to the same proxy, but for the credentials
	log    *slog.Logger
	source *cache.Source
	entry  *cache.Entry[snapshot]
	newest atomic.Pointer[shown]
}

// shown is what one snapshot says, made once.
type shown struct {
	revision uint64
	proxy    *Proxy
}

// open makes what polls the proxy, and starts nothing.
func (s *Set) open(p *polled, access rest.Access) (err error) {
	p.log = s.cfg.Logger.With("proxy", p.cfg.Name)
	if p.client, err = p.cfg.open(access, s.cfg.Dial, p.log); err != nil {
		return err
	}
	p.source = s.cfg.Cache.NewSource(cache.SourceConfig{
		Kind: Kind, Name: p.cfg.Name, Origin: p.cfg.origin(access.Endpoint()), Interval: p.cfg.Interval,
		Timeout: 4 * p.cfg.Timeout, // the health, the list of volumes, and details until a timeout is over
		Observe: p.observe,
	})
	p.entry = cache.Add[snapshot](p.source, "storage:proxy_health:"+p.cfg.Name, 3*p.cfg.Interval)
	p.entry.OnChange(func(snap cache.Snapshot[snapshot]) {
		s.changed(p.news(snap))
		if snap.Mine && s.cfg.OnHealth != nil {
			s.cfg.OnHealth(p.newest.Load().proxy)
		}
	})
	return nil
}

func (p *polled) close() {
	p.source.Close()
	_ = p.client.Close() // there is no session
}

// observe polls once. That a proxy is not healthy is what was to be learned, no failure.
func (p *polled) observe(ctx context.Context, round *cache.Round) error {
	last, ok := p.entry.Last()
	if !ok {
		last.Value = nil
	}
	next := p.poll(ctx, last.Value, last.Age)
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err() // we are stopping: that says nothing about the proxy
	}
	p.entry.Put(round, next, time.Time{})
	return nil
}
