package assess

import (
	"cmp"

	"storage_exporter/smart/report"
)

// Figures are numbers that compare drives of all protocols. What a drive does not report
// is nil.
type Figures struct {
	// WearPercent is how much of the flash's rated life is used; it may exceed 100.
	WearPercent *float64
	// Errors are the sectors that the drive has lost or replaced, and the reads and
	// writes that failed for good.
	Errors *float64
	// TemperatureLimit is the lowest of the drive's own, in degrees Celsius.
	TemperatureLimit *float64
}

// FiguresOf takes the figures from a report.
func FiguresOf(r *report.Report) Figures {
	v := view{Report: r}
	f := Figures{WearPercent: v.wear()}
	for _, l := range v.temperatureLimits() {
		if l.sensible() && (f.TemperatureLimit == nil || *l.at < *f.TemperatureLimit) {
			f.TemperatureLimit = l.at
		}
	}
	for _, n := range v.errors() {
		if n == nil {
			continue
		}
		if f.Errors == nil {
			f.Errors = new(0.0)
		}
		*f.Errors += *n
	}
	return f
}

// errors are counts of different sectors, reads and writes. Those of 197 and 198 are
// mostly the same sectors.
func (v view) errors() []*float64 {
	waiting := cmp.Or(v.attributeCount(197), v.PendingDefects)
	if found := v.attributeCount(198); found != nil && (waiting == nil || *waiting < *found) {
		waiting = found
	}
	counts := []*float64{waiting, v.attributeCount(5), v.attributeCount(187)}
	if v.NVMe != nil && v.NVMe.Health != nil {
		counts = append(counts, v.NVMe.Health.MediaErrors)
	}
	if s := v.SCSI; s != nil {
		counts = append(counts, s.GrownDefects)
		for _, c := range []*report.ErrorCounter{s.Read, s.Write, s.Verify} {
			if c != nil {
				counts = append(counts, c.TotalUncorrected)
			}
		}
	}
	return counts
}

// attributeCount is the count of one of the counters, nil where it is not known.
func (v view) attributeCount(id int) *float64 {
	for i := range counters {
		if counters[i].id == id {
			return v.counted(&counters[i])
		}
	}
	return nil
}
