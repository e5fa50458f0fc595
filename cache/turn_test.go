package cache

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// The plan of a source's next turn, for an interval of 90 s. Times are seconds
// from when the attempt ended.
func TestTurn(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	at := func(seconds float64) time.Time { return now.Add(time.Duration(seconds * float64(time.Second))) }
	put := func(seconds float64, mine bool) latest { return latest{at: at(seconds), mine: mine, ok: true} }
	timeout := fmt.Errorf("%w after 20s", ErrTimeout)
	for _, tt := range []struct {
		name      string
		was       turn
		out       outcome
		put       latest
		due, look float64
		quiet     bool
		failures  int
		nothings  int
		rounds    int
		timedOut  bool
		err       error
	}{
		{name: "first round: the next is somewhere in the second half of the interval",
			out: outcome{observed: true, puts: 2}, put: put(0, true), due: 67.5, look: 22.5, quiet: true, rounds: 1},
		{name: "every other round: one interval after its put",
			was: turn{rounds: 3}, out: outcome{observed: true, puts: 2}, put: put(-1, true), due: 89, look: 22.25, quiet: true, rounds: 4},
		{name: "adopted from another replica: that has a tenth of the interval more",
			out: outcome{}, put: put(-2, false), due: 97, look: 92.05 / 4, quiet: true},
		{name: "its own from before a restart is another's",
			out: outcome{}, put: put(-50, false), due: 49, look: 44.05 / 2, quiet: true},
		{name: "adopted after failures", was: turn{failures: 4, timedOut: true, err: timeout, rounds: 2},
			out: outcome{}, put: put(-89, false), due: 10, look: 5.05, quiet: true, rounds: 2},
		{name: "another has the claim: looked at again soon, and readers may ask",
			was: turn{rounds: 1, newest: at(-99), theirs: true}, out: outcome{lost: true}, put: put(-99, false), due: 1, look: 1, rounds: 1},
		{name: "first failure", was: turn{rounds: 1}, out: outcome{observed: true, err: errBroken}, put: put(-90, true),
			due: 2, look: 2, quiet: true, rounds: 1, failures: 1, err: errBroken},
		{name: "fifth failure", was: turn{failures: 4}, out: outcome{observed: true, err: errBroken},
			due: 32, look: 16, quiet: true, failures: 5, err: errBroken},
		{name: "many failures", was: turn{failures: 40}, out: outcome{observed: true, err: errBroken},
			due: 60, look: 20, quiet: true, failures: 41, err: errBroken},
		{name: "timed out, although it put that it hangs", was: turn{rounds: 1}, out: outcome{observed: true, puts: 1, err: timeout, elapsed: 20 * time.Second},
			put: put(0, true), due: 2, look: 2, quiet: true, rounds: 1, failures: 1, timedOut: true, err: timeout},
		{name: "nothing to report yet", out: outcome{observed: true, err: ErrNothing}, due: 1, look: 1, quiet: true, nothings: 1},
		{name: "still nothing", was: turn{nothings: 3, failures: 2, err: errBroken}, out: outcome{observed: true}, due: 8, look: 8, quiet: true, nothings: 4},
		{name: "closed before it was observed", out: outcome{err: ErrClosed}, due: 2, look: 2, quiet: true, failures: 1, err: ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := pace{interval: 90 * time.Second, spread: 0.75}
			got := p.after(tt.was, tt.out, tt.put, now)
			if d := got.due.Sub(at(tt.due)); d.Abs() > time.Millisecond {
				t.Errorf("due after %v, want %vs", got.due.Sub(now), tt.due)
			}
			if d := got.look.Sub(at(tt.look)); d.Abs() > time.Millisecond {
				t.Errorf("looks after %v, want %vs", got.look.Sub(now), tt.look)
			}
			if got.quiet != tt.quiet || got.failures != tt.failures || got.nothings != tt.nothings || got.rounds != tt.rounds ||
				got.timedOut != tt.timedOut || !errors.Is(got.err, tt.err) || (got.err == nil) != (tt.err == nil) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Whatever the interval, the next snapshot of another replica is looked for within
// a twentieth of the interval, at least a second, of when it may be there, and the
// store is never left alone for 30 s.
func TestLooksOfOneInterval(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 10 * time.Second, 30 * time.Second, 90 * time.Second, 10 * time.Minute, time.Hour} {
		p := pace{interval: interval, spread: 0.75}
		begun := time.Unix(1_700_000_000, 0)
		turn := p.after(turn{}, outcome{}, latest{at: begun, ok: true}, begun)
		within := max(time.Second, interval/20)
		now, looks := begun, 0
		for now.Before(turn.due) {
			next := p.nextLook(turn, now)
			if gap := next.Sub(now); gap <= 0 || gap > newsWithin {
				t.Fatalf("%v: a look %v after the one before", interval, gap)
			}
			if now.Before(begun.Add(interval)) && next.Sub(begun.Add(interval)) > within {
				t.Errorf("%v: what is put at the end of the interval is seen %v later", interval, next.Sub(begun.Add(interval)))
			}
			if now.After(begun.Add(interval)) && next.Sub(now) > within {
				t.Errorf("%v: what is put after the end of the interval is seen %v later", interval, next.Sub(now))
			}
			now = next
			looks++
		}
		if most := int(interval*11/10/newsWithin) + 7; looks > most {
			t.Errorf("%v: %d looks", interval, looks)
		}
		if !now.Equal(begun.Add(interval * 11 / 10)) {
			t.Errorf("%v: the last look is after %v, want 1.1 intervals", interval, now.Sub(begun))
		}
	}
}
