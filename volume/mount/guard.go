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
	hung     bool          // its caller gave up
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
// ends at the latest: then with ErrHung, and f goes on by itself. It waits for an
// earlier call that is in time, and refuses at once while one hangs. f must keep
// its hands off what its caller owns, for it may come back at any later time.
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
		if err := g.giveUp(c); err != nil {
			return none, err
		}
		return value, err // it came back at the last moment
	}
}

// begin takes the mount's one place.
func (g *Guard) begin(ctx context.Context, key string) (*call, error) {
	for {
		g.mu.Lock()
		earlier := g.calls[key]
		switch {
		case earlier != nil && earlier.hung:
			g.mu.Unlock()
			return nil, hungSince(earlier.since)
		case earlier == nil && g.hung >= maxHung:
			g.mu.Unlock()
			return nil, ErrTooManyHung
		case earlier == nil:
			c := &call{since: time.Now(), returned: make(chan struct{})}
			g.calls[key] = c
			g.mu.Unlock()
			return c, nil
		}
		g.mu.Unlock()
		select {
		case <-earlier.returned:
		case <-ctx.Done():
			return nil, hungSince(earlier.since)
		}
	}
}

func (g *Guard) giveUp(c *call) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-c.returned:
		return nil
	default:
	}
	c.hung = true
	g.hung++
	g.onHung(1)
	return hungSince(c.since)
}

func (g *Guard) end(key string, c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.calls, key)
	if c.hung {
		g.hung--
		g.onHung(-1)
	}
	close(c.returned)
}

func hungSince(since time.Time) error {
	return fmt.Errorf("no answer for %v: %w", time.Since(since).Round(100*time.Millisecond), ErrHung)
}
