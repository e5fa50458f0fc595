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

	"storage_exporter/internal/hang"
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
		readings, heard := r.askPath(ctx, p, share)
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

// errHung and errTooManyHung stay among us: a path that does not answer is not there.
var (
	errHung        = errors.New("the path hangs")
	errTooManyHung = errors.New("too many paths hang")
)

// newGuard makes the guard of the paths, by their addresses. stuck may be nil.
func newGuard(stuck func(delta int), logger *slog.Logger) *hang.Guard {
	return hang.NewGuard(hang.Config{Hung: errHung, TooMany: errTooManyHung, OnHung: func(address string, delta int) {
		if stuck != nil {
			stuck(delta)
		}
		if delta > 0 {
			logger.Warn("an enclosure does not answer on this path; it is not asked again until it does", "path", address)
		} else {
			logger.Info("an enclosure's path that hung has come back", "path", address)
		}
	}})
}

// grace is the part of a path's time in which a call that has seen that its time
// is nearly over comes back with what it has.
const grace = 10

// askPath listens to a path for limit at most.
func (r *Reader) askPath(ctx context.Context, p *path, limit time.Duration) (readings map[string]reading, heard bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type answer struct {
		readings map[string]reading
		heard    bool
	}
	got, err := hang.Do(ctx, r.guard, p.address, func() (answer, error) {
		soft, done := context.WithTimeout(ctx, limit-limit/grace)
		defer done()
		readings, heard := r.listen(soft, p)
		return answer{readings, heard}, nil
	})
	return got.readings, got.heard && err == nil
}
