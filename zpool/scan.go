package zpool

import "cmp"

// current is the scan that a pool shows, of two that it has beside each other: one
// that runs before one that is paused, and that before the one that ended last; a
// resilver before any other that runs. Vdevs that are rebuilt at the same time are
// one resilver. nil is none.
func current(a, b *Scan) *Scan {
	switch {
	case a == nil || b == nil:
		return cmp.Or(a, b)
	case a.running() && b.running() && a.Function == Resilver && b.Function == Resilver:
		return a.and(b)
	case b.before(a):
		return b
	}
	return a
}

func (s *Scan) running() bool { return s.State == Scanning }

// unended says that it runs or is paused.
func (s *Scan) unended() bool { return s.running() || s.State == Paused }

func (s *Scan) before(o *Scan) bool {
	switch {
	case s.running() != o.running():
		return s.running()
	case s.running():
		return s.Function == Resilver
	case s.unended() != o.unended():
		return s.unended()
	}
	return s.EndTime.After(o.EndTime)
}

// and is both as one.
func (s *Scan) and(o *Scan) *Scan {
	both := Scan{
		Function: s.Function, State: s.State, StartTime: s.StartTime,
		ToExamine: sum(s.ToExamine, o.ToExamine), Examined: sum(s.Examined, o.Examined), Issued: sum(s.Issued, o.Issued),
		Processed: sum(s.Processed, o.Processed), Errors: sum(s.Errors, o.Errors),
	}
	if o.StartTime.Before(s.StartTime) {
		both.StartTime = o.StartTime
	}
	both.Done = done(both.Examined, both.ToExamine, nil)
	return &both
}

// sum is nil where one of the two is not known.
func sum(a, b *uint64) *uint64 {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}

// done is the share of what is to be read; what was skipped needs no reading.
func done(read, toExamine, skipped *uint64) *float64 {
	if read == nil || toExamine == nil {
		return nil
	}
	total := *toExamine
	if skipped != nil {
		total -= min(total, *skipped)
	}
	if total == 0 {
		return nil
	}
	// What is written meanwhile is read as well: the figures may pass the total.
	return new(min(float64(*read)/float64(total), 1))
}
