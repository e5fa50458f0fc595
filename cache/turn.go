package cache

import (
	"errors"
	"time"
)

// turn is what a source remembers of its observations, and when it acts next.
type turn struct {
	due       time.Time     // when this process observes
	look      time.Time     // when the store is looked at, never after due
	newest    time.Time     // the put of the newest snapshot when due was decided: a later one is news
	theirs    bool          // that snapshot was put by another replica
	quiet     bool          // readers do not start an observation before due either
	rounds    int           // observations that ended well
	failures  int           // observations that failed, in a row
	nothings  int           // observations that had nothing to report, in a row
	timedOut  bool          // the last observation did
	err       error         // the last round's failure
	lastRound time.Duration // how long the last observation took
}

// outcome is how an attempt ended.
type outcome struct {
	observed bool // this process observed; otherwise it adopted or lost
	lost     bool // another replica has the claim
	puts     int
	elapsed  time.Duration
	err      error
}

// latest is the newest snapshot of a source; the zero value where there is none.
type latest struct {
	at   time.Time // when it was put
	mine bool      // by this process
	ok   bool
	of   anyEntry // whose it is
}

// pace says when a source acts.
type pace struct {
	interval time.Duration
	spread   float64 // in [0.5, 1): where in the interval this source's turns lie
}

// newsWithin is how soon a snapshot that another replica put before it was due
// is seen.
const newsWithin = 29 * time.Second

// after is the turn that follows t when an attempt has ended at now. put is the
// newest snapshot there is then.
func (p pace) after(t turn, out outcome, put latest, now time.Time) turn {
	if put.ok && !out.lost {
		t.newest, t.theirs = put.at, !put.mine
	}
	t.quiet = !out.lost
	switch {
	case out.lost:
		t.due = now.Add(p.lookAgain())
	case !out.observed && out.err == nil: // adopted another replica's snapshots, or its own of before
		t.failures, t.nothings, t.err, t.timedOut = 0, 0, nil, false
		t.due = put.at.Add(p.interval)
		if !put.mine {
			t.due = put.at.Add(p.takeOver())
		}
	default:
		t = p.observed(t, out, put, now)
	}
	t.look = p.nextLook(t, now)
	return t
}

// observed plans the turn after an observation of this process.
func (p pace) observed(t turn, out outcome, put latest, now time.Time) turn {
	t.timedOut = errors.Is(out.err, ErrTimeout)
	if t.timedOut || out.err == nil {
		t.lastRound = out.elapsed
	}
	if out.err != nil && !errors.Is(out.err, ErrNothing) {
		t.err = out.err
		t.due = now.Add(backOff(2*time.Second, t.failures, min(time.Minute, p.interval)))
		t.failures++
		return t
	}
	t.failures, t.err = 0, nil
	if out.puts == 0 {
		// Nothing measured yet: the second of two counters is wanted soon.
		t.due = now.Add(backOff(time.Second, t.nothings, p.interval))
		t.nothings++
		return t
	}
	t.nothings = 0
	wait := p.interval
	if t.rounds == 0 && put.ok {
		// The first round goes as fast as the lanes allow; from the second
		// one on the sources' turns are spread over the interval.
		wait = time.Duration(float64(wait) * p.spread)
	}
	t.rounds++
	t.due = put.at.Add(wait)
	return t
}

// nextLook is when the store is looked at after now: in time for the next
// snapshot of the replica that observes, often enough for one out of turn, and
// before this process observes.
func (p pace) nextLook(t turn, now time.Time) time.Time {
	until := t.due
	if t.theirs && !t.due.After(t.newest.Add(p.takeOver())) {
		grace := max(time.Second, p.interval/20) * 9 / 10
		expected := t.newest.Add(p.interval + grace)
		if !expected.After(now) {
			expected = now.Add(grace) // the observation takes its time
		}
		if expected.Before(until) {
			until = expected
		}
	}
	if wait := until.Sub(now); wait > newsWithin {
		return now.Add(wait / ((wait + newsWithin - 1) / newsWithin))
	}
	return until
}

// fresh says whether put is news that makes an observation needless: another
// replica, or this process before its restart, has observed since the turn was
// planned.
func (p pace) fresh(t turn, put latest, now time.Time) bool {
	return put.ok && put.at.After(t.newest) && now.Sub(put.at) < p.interval
}

// takeOver is how long after its put a snapshot of another replica is replaced
// by this one.
func (p pace) takeOver() time.Duration { return p.interval * 11 / 10 }

// lookAgain is the pause before a source that another replica is observing is
// looked at again.
func (p pace) lookAgain() time.Duration {
	return min(max(p.interval/20, 50*time.Millisecond), time.Second)
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
