package exposition

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

const (
	// maxRead bounds a read's context, whatever deadline a scrape brings.
	maxRead = 60 * time.Second
	// wedged is when a read that does not obey its context is given up:
	// scrapes do not wait for it any more, but it is not started again either.
	wedged = maxRead + 5*time.Second
	// maxMargin is how much earlier than its scrape a read must end, so that a
	// part of the snapshots in time is better than nothing.
	maxMargin = 250 * time.Millisecond
	// worthwhile is what a read that was cut short by an earlier deadline
	// must be given at least to be tried again.
	worthwhile = 500 * time.Millisecond
)

// flight is one read of a collector, shared by all scrapes that ask for it
// while it runs and whose deadline is not before its own. It is detached from them:
// none can cancel it.
type flight struct {
	started  time.Time
	deadline time.Time
	done     chan struct{} // closed when outcome is set
	outcome  outcome
}

// outcome is what a scrape gets of one collector.
type outcome struct {
	complete bool // false: the read has not returned in time, there are no parts
	ok       bool
	cut      bool // the read's own deadline has ended it
	elapsed  time.Duration
	parts    []Part      // as read
	texts    []*partText // as encoded
}

// gather reads the collectors of l at the indices asked, each in a goroutine
// of its own, and returns at ctx's deadline at the latest.
func (e *Exporter) gather(ctx context.Context, l *layout, asked []int) []outcome {
	outcomes := make([]outcome, len(l.collectors))
	var wg sync.WaitGroup
	for _, i := range asked {
		wg.Go(func() { outcomes[i] = e.collect(ctx, l.collectors[i]) })
	}
	wg.Wait()
	return outcomes
}

// collect waits for a read of c until ctx ends. A read that was started for a
// scrape with an earlier deadline may end with less than this scrape would
// have got: then it joins or starts another.
func (e *Exporter) collect(ctx context.Context, c *Collector) outcome {
	started := time.Now()
	deadline, latest := readDeadline(ctx)
	for {
		f := e.join(c, deadline, latest)
		if f == nil {
			return outcome{}
		}
		if f.started.Before(started) {
			started = f.started
		}
		select {
		case <-f.done:
		default:
			if time.Since(f.started) >= wedged {
				return outcome{elapsed: time.Since(started)}
			}
			select {
			case <-f.done:
			case <-ctx.Done():
				return outcome{elapsed: time.Since(started)}
			}
		}
		if f.outcome.ok || !f.outcome.cut || time.Until(deadline) < worthwhile {
			return f.outcome
		}
	}
}

// join returns a read of c that is under way and ends at latest, or starts one that
// must end at deadline: what a scrape with more time waits for must not cost this one
// what is there already. Each scrape starts one at a time, so there are no more reads
// than scrapes. nil after Close.
func (e *Exporter) join(c *Collector, deadline, latest time.Time) *flight {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.flights {
		if time.Since(f.started) >= wedged || !f.deadline.After(latest) {
			return f
		}
	}
	f := &flight{started: time.Now(), deadline: deadline, done: make(chan struct{})}
	c.flights = append(c.flights, f)
	e.reads.Go(func() { e.fly(c, f) })
	return f
}

// readDeadline is when a read must end that is started now for a scrape, and when
// one must end that was started for another at about the same moment.
func readDeadline(ctx context.Context) (deadline, latest time.Time) {
	now := time.Now()
	left := maxRead
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, deadline.Sub(now))
	}
	margin := min(left/10, maxMargin)
	return now.Add(left - margin), now.Add(left - margin/2)
}

// fly runs the read f of c.
func (e *Exporter) fly(c *Collector, f *flight) {
	ctx, cancel := context.WithDeadline(e.base, f.deadline)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			e.cfg.Metrics.panics.WithLabelValues(c.Name()).Inc()
			e.cfg.Logger.Error("panic in a collector", "collector", c.Name(),
				"err", fmt.Sprint(r), "stack", string(debug.Stack()))
			f.outcome = outcome{complete: true}
		}
		f.outcome.cut = ctx.Err() != nil
		f.outcome.elapsed = time.Since(f.started)
		c.mu.Lock()
		c.flights = slices.DeleteFunc(c.flights, func(g *flight) bool { return g == f })
		c.mu.Unlock()
		close(f.done)
	}()

	parts, ok := c.source.Read(ctx)
	c.encoding.Lock()
	defer c.encoding.Unlock()
	encoded := c.memo.encode(parts, e.cfg.Logger)
	e.cfg.Metrics.panics.WithLabelValues(c.Name()).Add(float64(encoded.panics))
	e.cfg.Metrics.dropped.WithLabelValues(c.Name(), droppedInvalid).Add(float64(encoded.invalid))
	f.outcome = outcome{complete: true, ok: ok && encoded.panics == 0, parts: parts, texts: encoded.texts}
}
