package mount

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrHung says that a call into a mount has not come back.
var ErrHung = errors.New("the mount hangs")

// ErrTooManyHung says that too many mounts hang to ask another.
var ErrTooManyHung = errors.New("too many mounts hang: no further one is asked")

// maxHung bounds the threads that hung mounts may hold: each call that sleeps in
// the kernel keeps one, and the runtime aborts the process at 10,000.
const maxHung = 64

// Guard makes calls that may sleep in the kernel for ever. Nothing can end such
// a call, so each mount has at most one under way: while that one hangs, the
// mount is not asked again.
type Guard struct {
	onHung func(delta int)

	mu    sync.Mutex // guards the fields below, and those of the calls
	calls map[string]*call
	hung  int
}

// call is one call under way.
type call struct {
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

// NewGuard makes a guard. onHung, which may be nil, is called when a call begins to
// hang (+1) and when it returns after all (-1). It must be quick.
func NewGuard(onHung func(delta int)) *Guard {
	if onHung == nil {
		onHung = func(int) {}
	}
	return &Guard{onHung: onHung, calls: map[string]*call{}}
}

// guarded is Guarded with the guard itself. It waits for an earlier call of the key
// that is in time, and refuses at once while one hangs.
func guarded[T any](ctx context.Context, g *Guard, key string, f func() (T, error)) (T, error) {
	var none T
	c, err := g.begin(ctx, key)
	if err != nil {
		return none, err
	}
	var value T
	go func() {
		defer g.end(key, c)
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

// begin takes the mount's one place.
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
		return nil, nil, hungSince(earlier.since)
	case ctx.Err() != nil:
		return nil, nil, fmt.Errorf("not asked: %w", ctx.Err())
	case earlier != nil:
		return nil, earlier, nil
	case g.hung >= maxHung:
		return nil, nil, ErrTooManyHung
	}
	c = &call{since: time.Now(), returned: make(chan struct{}), hung: make(chan struct{})}
	g.calls[key] = c
	return c, nil, nil
}

// giveUp returns why its caller stops waiting for a call; nil when the call returned.
// A call hangs when the time of the caller that made it is over. A caller that was
// cancelled, by a reload or a shutdown, says nothing about the mount.
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
		g.onHung(1)
	}
	return hungSince(c.since)
}

func (g *Guard) end(key string, c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.calls, key)
	if c.isHung() {
		g.hung--
		g.onHung(-1)
	}
	close(c.returned)
}

func hungSince(since time.Time) error {
	return fmt.Errorf("no answer for %v: %w", time.Since(since).Round(100*time.Millisecond), ErrHung)
}
