package cachestore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics says whether stores answer, and how fast.
type Metrics struct {
	up       *prometheus.GaugeVec
	errors   *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "storage_cache_store_up",
			Help: "Whether the cache store can be used: 0 while reads or writes fail for whatever reason, or it is left alone after repeated failures.",
		}, []string{"store"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "storage_cache_store_errors_total",
			Help: "Calls of the cache store that failed, by reason: timeout, connection, auth, readonly, full or other.",
		}, []string{"store", "reason"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "storage_cache_store_duration_seconds",
			Help:    "How long calls of the cache store took, successful or not, in seconds.",
			Buckets: []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1},
		}, []string{"store", "op"}),
	}
	reg.MustRegister(m.up, m.errors, m.duration)
	return m
}

// instrument measures a store; around a breaker it also sees what that refuses.
type instrument struct {
	name      string
	metrics   *Metrics
	troubles  *troubles
	durations map[string]prometheus.Observer // by call
}

// NewInstrument wraps a store, which is called name (memory, file, redis) in
// the metrics. Whether it is up is not known before its first call. The logger is told
// when a trouble begins and when it ends; nil is none.
func NewInstrument(store Store, name string, metrics *Metrics, logger *slog.Logger) Store {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &instrument{name: name, metrics: metrics, troubles: newTroubles(logger), durations: make(map[string]prometheus.Observer)}
	for _, reason := range reasons {
		metrics.errors.WithLabelValues(name, reason)
	}
	for _, op := range ops {
		s.durations[op] = metrics.duration.WithLabelValues(name, op)
	}
	w := &wrapped{Store: store, around: s.measure, part: partial}
	s.troubles.nodeOf = w.nodeOf
	return w
}

// measure accounts for one call. What the breaker refused took no time of the
// store's, and what the caller did wrong or gave up says nothing about it.
func (s *instrument) measure(ctx context.Context, op string, keys []string, call func(context.Context) error) error {
	start := time.Now()
	err := call(ctx)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errImpatient), errors.Is(err, ErrBusy),
		errors.Is(err, ErrTooLarge), errors.Is(err, ErrTTL), errors.Is(err, ErrClosed), isLedgerError(op, err):
		return err
	}
	s.note(op, keys, err)
	if !errors.Is(err, ErrOpen) {
		s.durations[op].Observe(time.Since(start).Seconds())
	}
	return err
}

// partial is what is wrong with a read that brought some keys and not others, as where
// the rights are those of other keys. What is wrong with one key alone is no trouble.
func partial(keys []string, items []Item) error {
	for i, it := range items {
		if it.Err != nil && !IsKeyError(it.Err) {
			return &ofKey{keys[i], it.Err}
		}
	}
	return nil
}

func (s *instrument) note(op string, keys []string, err error) {
	usable := 0.0
	if s.troubles.note(op, keys, err) {
		usable = 1
	}
	s.metrics.up.WithLabelValues(s.name).Set(usable)
	if err != nil && !errors.Is(err, ErrOpen) {
		reason, _ := judge(err)
		s.metrics.errors.WithLabelValues(s.name, reason).Inc()
	}
}
