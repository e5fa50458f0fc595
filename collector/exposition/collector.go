// Package exposition serves series in the formats of Prometheus. It knows no
// subject: a collector's source gives it parts, such as a drive, and a page is
// joined from the encoded text of those that did not change, and compressed.
package exposition

import (
	"context"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Source is what a collector is made of: one for drives, one for each volume
// backend, and so on.
type Source interface {
	// Name is that of the flag, of collect[] and of the label "collector".
	Name() string
	// Families are all that Read may emit; the same ones at every call. Their
	// order does not matter.
	Families() Families
	// Read gets the snapshots and returns the series that can be made of
	// them, in a stable order. It must obey ctx's deadline and return what it
	// has by then. ok is false if anything had nothing to show in time.
	// Scrapes with different deadlines may have several calls under way at once.
	Read(ctx context.Context) (parts []Part, ok bool)
}

// Collector is one collector: a prometheus.Collector of its own, and a part of
// an Exporter, which serves it far more cheaply. It must not be shared by two
// Exporters.
type Collector struct {
	source   Source
	families []*textFamily
	index    map[*Family]int // of families

	mu      sync.Mutex // guards flights
	flights []*flight  // the reads under way

	encoding sync.Mutex // guards memo
	memo     encoder
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector panics on a family that is not valid: that is a mistake in the
// source's own code.
func NewCollector(src Source) *Collector {
	c := &Collector{source: src, index: make(map[*Family]int)}
	for _, f := range src.Families() {
		c.index[f] = len(c.families)
		c.families = append(c.families, newTextFamily(f))
	}
	c.memo = encoder{collector: c}
	return c
}

// Name is the collector's name, as in --collector.<name>.
func (c *Collector) Name() string { return c.source.Name() }

// Describe sends the descriptors of the families that the collector may emit.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.families {
		ch <- f.desc
	}
}

// Collect reads the snapshots, waiting for what is missing at most as long as
// a scrape without a deadline would, and sends the series. What has nothing to
// show by then is left out. A bad or duplicate series is skipped.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), defaultTimeout)
	defer cancel()
	parts, _ := c.source.Read(ctx)
	sink := newMetricSink(ch)
	for i := range parts {
		sink.emit(c, &parts[i], slog.New(slog.DiscardHandler))
	}
}

// emit lets p emit into s and reports whether that went well. A panic costs
// the part, and nothing else.
func (c *Collector) emit(p *Part, s Sink, logger *slog.Logger) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			ok = false
			logger.Error("panic in a collector", "collector", c.Name(), "part", p.ID,
				"err", r, "stack", string(debug.Stack()))
		}
	}()
	p.Emit(s)
	return true
}

// clean makes a label value valid UTF-8.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// metricSink makes const metrics.
type metricSink struct {
	ch        chan<- prometheus.Metric
	seen      map[seriesID]struct{}
	collector *Collector // whose part emits now
	dropped   int        // duplicates
	line      []byte     // scratch
}

func newMetricSink(ch chan<- prometheus.Metric) *metricSink {
	return &metricSink{ch: ch, seen: make(map[seriesID]struct{})}
}

func (s *metricSink) emit(c *Collector, p *Part, logger *slog.Logger) {
	s.collector = c
	c.emit(p, s, logger)
}

// Add leaves out what the encoder does.
func (s *metricSink) Add(f *Family, value float64, labelValues ...string) {
	if f.bounds != nil {
		return
	}
	s.send(f, labelValues, func(desc *prometheus.Desc, values []string) (prometheus.Metric, error) {
		return prometheus.NewConstMetric(desc, f.kind, value, values...)
	})
}

func (s *metricSink) AddHistogram(f *Family, h *Distribution, labelValues ...string) {
	if f.bounds == nil || len(h.UpTo) != len(f.bounds) {
		return
	}
	s.send(f, labelValues, func(desc *prometheus.Desc, values []string) (prometheus.Metric, error) {
		buckets := make(map[float64]uint64, len(f.bounds))
		for i, bound := range f.bounds {
			buckets[bound] = h.UpTo[i]
		}
		return prometheus.NewConstHistogram(desc, h.Count, h.Sum, buckets, values...)
	})
}

// send makes a metric of cleaned label values and sends it, once.
func (s *metricSink) send(f *Family, labelValues []string, create func(*prometheus.Desc, []string) (prometheus.Metric, error)) {
	i, ok := s.collector.index[f]
	if !ok || len(labelValues) != len(f.labels) {
		return
	}
	tf := s.collector.families[i]
	var id seriesID
	s.line, id = tf.appendSeries(s.line[:0], labelValues)
	if _, ok := s.seen[id]; ok {
		s.dropped++
		return
	}
	s.seen[id] = struct{}{}
	values := make([]string, len(labelValues))
	for i, v := range labelValues {
		values[i] = clean(v)
	}
	if m, err := create(tf.desc, values); err == nil {
		s.ch <- m
	}
}
