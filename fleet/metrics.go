package fleet

import "github.com/prometheus/client_golang/prometheus"

// Metrics count nodes, and digests that were not used.
type Metrics struct {
	nodes   *prometheus.GaugeVec
	dropped prometheus.Counter
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		nodes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "storage_fleet_nodes", Help: "Nodes of the fleet by their state, when the store was last read.",
		}, []string{"state"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "storage_fleet_digests_dropped_total", Help: "Names, digests and overviews of nodes that were read and not used.",
		}),
	}
	reg.MustRegister(m.nodes, m.dropped)
	return m
}

// show takes over the counts of a fleet; nil: it could not be read.
func (m *Metrics) show(f *Fleet) {
	if f == nil {
		m.nodes.Reset()
		return
	}
	m.nodes.WithLabelValues(string(Live)).Set(float64(f.Totals.Nodes.Live))
	m.nodes.WithLabelValues(string(Silent)).Set(float64(f.Totals.Nodes.Silent))
	m.nodes.WithLabelValues(string(Unknown)).Set(float64(f.Totals.Nodes.Unknown))
}
