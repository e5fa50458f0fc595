package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"storage_exporter/cachestore"
)

// flight is one attempt to get a source's snapshots, shared by the refresher
// and all readers that miss them.
type flight struct {
	done chan struct{}
	err  error // set before done is closed, as is lost
	lost bool  // another replica is observing
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("%w: not observed in time: %w", ErrNoSnapshot, ctx.Err())
	}
}

// Who wants a flight.
const (
	forReader    = iota
	forRefresher // the source's own loop, at its due time
)

// loop observes the source whenever it is due, until it is closed.
func (s *Source) loop() {
	defer s.settle()
	for {
		s.mu.Lock()
		wait := time.Until(s.due)
		s.mu.Unlock()
		if wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-s.wake:
				timer.Stop()
			case <-s.ctx.Done():
				timer.Stop()
				return
			}
			continue
		}
		f, err := s.fly(forRefresher)
		if err != nil {
			// Stuck or closed: the observation's return wakes us, and so does Close.
			s.settle()
			select {
			case <-s.wake:
				continue
			case <-s.ctx.Done():
				return
			}
		}
		<-f.done
		if !f.lost {
			s.settle()
		}
	}
}

// refresh starts an observation in the background, where it is due.
func (s *Source) refresh() { _, _ = s.fly(forReader) }

// Observe asks for an observation as soon as the lane allows, although it is
// not due yet.
func (s *Source) Observe() {
	s.mu.Lock()
	s.due = time.Time{}
	s.quiet = false
	s.mu.Unlock()
	s.wakeUp()
}

func (s *Source) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// fly joins the flight under way or starts one.
func (s *Source) fly(who int) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.flight != nil:
		return s.flight, nil
	case s.stuck:
		return nil, ErrStuck
	case who == forReader && s.quiet && time.Now().Before(s.due):
		if s.err != nil {
			return nil, s.err
		}
		return nil, errNotDue
	}
	f := &flight{done: make(chan struct{})}
	if !s.cache.spawn(func() { s.attempt(f) }) {
		return nil, ErrClosed
	}
	s.flight = f
	return f, nil
}

// outcome is how an attempt ended.
type outcome struct {
	observed bool // this process observed; otherwise it adopted or lost
	lost     bool // another replica has the claim
	puts     int
	elapsed  time.Duration
	err      error
}

func (s *Source) attempt(f *flight) {
	out := s.try()
	s.conclude(f, out)
	close(f.done)
	s.wakeUp()
}

// try gets the source's snapshots: from the store if another replica has just
// put them there, else by observing under a claim.
func (s *Source) try() outcome {
	s.mu.Lock()
	suspect := s.timedOut
	s.mu.Unlock()
	leave, err := s.cfg.Lane.enter(s.ctx, suspect)
	if err != nil {
		return outcome{err: ErrClosed}
	}
	defer leave()
	if s.fresh() {
		return outcome{}
	}
	key := "claim:" + s.slots[0].storeKey() + ":" + s.cfg.Origin
	held, err := s.claim(key)
	if err == nil && !held {
		return outcome{lost: true}
	}
	renewed := make(chan struct{})
	stop := make(chan struct{})
	if err == nil {
		go func() {
			defer close(renewed)
			s.renew(key, stop)
		}()
	} else {
		close(renewed) // the store is out of reach: every replica observes for itself
	}
	out := s.observe()
	close(stop)
	<-renewed
	if err == nil {
		ctx, cancel := s.cache.storeContext(s.ctx)
		defer cancel()
		_ = s.cache.cfg.Store.Release(ctx, key, s.cache.cfg.Observer) // it ends by itself
	}
	return out
}

