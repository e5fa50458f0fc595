package assess

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"storage_exporter/smart/report"
)

// counter is an attribute whose raw value is a number of bad things.
type counter struct {
	id        int
	one, many string
	// names are parts of the name that smartctl has for the attribute where it
	// means this, in lower case: vendors of SSDs use the numbers otherwise.
	names []string
	// word says that the count is the lowest 16 bits of the raw value. Seagate
	// packs three counts into 188, and several vendors others into 5 and 196,
	// which smartctl shows as "12 (3 4)".
	word  bool
	rates []rate
}

// rate is how many disks fail in a year whose count lies within from and to,
// both included, as a fraction.
type rate struct{ from, to, annual float64 }

// counters are the attributes that Scrutiny calls critical, but for 201, which
// has no settled meaning. The rates are Backblaze's as it publishes them; they
// are of hard disks of many models taken together, and what lies between two of
// them is not known better than as beyond the lower one.
var counters = []counter{
	{id: 5, one: "reallocated sector", many: "reallocated sectors", names: []string{"reallocat", "retired"}, word: true,
		rates: []rate{{0, 0, .025}, {1, 4, .027}, {5, 16, .075}, {17, 70, .236}}},
	{id: 10, one: "retried spin-up", many: "retried spin-ups", names: []string{"spin_retry"}},
	{id: 184, one: "end-to-end error", many: "end-to-end errors", names: []string{"end-to-end", "end_to_end"}},
	{id: 187, one: "reported uncorrectable error", many: "reported uncorrectable errors", names: []string{"uncorrect"},
		rates: []rate{{0, 0, .028}, {1, 1, .34}, {4, 6, .50}, {36, 65, 1.4}}},
	{id: 188, one: "command timeout", many: "command timeouts", names: []string{"command_timeout"}, word: true,
		rates: []rate{{0, 100, .025}, {101, math.MaxUint16, .10}}},
	{id: 196, one: "reallocation event", many: "reallocation events", names: []string{"reallocat"}, word: true},
	{id: 197, one: "pending sector", many: "pending sectors", names: []string{"pending_sect"},
		rates: []rate{{0, 0, .026}, {2, 2, .34}, {3, 6, .68}, {41, 100, 1.7}}},
	{id: 198, one: "offline uncorrectable sector", many: "offline uncorrectable sectors", names: []string{"uncorrect"},
		rates: []rate{{0, 0, .029}, {1, 2, .81}, {3, 4, 1.1}}},
}

// maxCount is what no drive counts to: such a raw value is something else.
const maxCount = 1 << 32

// attribute is the rule of a counter.
func attribute(id int) func(view) finding {
	var c *counter
	for i := range counters {
		if counters[i].id == id {
			c = &counters[i]
		}
	}
	return func(v view) finding { return v.counter(c) }
}

func (v view) counter(c *counter) finding {
	count := v.counted(c)
	switch {
	case count == nil:
		return nothing
	case *count < v.limit:
		return fine(count)
	}
	n := *count
	text := fmt.Sprintf("%s (id %d)", quantity(n, c.one, c.many), c.id)
	if v.RotationRate == nil || v.flash() {
		return speaks(Warning, n, "%s", text) // the rates are of disks that turn
	}
	annual, note := c.annual(n)
	severity := Warning
	if v.failingRate >= 0 && annual > 0 && annual*100 >= v.failingRate {
		severity = Failing
	}
	return speaks(severity, n, "%s%s", text, note)
}

// counted is the counter of the drive, nil where it is not known.
func (v view) counted(c *counter) *float64 {
	if v.ATA == nil || v.flash() && v.ATA.InDatabase != nil && !*v.ATA.InDatabase {
		return nil // the names of an unknown SSD's attributes are smartctl's guess
	}
	for i := range v.ATA.Attributes {
		if a := &v.ATA.Attributes[i]; a.ID == c.id {
			if n, ok := c.read(a); ok {
				return &n
			}
			return nil
		}
	}
	return nil
}

