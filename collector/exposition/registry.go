package exposition

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Describe sends the descriptors of all families, those about the scrape
// included.
func (e *Exporter) Describe(ch chan<- *prometheus.Desc) {
	(&scrape{layout: e.layout.Load()}).Describe(ch)
}

// Collect reads all collectors within a scrape's default deadline and sends
// what they have.
func (e *Exporter) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), e.cfg.Timeout)
	defer cancel()
	l := e.layout.Load()
	all := make([]int, len(l.collectors))
	for i := range all {
		all[i] = i
	}
	(&scrape{layout: l, collectors: all, outcomes: e.gather(ctx, l, all), metrics: e.cfg.Metrics, logger: e.cfg.Logger}).Collect(ch)
}

// scrape is the outcome of one gather as a prometheus.Collector.
type scrape struct {
	layout     *layout
	collectors []int
	outcomes   []outcome
	metrics    *Metrics
	logger     *slog.Logger
}

func (s *scrape) Describe(ch chan<- *prometheus.Desc) {
	ch <- successFamily.desc
	ch <- durationFamily.desc
	for i := range s.layout.families {
		ch <- s.layout.families[i].desc
	}
}

func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	sink := newMetricSink(ch)
	for _, i := range s.collectors {
		c, o := s.layout.collectors[i], &s.outcomes[i]
		sink.dropped = 0
		for j := range o.parts {
			sink.emit(c, &o.parts[j], s.logger)
		}
		s.metrics.dropped.WithLabelValues(c.Name(), droppedDuplicate).Add(float64(sink.dropped))
		for _, f := range []*textFamily{durationFamily, successFamily} {
			ch <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, o.value(f), c.Name())
		}
	}
}
