package overview

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

// Kind is what the overview is called in the cache's metrics.
const Kind = "overview"

// How long an overview may stand.
const (
	interval = 30 * time.Second
	lifetime = 60 * time.Second
	timeout  = 5 * time.Second
	// leastPause is from one rebuild to the next, while parts change.
	leastPause = 2 * time.Second
)

// errNotObserved is a part that this exporter does not observe.
var errNotObserved = errors.New("not observed")

// Config is what a Source is made of.
type Config struct {
	Cache *cache.Cache
	// Host is this node's fingerprint, never empty: it keeps other hosts'
	// snapshots out.
	Host      string
	KeyPrefix string // "jbod:" if empty; "jbod:N:" for many hosts in one store

	// Drives is the monitored set, false while it is not known. It must not
	// wait.
	Drives func() ([]*smart.Drive, bool)
	// Enclosures and Pools are nil where they are not observed.
	Enclosures *cache.Entry[[]enclosure.Enclosure]
	Pools      *cache.Entry[[]zpool.Pool]
	// Assess judges a drive's report, nil where there is none; nil: as the drive
	// is configured.
	Assess func(*smart.Drive, *smart.Report) smart.Assessment
}

// Source keeps the overview up to date. It is rebuilt soon after a part has
// changed, and in any case every 30 s.
type Source struct {
	cfg    Config
	source *cache.Source
	entry  *cache.Entry[Overview]

	mu      sync.Mutex // guards the fields below
	closed  bool
	changes uint64      // so far
	seen    uint64      // of them, by the newest build
	reading *read       // under way; nil: none
	timer   *time.Timer // of the next rebuild; nil: none is planned
	ended   time.Time   // the newest build
	pause   time.Duration
}

// New makes the source; it hears of changes of enclosures and pools by itself,
// of the drives' by Changed. It starts nothing.
func New(cfg Config) (*Source, error) {
	if cfg.Host == "" {
		return nil, errors.New("overview: the host's fingerprint is empty")
	}
	if cfg.KeyPrefix == "" {
		cfg.KeyPrefix = "jbod:"
	}
	if cfg.Assess == nil {
		cfg.Assess = (*smart.Drive).Assess
	}
	s := &Source{cfg: cfg}
	s.source = cfg.Cache.NewSource(cache.SourceConfig{
		Kind: Kind, Name: Kind, Origin: cfg.Host + "|overview", Lane: cache.NewLane(1),
		Interval: interval, Timeout: timeout, Observe: s.observe, Done: s.done,
	})
	s.entry = cache.Add[Overview](s.source, cfg.KeyPrefix+"overview", lifetime)
	if cfg.Enclosures != nil {
		cfg.Enclosures.OnChange(func(cache.Snapshot[[]enclosure.Enclosure]) { s.Changed() })
	}
	if cfg.Pools != nil {
		cfg.Pools.OnChange(func(cache.Snapshot[[]zpool.Pool]) { s.Changed() })
	}
	return s, nil
}

// Start begins to build overviews.
func (s *Source) Start() { s.source.Start() }

// Close ends it.
func (s *Source) Close() {
	s.source.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
}

// Get is the overview, built for this caller where there is none. Its age is
// that of its oldest part. Nobody may change it.
//
// Who asks while another's read of the store is under way shares what that one
// finds: many clients at once cost the store one read at a time.
func (s *Source) Get(ctx context.Context) (cache.Snapshot[Overview], error) {
	s.mu.Lock()
	r := s.reading
	if r == nil {
		r = &read{done: make(chan struct{})}
		s.reading = r
		s.mu.Unlock()
		defer s.endRead(r)
		r.snap, r.err = s.entry.Get(ctx)
		return r.snap, r.err
	}
	s.mu.Unlock()
	select {
	case <-r.done:
	case <-ctx.Done():
		return cache.Snapshot[Overview]{}, fmt.Errorf("overview: %w: %w", cache.ErrNoSnapshot, ctx.Err())
	}
	if r.err != nil || r.snap.Value == nil { // it may have been the other caller's deadline
		return s.entry.Get(ctx)
	}
	return r.snap, nil
}

// read is one reader's read, which others share.
type read struct {
	done chan struct{}
	// set before done is closed
	snap cache.Snapshot[Overview]
	err  error
}

func (s *Source) endRead(r *read) {
	s.mu.Lock()
	s.reading = nil
	s.mu.Unlock()
	close(r.done)
}

// Changed says that a part has changed. It returns at once and may be called
// from anywhere, however often.
func (s *Source) Changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	s.plan()
}

// plan has the overview rebuilt once the pause is over; s.mu is held.
func (s *Source) plan() {
	if s.timer != nil || s.closed {
		return
	}
	s.timer = time.AfterFunc(max(time.Until(s.ended.Add(s.pause)), 0), func() {
		s.mu.Lock()
		s.timer = nil
		s.mu.Unlock()
		s.source.Observe()
	})
}

// observe builds the overview of the snapshots that there are.
func (s *Source) observe(ctx context.Context, round *cache.Round) error {
	s.mu.Lock()
	s.seen = s.changes
	s.mu.Unlock()
	parts, err := s.parts(ctx)
	if err != nil {
		return err
	}
	s.entry.Put(round, Build(parts), time.Now().Add(-parts.age()))
	return nil
}

// done plans the next rebuild where a part has changed meanwhile. Rebuilds take
// a tenth of the time at most.
func (s *Source) done(err error, elapsed time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.ended, s.pause = time.Now(), max(leastPause, 10*elapsed)
	}
	if s.seen != s.changes {
		s.plan()
	}
}

// parts reads the snapshots of all parts and asks for none.
func (s *Source) parts(ctx context.Context) (Parts, error) {
	drives, known := s.cfg.Drives()
	if !known {
		return Parts{}, fmt.Errorf("the drives are not known yet: %w", cache.ErrNothing)
	}
	entries := make([]*cache.Entry[smart.Report], len(drives))
	for i, d := range drives {
		entries[i] = d.Report
	}
	p := Parts{
		At: time.Now(), Drives: make([]Monitored, len(drives)),
		Enclosures: peek(ctx, s.cfg.Enclosures), Pools: peek(ctx, s.cfg.Pools),
	}
	for i, r := range cache.PeekAll(ctx, entries) {
		d := drives[i]
		p.Drives[i] = Monitored{
			Label: d.Label, Paths: d.Paths(), Identity: d.Device.Identity,
			Report: r, Assessment: s.cfg.Assess(d, r.Snapshot.Value), Trouble: d.Trouble(r.Err),
		}
	}
	return p, nil
}

func peek[T any](ctx context.Context, e *cache.Entry[T]) cache.Result[T] {
	if e == nil {
		return cache.Result[T]{Err: errNotObserved}
	}
	return cache.PeekAll(ctx, []*cache.Entry[T]{e})[0]
}
