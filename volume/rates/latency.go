package rates

import "storage_exporter/volume"

// Mean is the mean time of one operation; nil when there was none, or either figure
// is not known.
func Mean(spent, ops *float64) *float64 {
	if spent == nil || ops == nil || *ops <= 0 {
		return nil
	}
	return new(*spent / *ops)
}

// Reported is what a vendor reports as rates and means, without the latencies where
// there were no operations: vendors write 0 then. volume.ErrNoSample says that no
// figure is left.
func Reported(p volume.Performance) (volume.Performance, error) {
	idle := func(ops *float64) bool { return ops == nil || *ops <= 0 }
	if idle(p.IOPSRead) {
		p.LatencyReadUsec = nil
	}
	if idle(p.IOPSWrite) {
		p.LatencyWriteUsec = nil
	}
	if p == (volume.Performance{}) {
		return p, volume.ErrNoSample
	}
	return p, nil
}

// maxError bounds the error of a latency, as a part of it.
const maxError = 0.2

// spent is the time of the operations between two readings, in microseconds. Each
// reading has the mean of all operations before: n·mean is what they took. A mean
// is cut to whole microseconds, so that the latency may be (n0+n1)/(n1-n0)
// microseconds too short or too long: nil where that is more than maxError of it.
func spent(was, now Counters) *float64 {
	if now.Ops == nil || was.Ops == nil || was.Mean == nil || *now.Ops <= *was.Ops {
		return nil
	}
	n0, n1 := float64(*was.Ops), float64(*now.Ops)
	usec := n1*float64(*now.Mean) - n0*float64(*was.Mean)
	if usec <= 0 || n0+n1 > maxError*usec {
		return nil
	}
	return &usec
}
