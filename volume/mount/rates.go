package mount

import (
	"slices"
	"sync"
	"time"

	"storage_exporter/volume"
)

// MinWindow is the shortest time between two readings that makes a rate; below
// it the first counters stay the base.
const MinWindow = 500 * time.Millisecond

// Sample is one reading of the counters of one device or one NFS mount.
type Sample struct {
	Identity string // names the counters: another one counts from another zero
	Age      uint64 // seconds that they have been counting; 0 where not told

	Read, Write Counters
	ByteUnit    float64 // bytes in one of Bytes
	TimeUnit    float64 // microseconds in one of Time
	// OpsWrap and TimeWrap are where a counter starts again at zero; 0 is never.
	OpsWrap, TimeWrap uint64
	// Untimed is whether the device may count operations but not their time, as
	// md does on older kernels.
	Untimed bool
}

// Counters only ever grow. Nil is "not counted".
type Counters struct {
	Ops, Bytes, Time *uint64
}

// Meter turns counters into rates. It keeps the previous reading.
type Meter struct {
	longest time.Duration // a window beyond this says nothing about now

	mu     sync.Mutex // guards the fields below
	base   []Sample
	baseAt time.Time
	last   *volume.Performance // of the window before, nil after a break
	lastAt time.Time
}

// NewMeter makes a meter for counters that are read once an interval.
func NewMeter(interval time.Duration) *Meter { return &Meter{longest: 10 * interval} }

// Next takes a reading, all samples of which were taken at the given time, and
// returns the rates since the one before, and when they were measured. The
// samples are added up: they are the devices of one file system.
// volume.ErrNoSample says that there is nothing to compare with.
func (m *Meter) Next(samples []Sample, at time.Time) (volume.Performance, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	window := at.Sub(m.baseAt)
	whole := m.base != nil && window <= m.longest && sameCounters(m.base, samples)
	if whole && window < MinWindow {
		if m.last == nil {
			return volume.Performance{}, time.Time{}, volume.ErrNoSample
		}
		return *m.last, m.lastAt, nil
	}
	base := m.base
	m.base, m.baseAt, m.last = slices.Clone(samples), at, nil
	if !whole {
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	rates, ok := between(base, samples, window.Seconds())
	if !ok {
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	m.last, m.lastAt = &rates, at
	return rates, at, nil
}

func sameCounters(old, now []Sample) bool {
	return slices.EqualFunc(old, now, func(a, b Sample) bool {
		return a.Identity == b.Identity && b.Age >= a.Age
	})
}

// between adds up what the devices did. It is false when one of them began anew:
// then the whole window is lost, for a part of it would look like less load.
func between(old, now []Sample, seconds float64) (volume.Performance, bool) {
	var read, write total
	for i, sample := range now {
		was := old[i]
		r, ok1 := sample.since(sample.Read, was.Read)
		w, ok2 := sample.since(sample.Write, was.Write)
		if !ok1 || !ok2 {
			return volume.Performance{}, false
		}
		read.add(r, i == 0)
		write.add(w, i == 0)
	}
	return volume.Performance{
		IOPSRead: perSecond(read.ops, seconds), IOPSWrite: perSecond(write.ops, seconds),
		BytesRead: perSecond(read.bytes, seconds), BytesWrite: perSecond(write.bytes, seconds),
		LatencyReadUsec: read.latency(), LatencyWriteUsec: write.latency(),
	}, len(now) > 0
}

// total is what was done in a window: operations, bytes and microseconds. Nil is
// "not counted".
type total struct {
	ops, bytes, usec *float64
}

func (t *total) add(more total, first bool) {
	if first {
		*t = more
		return
	}
	t.ops, t.bytes, t.usec = plus(t.ops, more.ops), plus(t.bytes, more.bytes), plus(t.usec, more.usec)
}

// latency is the mean time of one operation, in microseconds; nil when there was none.
func (t total) latency() *float64 {
	if t.ops == nil || t.usec == nil || *t.ops == 0 {
		return nil
	}
	return new(*t.usec / *t.ops)
}

func plus(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

func perSecond(amount *float64, seconds float64) *float64 {
	if amount == nil {
		return nil
	}
	return new(*amount / seconds)
}

// since is what was counted between two readings; false when the counters began
// anew. A time may wrap only where the operations went on.
func (s Sample) since(now, was Counters) (total, bool) {
	ops, ok1 := difference(now.Ops, was.Ops, s.OpsWrap)
	bytes, ok2 := difference(now.Bytes, was.Bytes, 0)
	spent, ok3 := difference(now.Time, was.Time, s.TimeWrap)
	if !ok1 || !ok2 || !ok3 {
		return total{}, false
	}
	t := total{ops: scaled(ops, 1), bytes: scaled(bytes, s.ByteUnit), usec: scaled(spent, s.TimeUnit)}
	if s.Untimed && spent != nil && *spent == 0 {
		t.usec = nil
	}
	return t, true
}

// difference is now less was; nil when one of them is not counted, false when the
// counter went back and did not just wrap.
func difference(now, was *uint64, wrap uint64) (*uint64, bool) {
	switch {
	case now == nil || was == nil:
		return nil, true
	case *now >= *was:
		return new(*now - *was), true
	case wrap > 0 && *was < wrap && *was > wrap/4*3:
		return new(*now + (wrap - *was)), true
	default:
		return nil, false
	}
}

func scaled(n *uint64, unit float64) *float64 {
	if n == nil {
		return nil
	}
	return new(float64(*n) * unit)
}
