package event

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what was sent.
type Metrics struct {
	events     *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	pending    *prometheus.GaugeVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "storage_events_total",
			Help: "Changes of state that this process sent, by the kind of the subject and its new state. Of several replicas one sends a change.",
		}, []string{"subject", "state"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "storage_webhook_deliveries_total",
			Help: "Events that a webhook is done with, by outcome: delivered, failed (refused for good) or dropped (a newer state took its place, the queue was full, or it was too old).",
		}, []string{"webhook", "outcome"}),
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "storage_webhook_pending",
			Help: "Events that wait for a webhook.",
		}, []string{"webhook"}),
	}
	for kind, all := range states {
		for _, state := range all {
			m.events.WithLabelValues(string(kind), state)
		}
	}
	reg.MustRegister(m.events, m.deliveries, m.pending)
	return m
}

// stateLabel is a state as a label: what is none of the kind's is unknown.
func stateLabel(k Kind, state string) string {
	if slices.Contains(states[k], state) {
		return state
	}
	return "unknown"
}

// counter counts the outcomes of a webhook, an empty one being none, and shows how many
// events wait. The history has no series of its own.
func (m *Metrics) counter(webhook string) func(outcome string, waiting int) {
	if webhook == historyTarget {
		return func(string, int) {}
	}
	for _, outcome := range outcomes {
		m.deliveries.WithLabelValues(webhook, outcome)
	}
	m.pending.WithLabelValues(webhook).Set(0)
	return func(outcome string, waiting int) {
		if outcome != "" {
			m.deliveries.WithLabelValues(webhook, outcome).Inc()
		}
		m.pending.WithLabelValues(webhook).Set(float64(waiting))
	}
}

func (m *Metrics) remove(webhook string) {
	m.deliveries.DeletePartialMatch(prometheus.Labels{"webhook": webhook})
	m.pending.DeleteLabelValues(webhook)
}
