package rates

import "storage_exporter/volume"

// Between is what was done between two readings of the same counters; false where one
// of them began anew, or no figure is good.
func Between(was, now Sample) (volume.Performance, bool) {
	p := between([]pair{{was, now}}, CostsWindow)
	if p == nil {
		return volume.Performance{}, false
	}
	return *p, true
}

// between adds up what the parts of a volume did; nil when no figure is good.
func between(pairs []pair, reset Reset) *volume.Performance {
	var read, write total
	for _, p := range pairs {
		r, ok1 := p.work(p.was.Read, p.now.Read, reset)
		w, ok2 := p.work(p.was.Write, p.now.Write, reset)
		if !ok1 || !ok2 {
			switch reset {
			case CostsWindow:
				return nil
			case CostsSample:
				continue
			case CostsFigure:
			}
		}
		read.add(r, p.window().Seconds())
		write.add(w, p.window().Seconds())
	}
	p := performance(read, write)
	if p == (volume.Performance{}) {
		return nil
	}
	return &p
}

// Sum adds up what several did at the same time. A figure that one of them lacks would
// be too small: there is none.
func Sum(parts ...volume.Performance) volume.Performance {
	var read, write total
	for _, p := range parts {
		read.add(workOf(p.IOPSRead, p.BytesRead, p.LatencyReadUsec), 1)
		write.add(workOf(p.IOPSWrite, p.BytesWrite, p.LatencyWriteUsec), 1)
	}
	return performance(read, write)
}

// workOf is what was done in a second.
func workOf(iops, bytes, latency *float64) work {
	w := work{ops: iops, bytes: bytes, timed: iops}
	if iops != nil && latency != nil {
		w.usec = new(*iops * *latency)
	}
	return w
}

func performance(read, write total) volume.Performance {
	return volume.Performance{
		IOPSRead: read.iops.figure(), IOPSWrite: write.iops.figure(),
		BytesRead: read.bytes.figure(), BytesWrite: write.bytes.figure(),
		LatencyReadUsec:  Mean(read.usec.figure(), read.timed.figure()),
		LatencyWriteUsec: Mean(write.usec.figure(), write.timed.figure()),
	}
}

// total is what several parts did: operations and bytes a second, and microseconds
// of timed operations.
type total struct {
	iops, bytes, usec, timed sum
}

func (t *total) add(w work, seconds float64) {
	if w.timed != nil && *w.timed == 0 {
		w.usec = new(0.0) // no operations take no time, counted or not
	}
	t.iops.add(w.ops, seconds)
	t.bytes.add(w.bytes, seconds)
	t.usec.add(w.usec, 1)
	t.timed.add(w.timed, 1)
}

// sum adds figures up. One that is not counted makes the sum unknown.
type sum struct {
	n     float64
	added bool
	bad   bool
}

func (s *sum) add(n *float64, per float64) {
	if n == nil {
		s.bad = true
		return
	}
	s.n, s.added = s.n+*n/per, true
}

func (s *sum) figure() *float64 {
	if s.bad || !s.added {
		return nil
	}
	return new(s.n)
}
