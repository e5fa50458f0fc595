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
	spread  float64 // in [0.5, 1): where in the interval this source's turns lie
	ctx     context.Context
	cancel  context.CancelFunc
	wake    chan struct{} // holds at most one wake-up for the loop
	slots   []slot        // the entries; fixed once started
	settle  func()        // tells the cache, once, that the first round has ended

	mu        sync.Mutex // guards the fields below
	started   bool
	closed    bool
	flight    *flight
	stuck     bool      // an observation has outlived its timeout and not returned
	due       time.Time // when the refresher looks again
	planned   time.Time // the last put when due was decided: a later one is news
	quiet     bool      // readers do not start an observation before due either
	rounds    int       // observations that ended well
	failures  int       // observations that failed, in a row
	nothings  int       // observations that had nothing to tell, in a row
	timedOut  bool      // the last observation did
	err       error     // the last round's failure
	lastRound time.Duration
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
		log:    c.cfg.Logger.With("kind", cfg.Kind, "name", cfg.Name),
		spread: 0.5 + float64(h.Sum32())/(1<<33),
		wake:   make(chan struct{}, 1),
	}
	s.ctx, s.cancel = context.WithCancel(c.ctx)
	return s
}

// addSlot takes a new entry; see Add.
func (s *Source) addSlot(e slot, ttl time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		panic("cache: entry added to a source that was started: " + e.storeKey())
	}
	s.slots = append(s.slots, e)
	if least := s.leastLife(s.cfg.Interval); ttl < least && s.cache.once("ttl "+s.cfg.Kind) {
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
	s.started = true
	s.settle = sync.OnceFunc(s.cache.settleOne)
	s.mu.Unlock()
	s.cache.addUnsettled()
	if !s.cache.spawn(s.loop) {
		s.settle()
	}
}

// Close stops the source for good: its entries answer ErrClosed where they have
// no snapshot. It does not wait for an observation under way; the Cache does.
func (s *Source) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
}

// leastLife is the shortest life of a snapshot that bridges the time until the
// next one, also when another replica has to take over.
func (s *Source) leastLife(round time.Duration) time.Duration {
	return max(s.cfg.Interval, round)*11/10 + s.cfg.Timeout
}

func (s *Source) lifeFor(ttl time.Duration) time.Duration {
	s.mu.Lock()
	round := s.lastRound
	s.mu.Unlock()
	return max(ttl, s.leastLife(round))
}

// freshFor is how long after its put a snapshot is a Hit: the interval and a
// grace that covers the take-over by another replica.
func (s *Source) freshFor() time.Duration { return s.cfg.Interval * 5 / 4 }

// lookAgain is the pause before a source that another replica is observing is
// looked at again.
func (s *Source) lookAgain() time.Duration {
	return min(max(s.cfg.Interval/20, 50*time.Millisecond), time.Second)
}

// refuse notes a snapshot under our key that cannot be used.
func (s *Source) refuse(key string, err error) {
	if errors.Is(err, errForeign) {
		s.metrics.foreign.Inc()
		if s.cache.once("foreign " + s.cfg.Kind + err.Error()) {
			s.log.Warn("another host keeps its snapshots under our keys; they are not used: give each host a --node.name", "key", key, "err", err)
		}
		return
	}
	if s.cache.once("garbage " + s.cfg.Kind) {
		s.log.Warn("what the store holds under our key is not used", "key", key, "err", err)
	}
}