// fresh takes over what the store holds and reports whether another replica, or
// this process before its restart, has observed the source since its next turn
// was planned.
func (s *Source) fresh() bool {
	keys := make([]string, len(s.slots))
	for i, e := range s.slots {
		keys[i] = e.storeKey()
	}
	ctx, cancel := s.cache.storeContext(s.ctx)
	defer cancel()
	items, err := patiently(ctx, func() ([]cachestore.Item, error) { return s.cache.cfg.Store.Get(ctx, keys...) })
	now := time.Now()
	if err == nil && len(items) == len(keys) {
		for i, e := range s.slots {
			e.take(items[i], now)
		}
	}
	at, _, ok := s.lastPut()
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok && at.After(s.planned) && now.Sub(at) < s.cfg.Interval
}

// lastPut is when the newest snapshot of the source was put, and whether by
// this process.
func (s *Source) lastPut() (at time.Time, mine, ok bool) {
	for _, e := range s.slots {
		if t, m, has := e.put(); has && (!ok || t.After(at)) {
			at, mine, ok = t, m, true
		}
	}
	return at, mine, ok
}

// claimLife is how long a claim outlives its holder's death. A living holder
// renews it.
func (s *Source) claimLife() time.Duration {
	return min(max(s.cfg.Interval/10, 250*time.Millisecond), s.cfg.Timeout+time.Second)
}

func (s *Source) claim(key string) (bool, error) {
	ctx, cancel := s.cache.storeContext(s.ctx)
	defer cancel()
	return patiently(ctx, func() (bool, error) { return s.cache.cfg.Store.Claim(ctx, key, s.cache.cfg.Observer, s.claimLife()) })
}

func (s *Source) renew(key string, stop <-chan struct{}) {
	ticker := time.NewTicker(s.claimLife() / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_, _ = s.claim(key) // lost: two observers at once are harmless
		case <-stop:
			return
		}
	}
}

// conclude plans the source's next turn.
func (s *Source) conclude(f *flight, out outcome) {
	now := time.Now()
	at, mine, ok := s.lastPut()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	f.err, f.lost = out.err, out.lost
	if ok && !out.lost {
		s.planned = at
	}
	if out.lost {
		s.quiet = false
		s.due = now.Add(s.lookAgain())
		return
	}
	s.quiet = true
	if !out.observed && out.err == nil { // adopted another replica's snapshots, or its own of before
		s.failures, s.nothings, s.err, s.timedOut = 0, 0, nil, false
		wait := s.cfg.Interval
		if !mine {
			wait = wait * 11 / 10
		}
		s.due = at.Add(wait)
		return
	}
	s.timedOut = errors.Is(out.err, ErrTimeout)
	if s.timedOut || out.err == nil {
		s.lastRound = out.elapsed
	}
	if out.err != nil && !errors.Is(out.err, ErrNothing) {
		s.fail(now, out.err)
		return
	}
	if s.failures > 0 {
		s.log.Info("observation works again", "failures", s.failures)
	}
	s.failures, s.err = 0, nil
	if out.puts == 0 {
		// Nothing measured yet: the second of two counters is wanted soon.
		s.due = now.Add(backOff(time.Second, s.nothings, s.cfg.Interval))
		s.nothings++
		return
	}
	s.nothings = 0
	wait := s.cfg.Interval
	if s.rounds == 0 && ok {
		// The first round goes as fast as the lanes allow; from the second
		// one on the sources' turns are spread over the interval.
		wait = time.Duration(float64(wait) * s.spread)
	}
	s.rounds++
	s.due = at.Add(wait)
}

// fail plans the retry after a failure; s.mu is held.
func (s *Source) fail(now time.Time, err error) {
	s.err = err
	s.due = now.Add(backOff(2*time.Second, s.failures, min(time.Minute, s.cfg.Interval)))
	s.failures++
	if s.closed || s.ctx.Err() != nil {
		return
	}
	if s.failures == 1 {
		s.log.Warn("observation failed; the last snapshot serves while it is alive", "err", err)
	} else {
		s.log.Debug("observation failed again", "err", err, "failures", s.failures)
	}
}

// backOff doubles a pause with each of n failures, up to most.
func backOff(first time.Duration, n int, most time.Duration) time.Duration {
	pause := first
	for range n {
		if pause >= most {
			break
		}
		pause *= 2
	}
	return min(pause, most)
}
