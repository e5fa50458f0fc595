package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// maxWaiting bounds the subjects of which an event waits for a target.
	maxWaiting = 1000
	// maxAge is how long an event is tried.
	maxAge = 24 * time.Hour
	// firstDelay doubles with each failure in a row, up to longestDelay.
	firstDelay   = 5 * time.Second
	longestDelay = 10 * time.Minute
	// longestHold bounds how long a target can ask to be left alone.
	longestHold = time.Hour
)

// target is where events go. The error of send is a refusal where sending again may
// or may not help.
type target interface {
	send(ctx context.Context, e Event) error
}

// refusal is why a target did not take an event.
type refusal struct {
	reason string
	again  bool          // it may take it later
	after  time.Duration // not before; 0: the usual time
	gone   bool          // it takes no event any more
}

func (r *refusal) Error() string { return r.reason }

// The outcomes of an event at a target.
const (
	delivered = "delivered"
	failed    = "failed"  // refused for good
	dropped   = "dropped" // a newer state took its place, or the queue was full, or it was too old
)

var outcomes = []string{delivered, failed, dropped}

// job is an event on its way to one target.
type job struct {
	key   string
	event Event
	since time.Time
	tried bool
}

// queue has one worker, which sends to one target: the oldest event first, those that
// were not tried yet before the others. Of a subject only the newest event waits.
type queue struct {
	name    string
	target  target
	wants   func(Event) bool
	current func(ctx context.Context, key string, sequence uint64) bool
	done    func(target string, j job)
	count   func(outcome string, waiting int)
	log     *slog.Logger
	wake    chan struct{}
	cancel  context.CancelFunc // nil: not started

	mu       sync.Mutex // guards the fields below
	waiting  []job
	sent     *job      // what is being sent
	failures int       // in a row
	gate     time.Time // until when nothing is tried again
	hold     time.Time // until when nothing is sent at all
	gone     bool
}

func (e *Events) newQueue(name string, t target, wants func(Event) bool) *queue {
	return &queue{
		name: name, target: t, wants: wants, current: e.current, done: e.done,
		count: e.cfg.Metrics.counter(name), log: e.cfg.Logger.With("to", name), wake: make(chan struct{}, 1),
	}
}

// start starts the queue's worker, which ends with e or with the queue's cancel.
func (e *Events) start(q *queue) {
	ctx, cancel := context.WithCancel(e.ctx)
	q.cancel = cancel
	e.wg.Go(func() { q.run(ctx) })
}

// add puts a job in the place of the one that waits for the same subject. The jobs that
// it returns are dropped.
func (q *queue) add(j job) (lost []job) {
	j.since = time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if lost = q.take(func(w job) bool { return w.key == j.key }); len(lost) == 0 && len(q.waiting) >= maxWaiting {
		lost = []job{q.waiting[0]}
		q.waiting = q.waiting[1:]
		q.log.Warn("too many events wait, the oldest is dropped", "event", lost[0].event.ID)
	}
	q.waiting = append(q.waiting, j)
	for range lost {
		q.count(dropped, len(q.waiting))
	}
	q.count("", len(q.waiting))
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return lost
}

// take removes the jobs that match; q.mu is held.
func (q *queue) take(match func(job) bool) (taken []job) {
	var rest []job
	for _, w := range q.waiting {
		if match(w) {
			taken = append(taken, w)
		} else {
			rest = append(rest, w)
		}
	}
	q.waiting = rest
	return taken
}

// forget removes what another replica sends now.
func (q *queue) forget(key string, sequence uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.take(func(w job) bool { return w.key == key && w.event.Sequence == sequence })
	q.count("", len(q.waiting))
}

// drain ends the worker and returns what waited, what was being sent among it.
func (q *queue) drain() []job {
	if q.cancel != nil {
		q.cancel()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs := q.waiting
	if q.sent != nil {
		jobs = append([]job{*q.sent}, jobs...)
	}
	q.waiting = nil
	return jobs
}

func (q *queue) run(ctx context.Context) {
	for ctx.Err() == nil {
		j, wait := q.next(time.Now())
		if j == nil {
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
			case <-q.wake:
			case <-timer.C:
			}
			timer.Stop()
			continue
		}
		q.try(ctx, *j)
	}
}

// next takes the job to try now; if there is none, wait is when to ask again.
func (q *queue) next(now time.Time) (j *job, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait = time.Hour
	if len(q.waiting) == 0 {
		return nil, wait
	}
	if held := q.hold.Sub(now); held > 0 && !q.gone {
		return nil, held
	}
	for i := range q.waiting {
		w := q.waiting[i]
		gated := q.gate.Sub(now)
		if w.tried && gated > 0 && !q.gone {
			wait = min(wait, gated)
			continue
		}
		q.waiting = append(q.waiting[:i:i], q.waiting[i+1:]...)
		q.sent = &w // it waits still, as long as it is not sent
		return &w, 0
	}
	return nil, wait
}

// try sends one event. Who ends meanwhile leaves it as it is.
func (q *queue) try(ctx context.Context, j job) {
	if time.Since(j.since) > maxAge || j.tried && !q.current(ctx, j.key, j.event.Sequence) {
		q.end(j, dropped)
		return
	}
	q.mu.Lock()
	gone := q.gone
	q.mu.Unlock()
	if gone {
		q.end(j, failed)
		return
	}
	err := q.target.send(ctx, j.event)
	if ctx.Err() != nil && err != nil {
		return
	}
	var no *refusal
	switch {
	case err == nil:
		q.answered()
		q.end(j, delivered)
	case errors.As(err, &no) && no.gone:
		q.mu.Lock()
		q.gone = true
		q.mu.Unlock()
		q.log.Warn("webhook is gone: nothing is sent to it until the configuration is loaded anew", "event", j.event.ID, "err", err)
		q.end(j, failed)
	case no != nil && !no.again:
		q.log.Warn("event was refused", "event", j.event.ID, "err", err)
		q.end(j, failed)
	default:
		q.failed(j, err, no)
	}
}

// answered ends a row of failures: what waits is tried at once.
func (q *queue) answered() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failures > 0 {
		q.log.Info("events are taken again")
	}
	q.failures, q.gate, q.hold = 0, time.Time{}, time.Time{}
}

// failed has the job tried again, unless a newer one has taken its place.
func (q *queue) failed(j job, err error, no *refusal) {
	q.mu.Lock()
	now := time.Now()
	if q.failures == 0 {
		q.log.Warn("events are not taken, they are sent again later", "event", j.event.ID, "err", err)
	}
	delay := longestDelay
	if q.failures < 7 {
		delay = min(firstDelay<<q.failures, longestDelay)
	}
	q.failures++
	q.gate = now.Add(time.Duration(float64(delay) * (0.8 + 0.4*rand.Float64()))) //nolint:gosec // not for secrecy
	if no != nil && no.after > 0 {
		q.hold = now.Add(min(no.after, longestHold))
	}
	newer := slices.ContainsFunc(q.waiting, func(w job) bool { return w.key == j.key })
	if newer || len(q.waiting) >= maxWaiting {
		q.mu.Unlock()
		q.end(j, dropped)
		return
	}
	q.sent = nil
	j.tried = true
	q.waiting = append(q.waiting, j)
	q.count("", len(q.waiting))
	q.mu.Unlock()
}

// end is the outcome of a job.
func (q *queue) end(j job, outcome string) {
	q.mu.Lock()
	q.sent = nil
	waiting := len(q.waiting)
	q.mu.Unlock()
	q.count(outcome, waiting)
	q.done(q.name, j)
}

func statusError(code int) string { return fmt.Sprintf("it answered with status %d", code) }
