package zpool

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The lines of a scan, their blanks made one each. (mirror-0) is what a
// sequential rebuild names.
var (
	scanFinished = regexp.MustCompile(`^(scrub repaired|resilvered|resilver repaired)(?: \(.*?\))? (\S+) .*?in ((?:\d+ days )?[0-9hms:]+) with (\d+) errors on (.*)$`)
	errorsRead   = regexp.MustCompile(`^scrubbed \d+ error blocks in ((?:\d+ days )?[0-9hms:]+) on (.*)$`)
	scanRunning  = regexp.MustCompile(`^(scrub|resilver|error scrub)(?: \(.*?\))? in progress since (\w+ \w+ \d+ [0-9:]+ \d+)(.*)$`)
	scanPaused   = regexp.MustCompile(`^(scrub|error scrub) paused since \w+ \w+ \d+ [0-9:]+ \d+ (?:error )?scrub started on (\w+ \w+ \d+ [0-9:]+ \d+)(.*)$`)
	scanCanceled = regexp.MustCompile(`^(scrub|resilver|error scrub)(?: \(.*?\))? canceled on (.*)$`)

	scanned   = regexp.MustCompile(`\b([0-9.]+[A-Z]*)(?: / ([0-9.]+[A-Z]*))? scanned\b`)
	issued    = regexp.MustCompile(`\b([0-9.]+[A-Z]*)(?: / ([0-9.]+[A-Z]*))? issued\b`)
	total     = regexp.MustCompile(`\b([0-9.]+[A-Z]*) total\b|\bscanned out of ([0-9.]+[A-Z]*)`)
	processed = regexp.MustCompile(`\b([0-9.]+[A-Z]*) (?:repaired|resilvered)\b`)
	percent   = regexp.MustCompile(`\b([0-9.]+)% done`)

	clockSpan = regexp.MustCompile(`^(?:(\d+) days )?(\d+):(\d\d):(\d\d)$`)
	hoursSpan = regexp.MustCompile(`^(\d+)h(\d+)m$`)
)

// textScan reads the field scan; nil if there was none.
func textScan(text string) *Scan {
	if m := scanFinished.FindStringSubmatch(text); m != nil {
		s := &Scan{Function: Resilver, Processed: parseCount(m[2]), Errors: parseCount(m[4])}
		if strings.HasPrefix(m[1], "scrub") {
			s.Function = Scrub
		}
		return s.finished(m[3], m[5])
	}
	if m := errorsRead.FindStringSubmatch(text); m != nil {
		return (&Scan{Function: ErrorScrub}).finished(m[1], m[2])
	}
	if m := scanRunning.FindStringSubmatch(text); m != nil {
		return scanFigures(&Scan{Function: textFunction(m[1]), State: Scanning, StartTime: textTime(m[2])}, m[3])
	}
	if m := scanPaused.FindStringSubmatch(text); m != nil {
		return scanFigures(&Scan{Function: textFunction(m[1]), State: Paused, StartTime: textTime(m[2])}, m[3])
	}
	if m := scanCanceled.FindStringSubmatch(text); m != nil {
		return &Scan{Function: textFunction(m[1]), State: Canceled, EndTime: textTime(m[2])}
	}
	return nil
}

// finished reads how long a scan took and when it ended.
func (s *Scan) finished(span, end string) *Scan {
	s.State, s.EndTime = Finished, textTime(end)
	if d, ok := textSpan(span); ok && !s.EndTime.IsZero() {
		s.StartTime = s.EndTime.Add(-d)
	}
	return s
}

func textFunction(s string) ScanFunction {
	return ScanFunction(strings.ReplaceAll(s, " ", "_"))
}

// scanFigures reads how far a scan is.
func scanFigures(s *Scan, text string) *Scan {
	if m := scanned.FindStringSubmatch(text); m != nil {
		s.Examined, s.ToExamine = parseCount(m[1]), parseCount(m[2])
	}
	if m := issued.FindStringSubmatch(text); m != nil {
		s.Issued = parseCount(m[1])
	}
	if m := total.FindStringSubmatch(text); m != nil && s.ToExamine == nil {
		s.ToExamine = parseCount(m[1] + m[2])
	}
	if m := processed.FindStringSubmatch(text); m != nil {
		s.Processed = parseCount(m[1])
	}
	if m := percent.FindStringSubmatch(text); m != nil {
		if v, err := strconv.ParseFloat(m[1], 64); err == nil {
			ratio := min(v/100, 1)
			s.Done = &ratio
		}
	}
	return s
}

// textTime reads a date as ctime has it. zpool runs with the time zone UTC.
func textTime(s string) time.Time {
	t, err := time.Parse("Mon Jan 2 15:04:05 2006", oneLine(s))
	if err != nil || t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}

func textSpan(s string) (time.Duration, bool) {
	var days, hours, minutes, seconds string
	if m := clockSpan.FindStringSubmatch(s); m != nil {
		days, hours, minutes, seconds = m[1], m[2], m[3], m[4]
	} else if m := hoursSpan.FindStringSubmatch(s); m != nil {
		hours, minutes = m[1], m[2]
	} else {
		return 0, false
	}
	var span time.Duration
	for _, part := range []struct {
		digits string
		unit   time.Duration
	}{{days, 24 * time.Hour}, {hours, time.Hour}, {minutes, time.Minute}, {seconds, time.Second}} {
		if part.digits == "" {
			continue
		}
		n, err := strconv.Atoi(part.digits)
		if err != nil || n > 1e5 {
			return 0, false
		}
		span += time.Duration(n) * part.unit
	}
	return span, true
}
