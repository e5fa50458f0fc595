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

// ErrTooManyHung says that so many mounts hang that no further is asked.
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
	orphan   bool          // its caller was cancelled: who waits behind it decides
}

func (c *call) isHung() bool {
	select {
	case <-c.hung:
		return true
	default:
		return false
	}
}

// NewGuard makes a guard. onHung is told of each call that begins to hang (+1)
// and that comes back after all (-1); it must be quick. It may be nil.
func NewGuard(onHung func(delta int)) *Guard {
	if onHung == nil {
		onHung = func(int) {}
	}
	return &Guard{onHung: onHung, calls: map[string]*call{}}
}

// Hung returns how many calls hang.
func (g *Guard) Hung() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hung
}

// guarded calls f, which touches the mount that key names, and returns when ctx
// ends at the latest: with ErrHung at its deadline, and f goes on by itself. It
// waits for an earlier call that is in time, and refuses at once while one hangs.
// f must keep its hands off what its caller owns, for it may come back at any
// later time.
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

// giveUp says why a call is not waited for any longer; nil when it came back. It
// hangs when its own caller's time is over. A caller that is only cancelled, by a
// reload or a shutdown, says nothing about the mount.
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
