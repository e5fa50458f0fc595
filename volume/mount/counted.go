package mount

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"storage_exporter/block"
	"storage_exporter/volume"
	"storage_exporter/volume/rates"
)

// counted turns what block devices count into what was done on them. A counter that
// stands still while those move that carry the same I/O does not count, which is not
// the same as idle. Its methods may run at once.
type counted struct {
	meters *rates.Meters // by device

	mu     sync.Mutex      // guards proven
	proven map[string]bool // the counters that were seen to count, of the last reading
}

func newCounted(interval time.Duration) *counted {
	return &counted{meters: rates.NewMeters(interval, rates.CostsWindow)}
}

// next takes a reading of the devices of one file system, and returns what was done
// since the one before. What is not known of one of them is not known of all.
func (c *counted) next(counters []block.Counter, now time.Time) (volume.Performance, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := reading{counted: c, now: now, proven: map[string]bool{}}
	all := r.sum(counters)
	c.proven = r.proven
	switch {
	case all.err != nil:
		return volume.Performance{}, time.Time{}, all.err
	case all.did == volume.Performance{}:
		return all.did, all.at, Unsupported("%s", all.why)
	}
	return all.did, all.at, nil
}

// reading is one reading of all devices; c.mu is held.
type reading struct {
	*counted
	now    time.Time
	proven map[string]bool
}

// done is what devices did.
type done struct {
	did         volume.Performance
	at          time.Time
	read, write source // of one device
	err         error  // there is nothing to compare with yet
	why         string // why a figure is not known
}

// source is whose counters say what a device did.
type source int

const (
	own     source = iota // its own
	lower                 // those below it
	nobody                // none
	pending               // there is nothing to compare with yet
)

func (r *reading) sum(counters []block.Counter) done {
	var all done
	parts := make([]volume.Performance, len(counters))
	for i, counter := range counters {
		d := r.look(counter)
		parts[i], all.at, all.read, all.write = d.did, d.at, d.read, d.write
		all.err, all.why = cmp.Or(all.err, d.err), cmp.Or(all.why, d.why)
	}
	all.did = rates.Sum(parts...)
	return all
}

// look compares what a device counted with what those did that carry its I/O. All are
// read each time, so that they are of the same window.
func (r *reading) look(counter block.Counter) done {
	sample := diskSample(counter.Stat)
	sample.At = r.now
	var d done
	d.did, d.at, d.err = r.meters.Next(sample.Identity, sample)
	below := r.sum(counter.Below)
	if d.err != nil {
		return d
	}
	mine, theirs := d.did, below.did
	if below.err != nil {
		theirs = volume.Performance{}
	}
	j := judge{reading: r, counter: counter, first: below.err != nil}
	switch {
	case counter.Part && below.err == nil: // it is counted with its disk
		d.read, d.write = below.read, below.write
	case counter.Same:
		d.read = j.source(" reads", mine.IOPSRead, theirs.IOPSRead, mine.BytesRead, theirs.BytesRead)
		d.write = j.source(" writes", mine.IOPSWrite, theirs.IOPSWrite, mine.BytesWrite, theirs.BytesWrite)
	default:
		d.read = j.source("", plus(mine.IOPSRead, mine.IOPSWrite), plus(theirs.IOPSRead, theirs.IOPSWrite), nil, nil)
		d.write = d.read
	}
	d.did = volume.Performance{}
	for _, direction := range []struct {
		source *source
		take   func(from volume.Performance)
	}{
		{&d.read, func(p volume.Performance) {
			d.did.IOPSRead, d.did.BytesRead, d.did.LatencyReadUsec = p.IOPSRead, p.BytesRead, p.LatencyReadUsec
		}},
		{&d.write, func(p volume.Performance) {
			d.did.IOPSWrite, d.did.BytesWrite, d.did.LatencyWriteUsec = p.IOPSWrite, p.BytesWrite, p.LatencyWriteUsec
		}},
	} {
		if *direction.source == lower && !counter.Same {
			*direction.source = nobody // below there is more
		}
		switch *direction.source {
		case own:
			direction.take(mine)
		case lower:
			direction.take(theirs)
		case nobody:
			d.why = cmp.Or(d.why, j.why(below.why))
		case pending:
			d.err = volume.ErrNoSample
		}
	}
	return d
}

// judge decides whose counters are those of a device.
type judge struct {
	*reading
	counter block.Counter
	first   bool // of those below there is no reading before
}

// source compares the operations of one direction, or of both, where the bytes are not
// the same. A counter that once had what went on below it counts: more below is others',
// such as who reads a disk past what lies on it. What had but a little of it does not.
func (j judge) source(direction string, mine, theirs, bytes, theirBytes *float64) source {
	key := j.counter.Name + direction
	if j.counter.Off { // older kernels count all the same
		key += " off"
	}
	moved := mine != nil && *mine > 0
	whole := !j.counter.Same || bytes == nil || theirBytes == nil || 2**bytes >= *theirBytes
	switch {
	case j.counter.Off && !j.counter.Virtual:
		return nobody
	case moved && whole, j.counted.proven[key]:
		j.proven[key] = true
		return own
	case j.first:
		return pending
	case theirs == nil && j.counter.Off: // nobody to compare with
		return nobody
	case theirs == nil, *theirs == 0: // all rest
		return own
	case j.counter.Same:
		return lower
	default:
		return nobody
	}
}

// why says why nobody counts a device, with what helps.
func (j judge) why(below string) string {
	switch {
	case j.counter.Switch != "":
		return fmt.Sprintf("the kernel counts nothing for %s: write 1 to %s", j.counter.Name, j.counter.Switch)
	case below != "":
		return below
	default:
		return fmt.Sprintf("the kernel does not count what is done on %s, and those below it count more than that", j.counter.Name)
	}
}

// plus is nil where one of both is not known.
func plus(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}
