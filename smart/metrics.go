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
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{observations: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "jbod_drive_observe_total",
		Help: "Observations of the drive by this process; that of a sleeping drive, which is not woken, is a success.",
	}, []string{"device", "status"})}
	reg.MustRegister(m.observations)
	return m
}

// tally counts the observations of one drive for as long as it is monitored.
type tally struct {
	metrics *Metrics
	label   string

	mu     sync.Mutex // guards closed: no series comes back after the drive is forgotten
	closed bool
}

func (m *Metrics) of(label string) *tally {
	m.observations.WithLabelValues(label, "success")
	m.observations.WithLabelValues(label, "failure")
	return &tally{metrics: m, label: label}
}

func (t *tally) count(err error) {
	status := "success"
	if err != nil && !errors.Is(err, cache.ErrNothing) {
		status = "failure"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.metrics.observations.WithLabelValues(t.label, status).Inc()
	}
}

// close drops the series, unless another drive goes on under the label.
func (t *tally) close(replaced bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if !replaced {
		t.metrics.observations.DeletePartialMatch(prometheus.Labels{"device": t.label})
	}
}
