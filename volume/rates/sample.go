// Package rates turns counters into rates and latencies: those of the kernel's
// devices and mounts, of a file system's client, and of an appliance's volumes.
package rates

import (
	"cmp"
	"time"
)

// Sample is one reading of the counters of a device, a mount, or a part of a volume
// on an appliance.
type Sample struct {
	// Identity names the counters, as a UUID does. Counters that began at another
	// zero have another one.
	Identity string
	At       time.Time // when they were read, by the clock of the device or appliance
	Age      uint64    // seconds that they have been counting; 0 where not known

	Read, Write Counters
	ByteUnit    float64 // bytes in one of Bytes; 0 is 1
	TimeUnit    float64 // microseconds in one of Time; 0 is 1
	// OpsWrap and TimeWrap are where a counter starts again at zero; 0 is never.
	OpsWrap, TimeWrap uint64
	// Untimed is whether the device may count operations but not their time, as md
	// does on older kernels.
	Untimed bool
}

// Counters only grow, until they begin anew. Nil is "not counted", or not reliable
// now.
type Counters struct {
	Ops, Bytes *uint64
	// Time is summed over the operations: those of Timed, or of Ops where that is
	// nil.
	Time, Timed *uint64
	// Mean, instead of Time, is the mean time of all operations ever, cut to whole
	// microseconds. It may go down.
	Mean *uint64
}

// pair is two readings of the same counters.
type pair struct{ was, now Sample }

func (s Sample) compare(other Sample) int { return cmp.Compare(s.Identity, other.Identity) }

// goesOn is whether the counters are still the same in a later sample.
func (s Sample) goesOn(later Sample) bool {
	return s.Identity == later.Identity && later.Age >= s.Age && !later.At.Before(s.At)
}

func (p pair) window() time.Duration { return p.now.At.Sub(p.was.At) }

// work is what was done in a window: operations, bytes, and microseconds of timed
// operations. Nil is "not counted".
type work struct {
	ops, bytes, usec, timed *float64
}

// work is what one direction did between the readings; false where a counter began
// anew.
func (p pair) work(was, now Counters, reset Reset) (work, bool) {
	var w work
	good := true
	for _, c := range []struct {
		into     **float64
		was, now *uint64
		wrap     uint64
		unit     float64
	}{
		{&w.ops, was.Ops, now.Ops, p.now.OpsWrap, 1},
		{&w.bytes, was.Bytes, now.Bytes, 0, p.now.ByteUnit},
		{&w.usec, was.Time, now.Time, p.now.TimeWrap, p.now.TimeUnit},
		{&w.timed, was.Timed, now.Timed, p.now.OpsWrap, 1},
	} {
		n, ok := difference(c.was, c.now, c.wrap, reset)
		good = good && ok
		if n != nil {
			*c.into = new(float64(*n) * cmp.Or(c.unit, 1))
		}
	}
	if w.ops != nil && *w.ops == 0 && w.bytes != nil && *w.bytes > 0 {
		w.ops = nil // bytes are moved by operations: those are not counted here
	}
	if p.now.Untimed && w.usec != nil && *w.usec == 0 {
		w.usec = nil
	}
	if now.Timed == nil {
		w.timed = w.ops
	}
	if now.Mean != nil {
		w.usec = spent(was, now)
	}
	return w, good
}

// difference is now less was; nil when one of them is not counted, false when the
// counter began anew: when it went back and did not just wrap.
func difference(was, now *uint64, wrap uint64, reset Reset) (*uint64, bool) {
	switch {
	case now == nil || was == nil:
		return nil, true
	case reset == CostsFigure && *was == 0 && *now > 0:
		return nil, false
	case *now >= *was:
		return new(*now - *was), true
	case wrap > 0 && *was < wrap && *was > wrap/4*3:
		return new(*now + (wrap - *was)), true
	default:
		return nil, false
	}
}
