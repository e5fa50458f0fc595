package cache

import "context"

// Lane bounds how many observations run at once among the sources that share
// it. Sources that timed out last time get at most a quarter of it, so that
// hanging ones cannot keep the others waiting.
type Lane struct {
	places   chan struct{}
	suspects chan struct{}
}

// NewLane makes a lane with room for n observations at once, at least one.
func NewLane(n int) *Lane {
	n = max(n, 1)
	return &Lane{places: make(chan struct{}, n), suspects: make(chan struct{}, max(n/4, 1))}
}

// enter waits for a place until ctx ends. leave gives the place back and must be
// called once.
func (l *Lane) enter(ctx context.Context, suspect bool) (leave func(), err error) {
	if suspect {
		if err := take(ctx, l.suspects); err != nil {
			return nil, err
		}
	}
	if err := take(ctx, l.places); err != nil {
		if suspect {
			<-l.suspects
		}
		return nil, err
	}
	return func() {
		<-l.places
		if suspect {
			<-l.suspects
		}
	}, nil
}

func take(ctx context.Context, room chan struct{}) error {
	select {
	case room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
