package rates

// Mean is the mean time of one operation; nil when there was none, or one of both
// is not known.
func Mean(spent, ops *float64) *float64 {
	if spent == nil || ops == nil || *ops <= 0 {
		return nil
	}
	return new(*spent / *ops)
}

// Latency is a mean as a vendor shows it; nil without operations, where vendors
// write 0.
func Latency(mean, ops *float64) *float64 {
	if ops == nil || *ops <= 0 {
		return nil
	}
	return mean
}

// maxError is the part of a latency that may be wrong.
const maxError = 0.2

// spent is the time of the operations between two readings, in microseconds,
// worked out of the two means of everything before: n·mean is what they took. Each
// mean is cut to whole microseconds, so that the latency is wrong by up to
// (n0+n1)/(n1-n0) of them: nil where that is more than a fifth of it.
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
