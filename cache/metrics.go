package cache

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what the cache does, by kind of source.
type Metrics struct {
	requests, hits, stale, foreign *prometheus.CounterVec
	duration                       *prometheus.HistogramVec
	stuck                          *prometheus.GaugeVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	count := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"kind"})
	}
	m := &Metrics{
		requests: count("storage_cache_requests_total", "Snapshots that readers asked for."),
		hits:     count("storage_cache_hits_total", "Requests answered by a snapshot put within the interval and a grace."),
		stale:    count("storage_cache_stale_total", "Requests answered by an older snapshot that is still alive, which started a refresh."),
		foreign:  count("storage_cache_foreign_snapshots_total", "Snapshots of another origin, such as another host's drive, found under our keys and not used."),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "storage_observe_duration_seconds",
			Help:    "Length of the observations, in seconds; one that timed out counts with its timeout.",
			Buckets: []float64{0.001, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30},
		}, []string{"kind"}),
		stuck: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "storage_observe_stuck",
			Help: "Observations that outlived their timeout and have not returned.",
		}, []string{"kind"}),
	}
	reg.MustRegister(m.requests, m.hits, m.stale, m.foreign, m.duration, m.stuck)
	return m
}

// Stuck counts one more (delta 1) or one fewer (-1) stuck observation of a kind,
// for a package that guards calls into the kernel by itself.
func (m *Metrics) Stuck(kind string, delta int) {
	m.stuck.WithLabelValues(kind).Add(float64(delta))
}

// kindMetrics are the metrics of one kind, looked up once for each source.
type kindMetrics struct {
	requests, hits, stale, foreign prometheus.Counter
	duration                       prometheus.Observer
	stuck                          prometheus.Gauge
}

func (m *Metrics) of(kind string) kindMetrics {
	return kindMetrics{
		requests: m.requests.WithLabelValues(kind),
		hits:     m.hits.WithLabelValues(kind),
		stale:    m.stale.WithLabelValues(kind),
		foreign:  m.foreign.WithLabelValues(kind),
		duration: m.duration.WithLabelValues(kind),
		stuck:    m.stuck.WithLabelValues(kind),
	}
}
