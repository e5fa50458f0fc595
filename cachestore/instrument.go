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
	store                          Store
	name                           string
	up                             *prometheus.GaugeVec
	get, set, claim, release, ping prometheus.Observer
}

// NewInstrument wraps a store, which is called name (memory, file, redis) in
// the metrics. Whether it is up is not known before its first call.
func NewInstrument(store Store, name string, metrics *Metrics) Store {
	op := func(op string) prometheus.Observer { return metrics.duration.WithLabelValues(name, op) }
	return &instrument{
		store: store, name: name, up: metrics.up,
		get: op("get"), set: op("set"), claim: op("claim"), release: op("release"), ping: op("ping"),
	}
}

// done accounts for one call that began at start. What the breaker refused
// took no time of the store's, and what the caller did wrong or gave up
// says nothing about it.
func (s *instrument) done(op prometheus.Observer, start time.Time, result *error) {
	switch err := *result; {
	case errors.Is(err, context.Canceled), errors.Is(err, errImpatient), errors.Is(err, ErrBusy),
		errors.Is(err, ErrTooLarge), errors.Is(err, ErrTTL), errors.Is(err, ErrClosed):
		return
	case err == nil:
		s.up.WithLabelValues(s.name).Set(1)
	default:
		s.up.WithLabelValues(s.name).Set(0)
	}
	if !errors.Is(*result, ErrOpen) {
		op.Observe(time.Since(start).Seconds())
	}
}

func (s *instrument) Get(ctx context.Context, keys ...string) (_ []Item, err error) {
	defer s.done(s.get, time.Now(), &err)
	return s.store.Get(ctx, keys...)
}

func (s *instrument) Changed(ctx context.Context, known ...Known) (_ []Item, err error) {
	defer s.done(s.get, time.Now(), &err)
	return s.store.Changed(ctx, known...)
}

func (s *instrument) Set(ctx context.Context, items ...SetItem) (err error) {
	defer s.done(s.set, time.Now(), &err)
	return s.store.Set(ctx, items...)
}

func (s *instrument) Claim(ctx context.Context, key, holder string, ttl time.Duration) (_ bool, err error) {
	defer s.done(s.claim, time.Now(), &err)
	return s.store.Claim(ctx, key, holder, ttl)
}

func (s *instrument) Release(ctx context.Context, key, holder string) (err error) {
	defer s.done(s.release, time.Now(), &err)
	return s.store.Release(ctx, key, holder)
}

func (s *instrument) Ping(ctx context.Context) (err error) {
	defer s.done(s.ping, time.Now(), &err)
	return s.store.Ping(ctx)
}

func (s *instrument) Close() error { return s.store.Close() }
