// Package cache observes sources in the background and serves what they said
// as snapshots. It knows no drive and no volume.
package cache

import (
	"context"
	"log/slog"
	"time"

	"storage_exporter/cachestore"
)

// Config is what a Cache is made of.
type Config struct {
	Store cachestore.Store
	// Observer names this process among all that share the store, never
	// empty; a claim is held under this name.
	Observer string
	Logger   *slog.Logger
	Metrics  *Metrics
	// StoreTimeout bounds each call of the store; 0 means one second.
	StoreTimeout time.Duration
}

// Cache owns the sources and their goroutines.
type Cache struct{}

// New makes a cache. It starts nothing: sources start when they are added.
func New(cfg Config) *Cache { panic("not written") }

// Settled is closed once every source that was started before has ended its
// first round, whether it succeeded or not.
func (c *Cache) Settled() <-chan struct{} { panic("not written") }

// Close stops all sources, releases their claims and waits for the
// observations under way until ctx ends. An observation that is stuck in the
// kernel cannot be waited for: then the error says how many there are.
func (c *Cache) Close(ctx context.Context) error { panic("not written") }

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
	// when it returned, or when its timeout was over.
	Done func(err error, elapsed time.Duration)
}

// Source is one thing that is asked in one go.
type Source struct{}

// NewSource makes a source that does nothing until its entries were added and
// it is started.
func (c *Cache) NewSource(cfg SourceConfig) *Source { panic("not written") }

// Start begins the observations in the background. The entries must be there.
func (s *Source) Start() {}

// Close stops the source for good: its entries answer ErrClosed. It does not
// wait for an observation under way; the Cache does.
func (s *Source) Close() {}

// Round is one observation while it runs.
type Round struct{}

// Entry is one key that a source fills.
type Entry[T any] struct{}

// Add makes an entry of the source. ttl is how long a snapshot lives; one that
// is too short for the source's interval is raised, with a warning.
func Add[T any](s *Source, key string, ttl time.Duration) *Entry[T] { panic("not written") }

// OnChange registers a function that is called with each new snapshot of the
// entry, put here or read from the store, before any reader gets it. It must
// be quick and must not read the entry. Call it before Start.
func (e *Entry[T]) OnChange(f func(Snapshot[T])) { panic("not written") }

// Put stores what was learned. sampledAt is when the value was measured; zero
// means now. Nobody may change what value points to afterwards.
func (e *Entry[T]) Put(r *Round, value *T, sampledAt time.Time) { panic("not written") }

// Keep stores value with the age and time of the snapshot last, for what
// could not be measured anew (a sleeping drive).
func (e *Entry[T]) Keep(r *Round, value *T, last Snapshot[T]) { panic("not written") }

// Fail says why this round has no value for the entry: what its readers get
// when there is no snapshot alive. It never replaces a snapshot.
func (e *Entry[T]) Fail(r *Round, err error) { panic("not written") }

// Last is the newest snapshot this process has made or read, even one that is
// too old to be served; false when there is none.
func (e *Entry[T]) Last() (Snapshot[T], bool) { panic("not written") }

// Get returns the entry's snapshot, observing the source when there is none.
func (e *Entry[T]) Get(ctx context.Context) (Snapshot[T], error) { panic("not written") }

// GetAll reads many entries with one round trip to the store. The results are
// in the order of entries. What is missing is observed, each until ctx ends.
func GetAll[T any](ctx context.Context, entries []*Entry[T]) []Result[T] { panic("not written") }
