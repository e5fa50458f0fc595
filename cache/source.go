package cache

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"
)

// SourceConfig says what is asked in one go, and how often.
type SourceConfig struct {
	Kind   string // label of the metrics: perf_metric, volume_health, smart, ...
	Name   string // for logs: the drive, the volume or the appliance
	Origin string // fingerprint of what is observed, never empty
	Lane   *Lane
	// Interval is from one observation to the next; Timeout bounds one and is
	// held below the interval.
	Interval, Timeout time.Duration
	// Observe asks and puts what it learned into the source's entries. It
	// must obey ctx. An error means that the round failed as a whole, though
	// what was put stays. ErrNothing (wrapped) is no failure.
	Observe func(ctx context.Context, round *Round) error
	// Explained, if set, is whether the log says already, or is about to, why
	// observations fail: then a failure is no warning of its own. It must be quick
	// and may call Last and Peek of other sources' entries.
	Explained func() bool
	// Done, if set, is called once for each observation that was started:
	// when it returned, or when its timeout was over. It is not called for an
	// observation that was cut off because the source or the cache was closed.
	Done func(err error, elapsed time.Duration)
}

// Source is one thing that is asked in one go. It is observed by at most one
// goroutine at a time; all who want an observation share the one under way.
type Source struct {
	cfg     SourceConfig
	cache   *Cache
	metrics kindMetrics
	log     *slog.Logger
	pace    pace
	ctx     context.Context
	cancel  context.CancelFunc
	entries []anyEntry // fixed once started

	mu           sync.Mutex // guards the fields below
	started      bool
	closed       bool
	inFirstRound bool // started, and the first round has not ended
	flight       *flight
	stuck        bool      // an observation has outlived its timeout and not returned
	looked       time.Time // when the store was looked at for all entries, or what stands for them
	turn         turn
	warned       bool          // that observations fail
	waiting      time.Time     // since when for a place in the lane; zero: it does not wait
	waited       time.Duration // in the lane, before the latest observation
}

// NewSource makes a source that does nothing until its entries were added and
// it is started.
func (c *Cache) NewSource(cfg SourceConfig) *Source {
	if cfg.Interval <= 0 {
		cfg.Interval = time.Minute
	}
	if cfg.Timeout <= 0 || cfg.Timeout > cfg.Interval*9/10 {
		cfg.Timeout = cfg.Interval * 9 / 10
	}
	if cfg.Lane == nil {
		cfg.Lane = NewLane(1)
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s", c.cfg.Observer, cfg.Kind, cfg.Name, cfg.Origin)
	s := &Source{
		cfg: cfg, cache: c, metrics: c.cfg.Metrics.of(cfg.Kind),
		log:  c.cfg.Logger.With("kind", cfg.Kind, "name", cfg.Name),
		pace: pace{interval: cfg.Interval, spread: 0.5 + float64(h.Sum32())/(1<<33)},
	}
	s.ctx, s.cancel = context.WithCancel(c.ctx)
	return s
}

// addEntry takes a new entry; see Add.
func (s *Source) addEntry(e anyEntry, ttl time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		panic("cache: entry added to a source that was started: " + e.Key())
	}
	s.entries = append(s.entries, e)
	if least := s.leastLife(0, 0); ttl < least && s.cache.firstTime("ttl "+s.cfg.Kind) {
		s.cache.cfg.Logger.Warn("lifetime of snapshots is too short for their interval and was raised", "kind", s.cfg.Kind,
			"ttl_seconds", ttl.Seconds(), "raised_to_seconds", least.Seconds())
	}
}

// Start begins the observations in the background. The entries must be there.
func (s *Source) Start() {
	s.mu.Lock()
	if s.started || s.closed {
		s.mu.Unlock()
		return
	}
	s.started, s.inFirstRound = true, true
	s.cache.firstRoundBegins()
	s.mu.Unlock()
	if !s.cache.looker.add(s) {
		s.endFirstRound()
	}
	if s.ctx.Err() != nil { // closed meanwhile
		s.cache.looker.remove(s)
	}
}

// endFirstRound reports to the cache, once, that the first round has ended.
func (s *Source) endFirstRound() {
	s.mu.Lock()
	was := s.inFirstRound
	s.inFirstRound = false
	s.mu.Unlock()
	if was {
		s.cache.firstRoundEnds()
	}
}

// Close stops the source for good: its entries answer ErrClosed where they have
// no snapshot. It does not wait for an observation under way; the Cache does.
func (s *Source) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.cache.looker.remove(s)
	s.endFirstRound()
}

// leastLife is the shortest life of a snapshot that bridges the time until the
// next one, also when another replica has to take over, or when the source has to
// wait for its place in the lane.
func (s *Source) leastLife(round, wait time.Duration) time.Duration {
	return max(s.pace.takeOver(), round*11/10, s.cfg.Interval+wait*11/10) + s.cfg.Timeout
}

// lifeFor is the life in force of a snapshot that is put when its observation has
// taken run so far.
func (s *Source) lifeFor(ttl, run time.Duration) time.Duration {
	s.mu.Lock()
	round, waited := s.turn.lastRound, s.waited
	s.mu.Unlock()
	return max(ttl, s.leastLife(max(round, run), max(waited, s.cfg.Lane.wait(run))))
}

// delay is how much later the attempt that is under way comes because it waits, or has
// waited, for a place in the lane. What was alive when that began lives on: how long the
// wait will be cannot be known when a snapshot is put.
func (s *Source) delay(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.flight == nil:
		return 0
	case !s.waiting.IsZero():
		return now.Sub(s.waiting)
	default:
		return s.waited
	}
}

// freshFor is how long after its put a snapshot is a Hit: the interval and a
// grace that covers the take-over by another replica.
func (s *Source) freshFor() time.Duration { return s.cfg.Interval * 5 / 4 }

// refuse notes a snapshot under our key that cannot be used.
func (s *Source) refuse(key string, err error) {
	if errors.Is(err, errForeign) {
		s.metrics.foreign.Inc()
		if s.cache.firstTime("foreign " + s.cfg.Kind + err.Error()) {
			s.log.Warn("another host keeps its snapshots under our keys; they are not used: give each host a --node.name", "key", key, "err", err)
		}
		return
	}
	if s.cache.firstTime("garbage " + s.cfg.Kind) {
		s.log.Warn("what the store holds under our key is not used", "key", key, "err", err)
	}
}
