package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"storage_exporter/internal/gather"
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
	forRefresher // the looker, at the source's due time
)

// nextLook is when the store is to be looked at for the source and when that was
// done last; not idle while an observation is under way.
func (s *Source) nextLook() (at, looked time.Time, idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turn.look, s.looked, s.flight == nil && !s.stuck && !s.closed
}

// about is how much earlier than planned the source is looked at along with
// others.
func (s *Source) about() time.Duration { return min(250*time.Millisecond, s.pace.lookAgain()/2) }

// watched are the entries to look at now: none when that was just done. One
// stands for all, which are put together.
func (s *Source) watched(now time.Time) []anyEntry {
	put := s.lastPut()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case now.Sub(s.looked) <= s.about():
		return nil
	case put.ok:
		return []anyEntry{put.of}
	default:
		return s.entries
	}
}

func (s *Source) setLooked(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.After(s.looked) {
		s.looked = now
	}
}

// act follows a look at the store: the source adopts what another replica put, or
// is observed when it is due.
func (s *Source) act() {
	now, put, unseen := time.Now(), s.lastPut(), s.unseen()
	s.mu.Lock()
	switch {
	case s.flight != nil || s.stuck:
		s.mu.Unlock()
	case !unseen && s.pace.fresh(s.turn, put, now):
		s.turn = s.pace.after(s.turn, outcome{}, put, now)
		s.mu.Unlock()
		s.endFirstRound()
	case now.Before(s.turn.due):
		s.turn.look = s.pace.nextLook(s.turn, now)
		s.mu.Unlock()
	default:
		s.mu.Unlock()
		_, _ = s.fly(forRefresher)
	}
}

// Observe asks for an observation as soon as the lane allows, although it is
// not due yet.
func (s *Source) Observe() {
	s.mu.Lock()
	s.turn.due, s.turn.look = time.Time{}, time.Time{}
	s.turn.quiet = false
	s.mu.Unlock()
	s.cache.looker.wake(time.Time{})
}

