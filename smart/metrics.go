package smart

import "github.com/prometheus/client_golang/prometheus"

// Metrics are those of the list of drives.
type Metrics struct{ leftOut *prometheus.GaugeVec }

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{leftOut: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "jbod_drives_left_out",
		Help: "Devices that were found and are not monitored: virtual disks, which have no health of their own, and drives beyond the limit of one exporter.",
	}, []string{"reason"})}
	reg.MustRegister(m.leftOut)
	return m
}

// setLeftOut is called with each list.
func (m *Metrics) setLeftOut(virtual, beyond int) {
	m.leftOut.WithLabelValues("virtual").Set(float64(virtual))
	m.leftOut.WithLabelValues("limit").Set(float64(beyond))
}
