package overview

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/proxy"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/volume/observed"
	"storage_exporter/zpool"
)

const (
	// interval is how long an overview may stand although no part has changed,
	// and how often it is put into the store: its ages grow.
	interval = 30 * time.Second
	// lifetime is how long it lives in the store.
	lifetime = 60 * time.Second
	// leastPause is from one build to the next, while parts change.
	leastPause = 2 * time.Second
)

// ErrNotObserved is a part that this exporter does not observe.
var ErrNotObserved = errors.New("not observed")

// Config is what a View is made of.
type Config struct {
	Cache *cache.Cache
	// Host is this node's fingerprint, never empty: readers of the store compare it.
	Host      string
	KeyPrefix string // "jbod:" if empty; "jbod:N:" for many hosts in one store

	// Drives is the monitored set, or why it is not known. It must not wait. nil:
	// drives are not observed.
	Drives func() ([]*smart.Drive, error)
	// Enclosures and Pools are nil where they are not observed.
	Enclosures *cache.Entry[[]enclosure.Enclosure]
	Pools      *cache.Entry[[]zpool.Pool]
	// Volumes are the configured volumes. nil: none can be configured.
	Volumes func() []*observed.Volume
	// Proxies are what is known of other proxies. It must not wait. nil: they are not
	// observed.
	Proxies func() []proxy.Reading
	// Assess judges a drive's report, nil where there is none; nil: as the drive
	// is configured.
	Assess func(*smart.Drive, *report.Report) assess.Result
	Logger *slog.Logger
}

// View is the overview of the snapshots that this process has. It asks nothing
// and reads nothing back from the store; it puts the overview there for others.
type View struct {
	cfg     Config
	cancel  context.CancelFunc
	ctx     context.Context
	run     sync.WaitGroup
	woken   chan struct{} // holds one wake-up at most
	changes atomic.Uint64 // of parts, so far

	mu     sync.Mutex // guards the fields below; never held while a part calls Changed
	newest build
}

// build is an overview with what is known of its making.
type build struct {
	overview *Overview // nil: none was made yet
	parts    Parts
	changes  uint64 // that it has seen
	number   uint64
	at       time.Time
	pause    time.Duration // until the next one, at least
}

// New makes the view. It notices changes of enclosures and pools by itself; Changed
// and Outdated report all others. New starts nothing.
func New(cfg Config) (*View, error) {
	if cfg.Host == "" {
		return nil, errors.New("overview: the host's fingerprint is empty")
	}
	if cfg.KeyPrefix == "" {
		cfg.KeyPrefix = "jbod:"
	}
	if cfg.Assess == nil {
		cfg.Assess = (*smart.Drive).Assess
	}
	v := &View{cfg: cfg, woken: make(chan struct{}, 1)}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	if cfg.Enclosures != nil {
		cfg.Enclosures.OnChange(func(cache.Snapshot[[]enclosure.Enclosure]) { v.Changed() })
	}
	if cfg.Pools != nil {
		cfg.Pools.OnChange(func(cache.Snapshot[[]zpool.Pool]) { v.Changed() })
	}
	return v, nil
}

// Start begins to put overviews into the store. It must be called once.
func (v *View) Start() { v.run.Go(v.publish) }

// Close ends that and waits for it.
func (v *View) Close() {
	v.cancel()
	v.run.Wait()
}

// Outdated says that a part has a new snapshot, which the next Get is to show. It
// returns at once and may be called from anywhere, however often.
func (v *View) Outdated() { v.changes.Add(1) }

// Changed is Outdated for a change that readers of the store should see soon. It
// returns at once too.
func (v *View) Changed() {
	v.Outdated()
	select {
	case v.woken <- struct{}{}:
	default:
	}
}

// Get is the overview now. It never waits: what is not known has its reason in
// Errors. While parts change it is up to two seconds behind them, and more where
// it takes more than a tenth of the time to make. Its age is that of its oldest
// part. Nobody may change it.
func (v *View) Get() cache.Snapshot[Overview] {
	b := v.current()
	s := cache.Snapshot[Overview]{
		Value: b.overview, ObservedAt: b.overview.BuiltAt, Revision: b.number,
		Age: b.parts.age() + time.Since(b.at),
	}
	if b.overview.Stale {
		s.Lookup = cache.Stale
	}
	return s
}

// current is the newest build, or a new one where that is due.
func (v *View) current() build {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, changes := time.Now(), v.changes.Load()
	old := v.newest
	age := now.Sub(old.at)
	if old.overview != nil && age < interval && (changes == old.changes || age < old.pause) {
		return old
	}
	parts := v.parts(now)
	v.newest = build{overview: Build(parts), parts: parts, changes: changes, number: old.number + 1, at: now}
	v.newest.pause = max(leastPause, 10*time.Since(now))
	return v.newest
}

// publish puts the overview into the store whenever more than its times and ages
// have changed, and every 30 s, while this process observes any part of it. It
// ends with the view.
func (v *View) publish() {
	var content []byte
	var put time.Time
	every := time.NewTimer(0)
	defer every.Stop()
	for {
		select {
		case <-v.ctx.Done():
			return
		case <-v.woken:
		case <-every.C:
		}
		b := v.current()
		next := interval
		if b.parts.mine() {
			changed, err := b.content()
			if err == nil && (time.Since(put) >= interval || !bytes.Equal(content, changed)) {
				content, put = changed, time.Now()
				key, origin := Published(v.cfg.KeyPrefix, v.cfg.Host)
				err = cache.Publish(v.ctx, v.cfg.Cache, cache.Publication{
					Key: key, Origin: origin,
					ObservedAt: b.overview.BuiltAt, Age: b.parts.age() + time.Since(b.at), TTL: lifetime,
				}, b.overview)
			}
			if err != nil {
				v.cfg.Logger.Debug("overview not stored", "err", err)
			}
			next -= time.Since(put)
		}
		every.Reset(next)
		select {
		case <-v.ctx.Done():
			return
		case <-time.After(b.pause):
		}
	}
}

// Published is where the overview of a host lies in the store, and its origin there.
func Published(keyPrefix, host string) (key, origin string) {
	return keyPrefix + "overview", host + "|overview"
}

// content is the overview without its times and ages.
func (b *build) content() ([]byte, error) { return json.Marshal(Build(b.parts.timeless())) }

// parts are the snapshots that this process has.
func (v *View) parts(now time.Time) Parts {
	p := Parts{At: now, Enclosures: peek(v.cfg.Enclosures), Pools: peek(v.cfg.Pools)}
	p.Drives, p.DrivesErr = v.drives()
	if v.cfg.Volumes != nil {
		p.Volumes = volumes(v.cfg.Volumes())
	}
	if v.cfg.Proxies != nil {
		p.Proxies = proxies(v.cfg.Proxies())
	}
	return p
}

func (v *View) drives() ([]Monitored, error) {
	if v.cfg.Drives == nil {
		return nil, ErrNotObserved
	}
	drives, err := v.cfg.Drives()
	if err != nil {
		return nil, err
	}
	list := make([]Monitored, len(drives))
	for i, d := range drives {
		r := d.Report.Peek()
		list[i] = Monitored{
			Label: d.Label(), Paths: d.Paths(), Names: d.Named().Names, Identity: d.Device.Identity,
			Report: r, Assessment: v.cfg.Assess(d, r.Snapshot.Value), Trouble: d.Trouble(r.Err),
		}
	}
	return list, nil
}

func peek[T any](e *cache.Entry[T]) cache.Result[T] {
	if e == nil {
		return cache.Result[T]{Err: ErrNotObserved}
	}
	return e.Peek()
}
