package exposition

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Family is one metric family: what stands in HELP and TYPE, and the names of
// its labels in the order in which Sink.Add takes their values. Only Families makes
// them.
type Family struct {
	name   string
	help   string
	kind   prometheus.ValueType // of a gauge or a counter
	labels []string
	bounds []float64 // of a histogram's buckets, in order and without +Inf; nil: it is none
}

// String is the family's name, type and labels, such as "jbod_slot_fault gauge
// enclosure slot".
func (f *Family) String() string {
	return strings.Join(append([]string{f.name, f.typeName()}, f.labels...), " ")
}

// typeName is what stands in TYPE.
func (f *Family) typeName() string {
	switch {
	case f.bounds != nil:
		return "histogram"
	case f.kind == prometheus.CounterValue:
		return "counter"
	}
	return "gauge"
}

// Families is the list of a subject's families. What it makes is on it, so that no
// family is emitted that the list has not.
type Families []*Family

// Gauge makes a family of gauges. The name is written whole, so that it can be
// found by searching for it.
func (l *Families) Gauge(name, help string, labels ...string) *Family {
	return l.add(Family{name: name, help: help, kind: prometheus.GaugeValue, labels: labels})
}

// Counter makes a family of counters.
func (l *Families) Counter(name, help string, labels ...string) *Family {
	return l.add(Family{name: name, help: help, kind: prometheus.CounterValue, labels: labels})
}

// Histogram makes a family of histograms with buckets up to the bounds, which are
// in order and without +Inf.
func (l *Families) Histogram(name, help string, bounds []float64, labels ...string) *Family {
	return l.add(Family{name: name, help: help, bounds: bounds, labels: labels})
}

func (l *Families) add(f Family) *Family {
	*l = append(*l, &f)
	return &f
}

// Sink takes series. The values come in the order of the family's labels. A
// label value from outside may hold anything: the sink cleans it to valid
// UTF-8, and drops and counts a series that it already has.
type Sink interface {
	Add(f *Family, value float64, labelValues ...string)
	AddHistogram(f *Family, h *Distribution, labelValues ...string)
}

// Distribution is one histogram of a family: what was counted up to each of its
// bounds, in all, and the sum of the values.
type Distribution struct {
	UpTo  []uint64
	Count uint64
	Sum   float64
}

// Part is the series of one thing, such as a drive or a volume.
type Part struct {
	// ID names the thing, unique within its collector.
	ID string
	// Version is comparable with ==; as long as it stays the same, Emit sends
	// the same series, which may then be remembered. nil is never remembered.
	Version any
	// Emit sends the series. It does no I/O and must not block.
	Emit func(Sink)
}
