package cachestore

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics says whether stores answer, and how fast.
type Metrics struct {
	up       *prometheus.GaugeVec
	duration *prometheus.HistogramVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "storage_cache_store_up",
			Help: "Whether the last call of the cache store succeeded; 0 also while it is left alone after repeated failures.",
		}, []string{"store"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "storage_cache_store_duration_seconds",
			Help:    "How long calls of the cache store took, successful or not, in seconds.",
			Buckets: []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1},
		}, []string{"store", "op"}),
	}
	reg.MustRegister(m.up, m.duration)
	return m
}

// instrument measures a store; around a breaker it also sees what that refuses.
type instrument struct {
	name      string
	up        *prometheus.GaugeVec
	durations map[string]prometheus.Observer // by call
}

// NewInstrument wraps a store, which is called name (memory, file, redis) in
// the metrics. Whether it is up is not known before its first call.
func NewInstrument(store Store, name string, metrics *Metrics) Store {
	s := &instrument{name: name, up: metrics.up, durations: make(map[string]prometheus.Observer)}
	for _, op := range []string{"get", "set", "claim", "release", "ping"} {
		s.durations[op] = metrics.duration.WithLabelValues(name, op)
	}
	return &wrapped{store, s.measure}
}

// measure accounts for one call. What the breaker refused took no time of the
// store's, and what the caller did wrong or gave up says nothing about it.
func (s *instrument) measure(ctx context.Context, op string, call func(context.Context) error) error {
	start := time.Now()
	err := call(ctx)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errImpatient), errors.Is(err, ErrBusy),
		errors.Is(err, ErrTooLarge), errors.Is(err, ErrTTL), errors.Is(err, ErrClosed):
		return err
	case err == nil:
		s.up.WithLabelValues(s.name).Set(1)
	default:
		s.up.WithLabelValues(s.name).Set(0)
	}
	if !errors.Is(err, ErrOpen) {
		s.durations[op].Observe(time.Since(start).Seconds())
	}
	return err
}
