package exposition

import "github.com/prometheus/client_golang/prometheus"

// Why a series was dropped.
const (
	droppedDuplicate = "duplicate" // another series of the page has the same name and labels
	droppedInvalid   = "invalid"   // of no family of its collector, or with a wrong number of labels
)

// Metrics counts what a scrape had to leave out.
type Metrics struct {
	dropped *prometheus.CounterVec // by collector and reason
	panics  *prometheus.CounterVec // by collector
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "storage_scrape_dropped_series_total",
			Help: "Series left out of a page because they were invalid or duplicates of another, counted for each page.",
		}, []string{"collector", "reason"}),
		panics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "storage_scrape_collector_panics_total",
			Help: "Panics in a collector; each cost what was being read or encoded.",
		}, []string{"collector"}),
	}
	reg.MustRegister(m.dropped, m.panics)
	return m
}

// start makes the collector's counters exist.
func (m *Metrics) start(collector string) {
	m.dropped.WithLabelValues(collector, droppedDuplicate)
	m.dropped.WithLabelValues(collector, droppedInvalid)
	m.panics.WithLabelValues(collector)
}
