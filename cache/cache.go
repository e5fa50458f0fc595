// Package cache observes sources in the background and serves what they report
// as snapshots. It knows no drive and no volume.
//
// A source is what is asked in one go; an entry is one key that a source fills.
// Readers get the newest snapshot that is alive, from the store or from this
// process's own copy. Where there is none, they cause an observation, which all
// who ask at that moment share.
package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/internal/gather"
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
type Cache struct {
	cfg    Config
	ctx    context.Context // ends with Close; the parent of every observation
	cancel context.CancelFunc
	wg     sync.WaitGroup // the looker and the observations
	looker *looker
	news   gather.Log // of observations that fail, or work again

	mu           sync.Mutex // guards the fields below
	closed       bool
	running      int           // goroutines in wg, for Close's report
	inFirstRound int           // sources whose first round has not ended
	firstEnded   chan struct{} // closed when inFirstRound falls to zero
	reported     map[string]bool
}

// maxReports bounds the memory of what was already logged once.
const maxReports = 256

// New makes a cache. It starts nothing: a source starts by its Start.
func New(cfg Config) *Cache {
	if cfg.StoreTimeout <= 0 {
		cfg.StoreTimeout = time.Second
	}
	c := &Cache{cfg: cfg, firstEnded: make(chan struct{}), reported: make(map[string]bool)}
	close(c.firstEnded) // of no source
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.looker = newLooker(c)
	c.news.Logger = cfg.Logger
	return c
}

// FirstRoundsEnded is closed once every source that was started before has ended its
// first round, whether it succeeded or not.
func (c *Cache) FirstRoundsEnded() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.firstEnded
}

func (c *Cache) firstRoundBegins() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inFirstRound == 0 {
		c.firstEnded = make(chan struct{})
	}
	c.inFirstRound++
}

func (c *Cache) firstRoundEnds() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFirstRound--
	if c.inFirstRound == 0 {
		close(c.firstEnded)
	}
}

// Close stops all sources, releases their claims and waits for the
// observations under way until ctx ends. An observation that is stuck in the
// kernel cannot be waited for: then the error says how many there are.
func (c *Cache) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	defer c.news.Flush()
	done := make(chan struct{})
	go func() {
		c.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		return fmt.Errorf("%d observations have not returned: %w", c.running, ctx.Err())
	}
}

// spawn runs f in a goroutine that Close waits for; false when the cache is
// closed already.
func (c *Cache) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running++
	c.wg.Go(func() {
		defer func() {
			c.mu.Lock()
			c.running--
			c.mu.Unlock()
		}()
		f()
	})
	return true
}

// storeShare is the part of a reader's time that one call of the store may take: a
// scrape makes several, and has to show what is here if the store hangs.
const storeShare = 4

// storeContext bounds one call of the store. It outlives the cache's own
// context, so that claims are released and snapshots kept on shutdown.
func (c *Cache) storeContext(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := c.cfg.StoreTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/storeShare)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// busyPause is how long a call waits before the store is asked again whose
// connections were all in use.
const busyPause = 10 * time.Millisecond

// patiently calls the store, for as long as ctx lasts while it is busy: a snapshot
// that is not stored, or a claim that is not seen, costs the appliance calls.
func patiently[T any](ctx context.Context, call func() (T, error)) (T, error) {
	for {
		result, err := call()
		if !errors.Is(err, cachestore.ErrBusy) {
			return result, err
		}
		select {
		case <-time.After(busyPause):
		case <-ctx.Done():
			return result, err
		}
	}
}

// firstTime reports whether what is seen for the first time, so that it is logged
// once and not with each scrape.
func (c *Cache) firstTime(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reported[what] || len(c.reported) >= maxReports {
		return false
	}
	c.reported[what] = true
	return true
}