// read is the attribute's count; false where it means something else.
func (c *counter) read(a *report.Attribute) (float64, bool) {
	if a.Raw == nil || *a.Raw < 0 || !c.means(a.Name) {
		return 0, false
	}
	n := math.Floor(*a.Raw)
	if c.word {
		n = math.Mod(n, 1<<16)
	}
	return n, n < maxCount
}

func (c *counter) means(name string) bool {
	name = strings.ToLower(name)
	for _, part := range c.names {
		if strings.Contains(name, part) {
			return true
		}
	}
	return name == ""
}

// annual is the published rate of a count, 0 if there is none, and how to say so,
// beside that of drives which count none.
func (c *counter) annual(n float64) (float64, string) {
	for i, r := range slices.Backward(c.rates) {
		if n < r.from || n > r.to && i == 0 {
			continue
		}
		only := ""
		if n > r.to {
			only = "only "
		}
		note, rest := fmt.Sprintf("of drives with %s%s, about %.3g %% fail within a year", only, r.counts(), r.annual*100), ""
		if r.annual >= 1 {
			note, rest = fmt.Sprintf("drives with %s%s last less than a year on average", only, r.counts()), " fail within a year"
		}
		if i > 0 {
			note += fmt.Sprintf("; of drives with %s, %.3g %%%s", c.rates[0].counts(), c.rates[0].annual*100, rest)
		}
		return r.annual, ": " + note
	}
	return 0, ""
}

// counts are the rate's in words.
func (r rate) counts() string {
	switch {
	case r.to == 0:
		return "none"
	case r.from == 0:
		return "up to " + figure(r.to)
	case r.from == r.to:
		return figure(r.from)
	case r.to == math.MaxUint16:
		return "more than " + figure(r.from-1)
	}
	return figure(r.from) + " to " + figure(r.to)
}

// flash says that the drive has no disks that turn.
func (v view) flash() bool {
	if v.RotationRate != nil {
		return *v.RotationRate == 0
	}
	return v.ATA != nil && v.ATA.TrimSupported != nil && *v.ATA.TrimSupported
}

// pending also counts what SAS drives and ATA's log of pending defects report.
func (v view) pending() finding {
	if f := attribute(197)(v); f.judged {
		return f
	}
	return v.count(v.PendingDefects, "sector waits to be reallocated", "sectors wait to be reallocated")
}

// failedNow and failedPast go by what smartctl says of the whole table.
func (v view) failedNow() finding {
	return v.failed(func(when string) bool { return when == "now" || when == "failing_now" }, func(a *report.Attribute) (Verdict, string) {
		severity := Warning
		if prefail(a) {
			severity = Failing
		}
		return severity, "is at or below its threshold now"
	})
}

func (v view) failedPast() finding {
	return v.failed(func(when string) bool { return when == "past" || when == "in_the_past" }, func(*report.Attribute) (Verdict, string) {
		return Warning, "was at or below its threshold once"
	})
}

func (v view) failed(when func(string) bool, say func(*report.Attribute) (Verdict, string)) finding {
	if v.ATA == nil || len(v.ATA.Attributes) == 0 {
		return nothing
	}
	f := well
	for i := range v.ATA.Attributes {
		a := &v.ATA.Attributes[i]
		if !when(strings.ToLower(a.WhenFailed)) {
			continue
		}
		severity, what := say(a)
		name := strings.TrimSpace(fmt.Sprintf("%d %s", a.ID, a.Name))
		text := fmt.Sprintf("attribute %s %s", name, what)
		if a.Value != nil && a.Worst != nil && a.Thresh != nil {
			text += fmt.Sprintf(" (value %s, worst %s, threshold %s)", figure(*a.Value), figure(*a.Worst), figure(*a.Thresh))
		}
		f.reasons = append(f.reasons, Reason{Severity: severity, Value: 1, Text: text})
	}
	return f
}

// prefail says whether the vendor takes the attribute for a sign of failure,
// rather than of age.
func prefail(a *report.Attribute) bool {
	return strings.HasPrefix(a.Flags, "P") || strings.HasPrefix(a.FlagsLong, "prefailure")
}
