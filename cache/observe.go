package cache

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// graceForReturn is how long an observation may take to return once its context
// has ended, before it counts as stuck: a killed smartctl needs a moment.
const graceForReturn = 500 * time.Millisecond

// observe runs one observation, until it returns or its timeout is over. One
// that does not return is left behind, counted, and keeps the source from being
// observed again until it does.
func (s *Source) observe() outcome {
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Timeout)
	begun := time.Now()
	round := &Round{source: s, begun: begun, touched: make(map[anyEntry]bool, len(s.entries))}
	returned := make(chan error, 1)
	if !s.cache.spawn(func() { returned <- s.call(ctx, round) }) {
		cancel()
		return outcome{err: ErrClosed}
	}
	var err error
	select {
	case err = <-returned:
	case <-ctx.Done():
		grace := time.NewTimer(graceForReturn)
		defer grace.Stop()
		select {
		case err = <-returned:
		case <-grace.C:
			err = fmt.Errorf("%w after %v and has not returned", ErrTimeout, s.cfg.Timeout)
			puts := round.flush(err) // what it put so far, such as that a mount hangs
			s.leaveBehind(cancel, round, returned)
			return s.report(outcome{observed: true, elapsed: time.Since(begun), puts: puts, err: err})
		}
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.Is(err, ErrTimeout) {
			err = fmt.Errorf("%w after %v: %w", ErrTimeout, s.cfg.Timeout, err)
		}
	}
	cancel()
	if err != nil && s.ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrClosed, err) // it was cut off: that is no failure of the source
	}
	return s.report(outcome{observed: true, elapsed: time.Since(begun), puts: round.flush(err), err: err})
}

// call runs Observe; a panic in it is that source's failure alone.
func (s *Source) call(ctx context.Context, round *Round) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("observation panicked: %v", p)
		}
	}()
	return s.cfg.Observe(ctx, round)
}

// leaveBehind waits for a stuck observation in the background.
func (s *Source) leaveBehind(cancel context.CancelFunc, round *Round, returned <-chan error) {
	s.mu.Lock()
	s.stuck = true
	s.mu.Unlock()
	s.metrics.stuck.Inc()
	s.cache.spawn(func() {
		err := <-returned
		cancel()
		round.flush(err)
		s.metrics.stuck.Dec()
		s.mu.Lock()
		s.stuck = false
		s.turn.due, s.turn.look = time.Now(), time.Now()
		s.mu.Unlock()
		s.log.Info("stuck observation has returned")
		s.cache.looker.wake(time.Now())
	})
}

// report counts the observation, unless it was cut off by a shutdown.
func (s *Source) report(out outcome) outcome {
	if s.ctx.Err() != nil {
		return out
	}
	s.metrics.duration.Observe(out.elapsed.Seconds())
	if s.cfg.Done != nil {
		s.cfg.Done(out.err, out.elapsed)
	}
	return out
}
