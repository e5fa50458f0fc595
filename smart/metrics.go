package smart

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
)

// Metrics counts the observations of drives.
type Metrics struct {
	observations *prometheus.CounterVec
	leftOut      *prometheus.GaugeVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{observations: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "jbod_drive_observe_total",
		Help: "Observations of the drive by this process; that of a sleeping drive, which is not woken, is a success.",
	}, []string{"device", "status"})}
	m.leftOut = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "jbod_drives_left_out",
		Help: "Devices that were found and are not monitored: virtual disks, which have no health of their own, and drives beyond the limit of one exporter.",
	}, []string{"reason"})
	reg.MustRegister(m.observations, m.leftOut)
	return m
}

// setLeftOut is called with each list.
func (m *Metrics) setLeftOut(virtual, beyond int) {
	m.leftOut.WithLabelValues("virtual").Set(float64(virtual))
	m.leftOut.WithLabelValues("limit").Set(float64(beyond))
}

// tally counts the observations of one drive for as long as it is monitored.
type tally struct {
	metrics *Metrics

	mu     sync.Mutex // guards the fields below
	label  string
	counts map[string]float64 // by status
	closed bool               // no series comes back after the drive is forgotten
}

func (m *Metrics) of(label string) *tally {
	t := &tally{metrics: m, counts: map[string]float64{"success": 0, "failure": 0}}
	t.rename(label)
	return t
}

func (t *tally) count(err error) {
	status := "success"
	if err != nil && !errors.Is(err, cache.ErrNothing) {
		status = "failure"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.counts[status]++
		t.metrics.observations.WithLabelValues(t.label, status).Inc()
	}
}

// rename goes on counting under another label.
func (t *tally) rename(label string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || label == t.label {
		return
	}
	t.drop()
	t.label = label
	for status, n := range t.counts {
		t.metrics.observations.WithLabelValues(label, status).Add(n)
	}
}

// close drops the series, unless another drive goes on under the label.
func (t *tally) close(goesOn bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if !goesOn {
		t.drop()
	}
}

// drop is called with t.mu held.
func (t *tally) drop() {
	for status := range t.counts { // one by one: a partial match looks at the series of all drives
		t.metrics.observations.DeleteLabelValues(t.label, status)
	}
}
