// Package hang makes calls that may sleep in the kernel for ever, as those into a mount
// or to an enclosure do.
package hang

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxHung bounds the threads that calls which hang may hold: each call that sleeps in
// the kernel keeps one, and the runtime aborts the process at 10,000.
const maxHung = 64

// Config is what a Guard is made of.
type Config struct {
	// Hung is the error of a call that has not come back, and TooMany that of a call
	// which is not made because too many hang.
	Hung, TooMany error
	// OnHung is called when the call of a key begins to hang (+1) and when it returns
	// after all (-1). It must be quick.
	OnHung func(key string, delta int)
}

// Guard makes calls that may sleep in the kernel for ever. Nothing can end such
// a call, so each key has at most one under way: while that one hangs, no other is
// made.
type Guard struct {
	cfg Config

	mu    sync.Mutex // guards the fields below, and those of the calls
	calls map[string]*call
	hung  int
}

// call is one call under way.
type call struct {
	key      string
	since    time.Time
	returned chan struct{} // closed when the call came back
	hung     chan struct{} // closed when its time was over
	orphan   bool          // its caller was cancelled: the next one that waits decides
}

func (c *call) isHung() bool {
	select {
	case <-c.hung:
		return true
	default:
		return false
	}
}

// NewGuard makes a guard.
func NewGuard(cfg Config) *Guard { return &Guard{cfg: cfg, calls: map[string]*call{}} }

// Do calls f and returns when ctx ends at the latest: with the error Hung at its
// deadline, while f goes on. It waits for an earlier call of the key that is in time,
// and refuses at once while one hangs. f must not change what its caller uses, since
// it may return at any later time.
func Do[T any](ctx context.Context, g *Guard, key string, f func() (T, error)) (T, error) {
	var none T
	c, err := g.begin(ctx, key)
	if err != nil {
		return none, err
	}
	var value T
	go func() {
		defer g.end(c)
		value, err = f()
	}()
	select {
	case <-c.returned:
		return value, err
	case <-ctx.Done():
		if err := g.giveUp(ctx, c, true); err != nil {
			return none, err
		}
		return value, err // it came back at the last moment
	}
}

// begin takes the key's one place.
func (g *Guard) begin(ctx context.Context, key string) (*call, error) {
	for {
		c, earlier, err := g.take(ctx, key)
		if c != nil || err != nil {
			return c, err
		}
		select {
		case <-earlier.returned:
		case <-earlier.hung:
		case <-ctx.Done():
			if err := g.giveUp(ctx, earlier, false); err != nil {
				return nil, err
			}
		}
	}
}

// take makes a call, or returns the earlier one that is in the way.
func (g *Guard) take(ctx context.Context, key string) (c, earlier *call, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	earlier = g.calls[key]
	switch {
	case earlier != nil && earlier.isHung():
		return nil, nil, g.hungSince(earlier)
	case ctx.Err() != nil:
		return nil, nil, fmt.Errorf("not asked: %w", ctx.Err())
	case earlier != nil:
		return nil, earlier, nil
	case g.hung >= maxHung:
		return nil, nil, g.cfg.TooMany
	}
	c = &call{key: key, since: time.Now(), returned: make(chan struct{}), hung: make(chan struct{})}
	g.calls[key] = c
	return c, nil, nil
}

// giveUp returns why its caller stops waiting for a call; nil when the call returned.
// A call hangs when the time of the caller that made it is over. A caller that was
// cancelled, by a reload or a shutdown, says nothing about what was asked.
func (g *Guard) giveUp(ctx context.Context, c *call, own bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-c.returned:
		return nil
	default:
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		c.orphan = c.orphan || own
		return ctx.Err()
	}
	if (own || c.orphan) && !c.isHung() {
		close(c.hung)
		g.hung++
		g.cfg.OnHung(c.key, 1)
	}
	return g.hungSince(c)
}

func (g *Guard) end(c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.calls, c.key)
	if c.isHung() {
		g.hung--
		g.cfg.OnHung(c.key, -1)
	}
	close(c.returned)
}

func (g *Guard) hungSince(c *call) error {
	return fmt.Errorf("no answer for %v: %w", time.Since(c.since).Round(100*time.Millisecond), g.cfg.Hung)
}
