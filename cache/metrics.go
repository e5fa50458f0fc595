package cache

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what the cache does, by kind of source.
type Metrics struct{}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics { return &Metrics{} }
