package zpool

import "time"

// jsonScan reads what a pool's statistics have beside each other: the last scrub or
// resilver, the last scrub of errors, and the last sequential rebuild of each
// top-level vdev. It passes over what zpool's own text leaves out.
func jsonScan(n node) *Scan {
	s, errors := mainScan(n), errorScan(n)
	if s != nil && errors != nil {
		switch later := s.StartTime.After(errors.StartTime); {
		case s.StartTime.IsZero() || errors.StartTime.IsZero():
		case later:
			errors = nil
		case s.Function == Scrub:
			s = nil
		}
	}
	if s = current(s, errors); s != nil && s.Function == Resilver && s.State == Scanning {
		return s
	}
	_ = n.get("rebuild_stats").members(func(_ string, vdev node) error {
		s = current(s, rebuild(vdev))
		return nil
	})
	return s
}

func mainScan(n node) *Scan {
	s := Scan{
		State: jsonState(n.get("state"), n.get("scrub_pause"), n.get("pass_scrub_pause")), StartTime: jsonTime(n.get("start_time")), EndTime: jsonTime(n.get("end_time")),
		ToExamine: n.get("to_examine").count(), Examined: n.get("examined").count(), Issued: n.get("issued").count(),
		Processed: n.get("processed").count(), Errors: n.get("errors").count(),
	}
	switch n.get("function").str() {
	case "SCRUB":
		s.Function = Scrub
	case "RESILVER", "REBUILD":
		s.Function = Resilver
	case "ERRORSCRUB":
		s.Function = ErrorScrub
	}
	return s.whole(done(s.Issued, s.ToExamine, n.get("skipped").count()))
}

// errorScan is of blocks, not bytes; what is to be examined is what is left.
func errorScan(n node) *Scan {
	s := Scan{
		State: jsonState(n.get("err_scrub_state"), n.get("err_scrub_pause")), StartTime: jsonTime(n.get("err_scrub_start_time")), EndTime: jsonTime(n.get("err_scrub_end_time")),
	}
	if n.get("err_scrub_func").str() == "ERRORSCRUB" {
		s.Function = ErrorScrub
	}
	examined := n.get("err_scrub_examined").count()
	return s.whole(done(examined, sum(examined, n.get("err_scrub_to_examine").count()), nil))
}

func rebuild(n node) *Scan {
	s := Scan{
		Function: Resilver, State: jsonState(n.get("state")), StartTime: jsonTime(n.get("start_time")), EndTime: jsonTime(n.get("end_time")),
		ToExamine: n.get("to_scan").count(), Examined: n.get("scanned").count(), Issued: n.get("issued").count(),
		Processed: n.get("rebuilt").count(), Errors: n.get("errors").count(),
	}
	return s.whole(done(s.Examined, s.ToExamine, nil))
}

// jsonState is empty for none. What is paused has the time of that.
func jsonState(state node, pauses ...node) ScanState {
	switch state.str() {
	case "SCANNING", "ERRORSCRUBBING", "ACTIVE":
		for _, pause := range pauses {
			if !jsonTime(pause).IsZero() {
				return Paused
			}
		}
		return Scanning
	case "FINISHED", "COMPLETE":
		return Finished
	case "CANCELED":
		return Canceled
	}
	return ""
}

// whole is the scan with how much of it is done; nil if there was none.
func (s Scan) whole(done *float64) *Scan {
	if s.Function == "" || s.State == "" {
		return nil
	}
	if s.unended() {
		s.EndTime = time.Time{} // of the scan before
		s.Done = done
	}
	return &s
}

// jsonTime reads Unix seconds or, without --json-int, a date. Zero: none.
func jsonTime(n node) time.Time {
	seconds := n.count()
	if seconds == nil {
		return textTime(n.str())
	}
	if *seconds == 0 || *seconds > maxSeconds {
		return time.Time{}
	}
	return time.Unix(int64(*seconds), 0).UTC()
}

// maxSeconds is the end of the year 9999: later times cannot be encoded.
const maxSeconds = 253402300799
