package cache

import (
	"context"
	"sync"
	"time"
)

// Lane bounds how many observations run at once among the sources that share
// it. Sources that timed out last time get at most a quarter of it, so that
// hanging ones cannot keep the others waiting.
type Lane struct {
	places   chan struct{}
	suspects chan struct{}

	mu      sync.Mutex // guards the fields below, which are of sources that are no suspects
	waiting int
	run     time.Duration // how long an observation takes, the latest counting most
}

// NewLane makes a lane with room for n observations at once, at least one.
func NewLane(n int) *Lane {
	n = max(n, 1)
	return &Lane{places: make(chan struct{}, n), suspects: make(chan struct{}, max(n/4, 1))}
}

// enter waits for a place until ctx ends, and returns for how long it did. leave
// gives the place back and must be called once.
func (l *Lane) enter(ctx context.Context, suspect bool) (waited time.Duration, leave func(), err error) {
	begun := time.Now()
	if suspect {
		if err := take(ctx, l.suspects); err != nil {
			return 0, nil, err
		}
	} else {
		l.waits(1)
		defer l.waits(-1)
	}
	if err := take(ctx, l.places); err != nil {
		if suspect {
			<-l.suspects
		}
		return 0, nil, err
	}
	return time.Since(begun), func() {
		<-l.places
		if suspect {
			<-l.suspects
		}
	}, nil
}

func (l *Lane) waits(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting += n
}

// took notes how long an observation took that did not time out.
func (l *Lane) took(run time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.run == 0 {
		l.run = run
	}
	l.run += (run - l.run) / 8
}

// wait is how long a source must expect to wait that comes now, if an observation
// takes as long as the others do, or as run at least.
func (l *Lane) wait(run time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.waiting) * max(l.run, run) / time.Duration(cap(l.places))
}

func take(ctx context.Context, room chan struct{}) error {
	select {
	case room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
