package ddn

import (
	"errors"
	"math"
	"strings"
	"time"

	"storage_exporter/volume/mount"
	"storage_exporter/volume/rates"
)

// errNoStats says that a file is none of a client's statistics.
var errNoStats = errors.New("no snapshot_time: this is no statistics file of a Lustre client")

// stats is what one client has counted: a `stats` file of llite, in any of the
// formats of Lustre 2.10 to 2.15.
type stats struct {
	taken   time.Time // by the file itself
	started string    // since when it counts, as written; "" where it does not say
	elapsed uint64    // seconds that it has counted; 0 where it does not say

	read, write tally // calls and bytes
	// readTime and writeTime are calls and microseconds; older clients do not
	// count these.
	readTime, writeTime tally
}

// tally is one line: `name count samples [unit] min max sum sumsq`.
type tally struct {
	listed bool // a line for what never happened is missing
	unit   string
	count  *uint64
	sum    *uint64 // nil where only calls are counted
}

// parseStats reads what it knows and leaves every other line alone. The header
// must be there: without it a missing line does not mean that nothing happened.
func parseStats(content []byte) (stats, error) {
	var s stats
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch name := strings.TrimSuffix(fields[0], ":"); name {
		case "snapshot_time":
			s.taken = parseTime(fields[1])
		case "start_time":
			s.started = fields[1]
		case "elapsed_time":
			whole, _, _ := strings.Cut(fields[1], ".")
			if n := mount.Count(whole); n != nil {
				s.elapsed = *n
			}
		case "read_bytes":
			s.read = parseTally(fields)
		case "write_bytes":
			s.write = parseTally(fields)
		case "read":
			s.readTime = parseTally(fields)
		case "write":
			s.writeTime = parseTally(fields)
		}
	}
	if s.taken.IsZero() {
		return stats{}, errNoStats
	}
	return s, nil
}

func parseTally(fields []string) tally {
	t := tally{listed: true}
	if len(fields) < 4 || fields[2] != "samples" {
		return t
	}
	t.unit, t.count = strings.Trim(fields[3], "[]"), mount.Count(fields[1])
	if len(fields) > 6 {
		t.sum = mount.Count(fields[6])
	}
	return t
}

// parseTime reads `secs.nsecs`, or `secs.usecs` of older clients; zero when it is neither.
func parseTime(text string) time.Time {
	whole, fraction, _ := strings.Cut(text, ".")
	fraction = (fraction + "000000000")[:9]
	seconds, nanoseconds := mount.Count(whole), mount.Count(fraction)
	if seconds == nil || nanoseconds == nil || *seconds == 0 || *seconds > math.MaxInt32*100 {
		return time.Time{}
	}
	return time.Unix(int64(*seconds), int64(*nanoseconds))
}

// counters are what was done, and the time of it. Calls and their bytes are counted
// apart from calls and their time: a call that moves nothing is in one of them
// only. What never happened is zero. A line of times that is missing is zero only
// where no call was counted otherwise: older clients never have it. Some clients
// have the times only: those are of the same calls, whose bytes are not known.
func counters(calls, times tally) rates.Counters {
	c := rates.Counters{Ops: calls.count}
	switch {
	case !calls.listed && times.listed:
		c.Ops = times.count
	case !calls.listed:
		c.Ops, c.Bytes = new(uint64), new(uint64)
	case calls.unit == "bytes":
		c.Bytes = calls.sum
	}
	switch {
	case !times.listed && !calls.listed:
		c.Timed, c.Time = new(uint64), new(uint64)
	case times.count != nil && (times.unit == "usec" || times.unit == "usecs"):
		c.Timed, c.Time = times.count, times.sum
	}
	return c
}
