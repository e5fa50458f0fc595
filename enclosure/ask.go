package enclosure

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// reading is what a slot's files said; each cost an SES command.
type reading struct {
	status Status
	fault  *bool
	locate *bool
	power  *string
}

// maxSilent is how many reads may fail, from a path's first one on, until the path
// is given up. Each may take the kernel's whole SCSI timeout.
const maxSilent = 4

// ask reads the slots' files of all enclosures at once, with one command at a time
// for each. It asks the path that answered last time, and the other one if that does
// not answer.
func (r *Reader) ask(ctx context.Context, groups []*pathGroup) {
	// What comes after it needs no time, so nearly all of it is left for this.
	end := time.Now().Add(time.Hour)
	if deadline, ok := ctx.Deadline(); ok {
		end = deadline.Add(-time.Until(deadline) / 20)
	}
	var wg sync.WaitGroup
	for _, g := range groups {
		order := r.preferred(g)
		g.base = order[0]
		wg.Go(func() { r.askGroup(ctx, end, g, order) })
	}
	wg.Wait()
	clear(r.answered)
	for _, g := range groups {
		if g.heard {
			r.answered[g.base.address] = true
		}
	}
}

// preferred is the order in which an enclosure's paths are asked.
func (r *Reader) preferred(g *pathGroup) []*path {
	order := slices.Clone(g.paths)
	rank := func(p *path) int {
		if r.answered[p.address] {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(order, func(a, b *path) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b.bays), len(a.bays)))
	})
	return order
}

// askGroup gives each path its share of the time that is left.
func (r *Reader) askGroup(ctx context.Context, end time.Time, g *pathGroup, order []*path) {
	for i, p := range order {
		share := time.Until(end) / time.Duration(len(order)-i)
		readings, heard := r.asker.ask(ctx, p.address, share, func(ctx context.Context) (map[string]reading, bool) { return r.listen(ctx, p) })
		if heard {
			g.base, g.readings, g.heard = p, readings, true
			return
		}
	}
}

// listen reads the files of a path's slots until ctx ends, and says whether the
// path answered.
func (r *Reader) listen(ctx context.Context, p *path) (readings map[string]reading, heard bool) {
	readings = make(map[string]reading, len(p.bays))
	failed := 0
	for _, b := range p.bays {
		file := func(name string) []byte {
			if ctx.Err() != nil || !heard && failed >= maxSilent {
				return nil
			}
			raw, err := r.read(filepath.Join(p.dir, b.component, name))
			switch {
			case err == nil:
				heard = true
			case !errors.Is(err, fs.ErrNotExist): // older kernels lack a file
				failed++
			}
			return raw
		}
		readings[b.component] = reading{
			status: parseStatus(file("status")), fault: parseFault(file("fault")),
			locate: parseLocate(file("locate")), power: parsePower(file("power_status")),
		}
	}
	return readings, heard
}

// asker makes calls that may sleep in the kernel for ever, at most one for each
// path: while it hangs, the path is not asked again.
type asker struct {
	stuck func(delta int)
	log   *slog.Logger

	mu    sync.Mutex // guards the field below
	calls map[string]*call
}

// call is one that has not come back.
type call struct {
	hangs bool // its time is over
}

func newAsker(stuck func(delta int), logger *slog.Logger) *asker {
	if stuck == nil {
		stuck = func(int) {}
	}
	return &asker{stuck: stuck, log: logger, calls: make(map[string]*call)}
}

// grace is the part of a path's time in which a call that has seen that its time
// is nearly over comes back with what it has.
const grace = 10

// ask calls f and waits for it at most for limit; f gets a context that ends a
// little earlier, and must touch nothing of its caller's, for it may come back at
// any later time.
func (a *asker) ask(ctx context.Context, address string, limit time.Duration, f func(context.Context) (map[string]reading, bool)) (map[string]reading, bool) {
	if limit <= 0 || ctx.Err() != nil {
		return nil, false
	}
	c := &call{}
	a.mu.Lock()
	if a.calls[address] != nil {
		a.mu.Unlock()
		return nil, false
	}
	a.calls[address] = c
	a.mu.Unlock()

	type answer struct {
		readings map[string]reading
		heard    bool
	}
	answers := make(chan answer, 1)
	soft, cancel := context.WithTimeout(ctx, limit-limit/grace)
	go func() {
		defer cancel()
		readings, heard := f(soft)
		// The path is free before its caller knows the answer: the next call
		// may come at once.
		a.mu.Lock()
		defer a.mu.Unlock()
		answers <- answer{readings, heard}
		a.free(address, c)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case got := <-answers:
		return got.readings, got.heard
	case <-ctx.Done():
	case <-timer.C:
	}
	// That its caller was cut off says nothing about the path.
	if !errors.Is(ctx.Err(), context.Canceled) {
		a.leave(address, c)
	}
	select {
	case got := <-answers: // at the last moment
		return got.readings, got.heard
	default:
		return nil, false
	}
}

// leave gives up a call that hangs, unless it came back at the last moment.
func (a *asker) leave(address string, c *call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls[address] == c {
		c.hangs = true
		a.stuck(1)
		a.log.Warn("an enclosure does not answer on this path; it is not asked again until it does", "path", address)
	}
}

// free takes note that a call came back; a.mu is held.
func (a *asker) free(address string, c *call) {
	delete(a.calls, address)
	if c.hangs {
		a.stuck(-1)
		a.log.Info("an enclosure's path that hung has come back", "path", address)
	}
}
