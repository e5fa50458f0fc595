package collector

import "github.com/prometheus/client_golang/prometheus"

// family is one metric family: what stands in HELP and TYPE, and the names of
// its labels in the order in which sink.add takes their values.
type family struct {
	name   string
	help   string
	kind   prometheus.ValueType // of a gauge or a counter
	labels []string
	bounds []float64 // of a histogram's buckets, in order and without +Inf; nil: it is none
}

// sink takes series. The values come in the order of the family's labels. A
// label value from outside may hold anything: the sink cleans it to valid
// UTF-8, and drops and counts a series that it already has.
type sink interface {
	add(f *family, value float64, labelValues ...string)
	addHistogram(f *family, h *distribution, labelValues ...string)
}

// distribution is one histogram of a family: what was counted up to each of its
// bounds, in all, and the sum of the values.
type distribution struct {
	upTo  []uint64
	count uint64
	sum   float64
}

// part is the series of one thing, such as a drive or a volume.
type part struct {
	// id names the thing, unique within its collector.
	id string
	// version is comparable with ==; as long as it stays the same, emit sends
	// the same series, which may then be remembered. nil is never remembered.
	version any
	// emit sends the series. It does no I/O and must not block.
	emit func(sink)
}

// gauge and counter make families; the name is written whole, so that it can be
// found by searching for it.
func gauge(name, help string, labels ...string) *family {
	return &family{name: name, help: help, kind: prometheus.GaugeValue, labels: labels}
}

func counter(name, help string, labels ...string) *family {
	return &family{name: name, help: help, kind: prometheus.CounterValue, labels: labels}
}

func histogram(name, help string, bounds []float64, labels ...string) *family {
	return &family{name: name, help: help, bounds: bounds, labels: labels}
}