// fly joins the flight under way or starts one.
func (s *Source) fly(who int) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.stuck:
		return nil, ErrStuck
	case who == forReader && s.turn.failures > 0 && s.started:
		return nil, s.turn.err // whoever failed last time is not waited for: the refresher goes on trying
	case s.flight != nil:
		return s.flight, nil
	case who == forReader && s.turn.quiet && time.Now().Before(s.turn.due):
		if s.turn.err != nil {
			return nil, s.turn.err
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

func (s *Source) attempt(f *flight) {
	out := s.try()
	look := s.conclude(f, out)
	if !out.lost {
		s.endFirstRound()
	}
	close(f.done)
	s.cache.looker.wake(look)
}

// try gets the source's snapshots: from the store if another replica has just
// put them there, else by observing under a claim.
func (s *Source) try() outcome {
	s.mu.Lock()
	suspect := s.turn.timedOut
	s.waited = 0
	if s.turn.failures == 0 { // else it is late by its own fault
		s.waiting = time.Now()
	}
	s.mu.Unlock()
	waited, leave, err := s.cfg.Lane.enter(s.ctx, suspect)
	if err != nil {
		return outcome{err: ErrClosed}
	}
	defer leave()
	s.mu.Lock()
	if !s.waiting.IsZero() {
		s.waiting, s.waited = time.Time{}, waited
	}
	s.mu.Unlock()
	if s.adopts() {
		return outcome{}
	}
	key := "claim:" + s.entries[0].Key() + ":" + s.cfg.Origin
	held, err := s.claim(key, s.firstClaim())
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
	if !errors.Is(out.err, ErrTimeout) {
		s.cfg.Lane.took(out.elapsed)
	}
	close(stop)
	<-renewed
	if err == nil && (out.puts == 0 || s.ctx.Err() != nil) {
		// Another replica may try. After a put it has no reason to, and the
		// claim ends by itself.
		ctx, cancel := s.cache.storeContext(s.ctx)
		defer cancel()
		_ = s.cache.cfg.Store.Release(ctx, key, s.cache.cfg.Observer)
	}
	return out
}

// adopts says whether what the store holds makes the observation needless. It
// looks at all of it where the source would change hands, or was not looked at
// for a while because the lane was full.
func (s *Source) adopts() bool {
	put, unseen := s.lastPut(), s.unseen()
	s.mu.Lock()
	looked := time.Since(s.looked) <= s.pace.lookAgain()
	s.mu.Unlock()
	if !looked || put.ok && !put.mine || unseen {
		s.cache.takeOver(s.ctx, s.entries, true, func(anyEntry) {})
		put, unseen = s.lastPut(), s.unseen()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !unseen && s.pace.fresh(s.turn, put, time.Now())
}

// unseen says whether the store cannot say what it holds of the source, as where one
// of its entries lies on a node that is lost: what another replica puts may then come
// in parts, and does not make an observation needless.
func (s *Source) unseen() bool {
	return slices.ContainsFunc(s.entries, func(e anyEntry) bool { return !e.isOnDemand() && e.isUnseen() })
}

// lastPut is the newest snapshot of the source.
func (s *Source) lastPut() (newest latest) {
	for _, e := range s.entries {
		if put := e.put(); put.ok && (!newest.ok || put.at.After(newest.at)) {
			newest = put
			newest.of = e
		}
	}
	return newest
}

// claimLife is how long a claim outlives its holder's death. A living holder
// renews it.
func (s *Source) claimLife() time.Duration {
	return min(max(s.cfg.Interval/10, 250*time.Millisecond), s.cfg.Timeout+time.Second)
}

// firstClaim is the life of a claim before its first renewal. It is not given
// back after an observation that went well, so it is not much longer than that
// takes.
func (s *Source) firstClaim() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn.lastRound == 0 {
		return s.claimLife()
	}
	return min(max(4*s.turn.lastRound, time.Second), s.claimLife())
}

func (s *Source) claim(key string, life time.Duration) (bool, error) {
	ctx, cancel := s.cache.storeContext(s.ctx)
	defer cancel()
	return patiently(ctx, func() (bool, error) { return s.cache.cfg.Store.Claim(ctx, key, s.cache.cfg.Observer, life) })
}

// renew keeps a claim while the observation lasts.
func (s *Source) renew(key string, stop <-chan struct{}) {
	timer := time.NewTimer(s.firstClaim() / 3)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			_, _ = s.claim(key, s.claimLife()) // lost: two observers at once are harmless
			timer.Reset(s.claimLife() / 3)
		case <-stop:
			return
		}
	}
}

// conclude plans the source's next turn and returns when it is looked at next.
func (s *Source) conclude(f *flight, out outcome) time.Time {
	now, put := time.Now(), s.lastPut()
	explained := s.cfg.Explained != nil && s.cfg.Explained()
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.turn
	s.turn = s.pace.after(was, out, put, now)
	s.flight = nil
	f.err, f.lost = out.err, out.lost
	switch {
	case s.turn.failures > was.failures && !s.closed && s.ctx.Err() == nil:
		if !s.warned && !explained {
			s.warned = true
			s.news(slog.LevelWarn, "observation failed; the last snapshot serves while it is alive", out.err.Error(), "err", out.err)
		} else {
			s.log.Debug("observation failed again", "err", out.err, "failures", s.turn.failures)
		}
	case out.observed && was.failures > 0 && s.turn.failures == 0:
		if s.warned {
			s.news(slog.LevelInfo, "observation works again", "")
		} else {
			s.log.Debug("observation works again", "failures", was.failures)
		}
		s.warned = false
	}
	return s.turn.look
}

// news logs in a moment, once for all sources of the kind that have the same to say, such
// as the drives of a smartctl that is gone.
func (s *Source) news(level slog.Level, message, cause string, args ...any) {
	s.cache.news.Add(gather.Line{
		Level: level, Message: message, Subject: "name", Cause: s.cfg.Kind + "\x00" + cause, Args: append([]any{"kind", s.cfg.Kind}, args...),
	}, s.cfg.Name)
}
