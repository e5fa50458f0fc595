package volume

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
)

// Metrics counts the observations of the volumes and what came of them.
type Metrics struct {
	observations *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	transitions  *prometheus.CounterVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		observations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "backendai_storage_volume_stats_observe_total",
			Help: "Performance observations of the volume by this process; success includes those that had no sample yet.",
		}, []string{"volume", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "backendai_storage_volume_stats_observe_duration_seconds",
			Help:    "Length of the performance observations that covered the volume, in seconds.",
			Buckets: []float64{0.1, 0.5, 1, 2, 5, 10, 30},
		}, []string{"volume"}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "backendai_storage_volume_health_transitions_total",
			Help: "Changes of the volume's health that this process saw, by the new status.",
		}, []string{"volume", "status"}),
	}
	reg.MustRegister(m.observations, m.duration, m.transitions)
	return m
}

// watch keeps one volume's series for as long as the volume is configured, while
// its Backend may come and go. A late observation of a volume that is gone leaves
// no series behind.
type watch struct {
	metrics *Metrics
	volume  string
	log     *slog.Logger

	mu        sync.Mutex // guards the fields below
	supported bool       // the performance series exist
	gone      bool
	status    Status
}

// watch finds or makes the volume's watch.
func (s *Set) watch(volume string, supported bool) *watch {
	w := s.watches[volume]
	if w == nil {
		w = &watch{metrics: s.cfg.Metrics, volume: volume, log: s.cfg.Logger.With("volume", volume)}
		for _, status := range Statuses {
			if status != Unknown { // which no check finds
				w.metrics.transitions.WithLabelValues(volume, string(status))
			}
		}
		s.watches[volume] = w
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.support(supported)
	return w
}

// support adds or takes away the performance series; w.mu is held.
func (w *watch) support(supported bool) {
	switch {
	case supported && !w.supported:
		w.metrics.observations.WithLabelValues(w.volume, "success")
		w.metrics.observations.WithLabelValues(w.volume, "failure")
	case !supported && w.supported:
		w.metrics.observations.DeletePartialMatch(prometheus.Labels{"volume": w.volume})
		w.metrics.duration.DeleteLabelValues(w.volume)
	}
	w.supported = supported
}

// observed counts a performance observation.
func (w *watch) observed(err error, elapsed time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return
	}
	w.support(!errors.Is(err, ErrUnsupported))
	if !w.supported {
		return
	}
	status := "success"
	if err != nil && !errors.Is(err, cache.ErrNothing) {
		status = "failure"
	}
	w.metrics.observations.WithLabelValues(w.volume, status).Inc()
	w.metrics.duration.WithLabelValues(w.volume).Observe(elapsed.Seconds())
}

// health counts and logs a change. The first status is none.
func (w *watch) health(h *Health) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.status
	if w.gone || h.Status == before {
		return
	}
	w.status = h.Status
	level := slog.LevelWarn
	if h.Status == Healthy {
		level = slog.LevelInfo
	}
	if before == "" {
		if h.Status != Healthy {
			w.log.Warn("volume is not healthy", "status", h.Status, "status_info", h.Info)
		}
		return
	}
	w.metrics.transitions.WithLabelValues(w.volume, string(h.Status)).Inc()
	w.log.Log(context.Background(), level, "volume health has changed", "status", h.Status, "before", before, "status_info", h.Info)
}

// forget takes the volume's series away for good.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	w.support(false)
	w.metrics.transitions.DeletePartialMatch(prometheus.Labels{"volume": w.volume})
}
