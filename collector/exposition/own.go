package exposition

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"
)

// maxRuntimeAge is how old go_* and process_* may be: a dozen files of /proc are
// read for them.
const maxRuntimeAge = 5 * time.Second

// ownText is the text of metrics that no collector has: the exporter's own, and
// those of its runtime.
type ownText interface {
	// appendTo writes the families whose names are not taken. The error says what
	// is missing.
	appendTo(out *bytes.Buffer, taken func(name string) bool) error
}

// newOwnText looks at the single metrics of a registry, and gathers what is none.
func newOwnText(g prometheus.Gatherer) ownText {
	if registry, ok := g.(prometheus.Collector); ok {
		return &registryText{registry: registry, series: make(map[prometheus.Metric]*ownSeries)}
	}
	return &gatheredText{gatherer: g}
}

// gatheredText is encoded anew once it is older than maxAge.
type gatheredText struct {
	gatherer prometheus.Gatherer
	maxAge   time.Duration

	mu       sync.Mutex // guards the fields below
	at       time.Time
	families []*dto.MetricFamily
	texts    [][]byte // of the families
	err      error
}

func (g *gatheredText) appendTo(out *bytes.Buffer, taken func(name string) bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.at.IsZero() || time.Since(g.at) >= g.maxAge {
		g.at, g.texts = time.Now(), nil
		g.families, g.err = g.gatherer.Gather()
		for _, f := range g.families {
			var text bytes.Buffer
			if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
				g.err = errors.Join(g.err, err)
				text.Reset()
			}
			g.texts = append(g.texts, text.Bytes())
		}
	}
	for i, f := range g.families {
		if !taken(f.GetName()) {
			out.Write(g.texts[i])
		}
	}
	return g.err
}

// registryText remembers the text of each metric, as few of them change from one
// page to the next: to gather and encode all takes longer than all else that a
// page needs.
type registryText struct {
	registry prometheus.Collector

	mu     sync.Mutex // guards the fields below
	pages  uint64
	series map[prometheus.Metric]*ownSeries
	order  []*ownSeries // by name and labels
	now    dto.Metric   // scratch
}

// ownSeries is a metric as it was last written.
type ownSeries struct {
	page          uint64            // the last that had it
	family        *dto.MetricFamily // with this metric alone
	header, lines []byte            // of its text
}

func (r *registryText) appendTo(out *bytes.Buffer, taken func(name string) bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.update()
	last, skip := "", false
	for _, s := range r.order {
		if name := s.family.GetName(); name != last {
			last, skip = name, taken(name)
			if !skip {
				out.Write(s.header)
			}
		}
		if !skip {
			out.Write(s.lines)
		}
	}
	return err
}

func (r *registryText) update() error {
	ch := make(chan prometheus.Metric, 1024)
	go func() { // ends with the metrics, which are all taken below
		defer close(ch)
		r.registry.Collect(ch)
	}()
	r.pages++
	var errs []error
	written, added := 0, false
	for m := range ch {
		s, known := r.series[m], true
		if s == nil {
			s, known, added = new(ownSeries), false, true
		}
		if err := s.update(m, &r.now); err != nil {
			errs = append(errs, err)
			continue
		}
		if !known {
			r.series[m] = s
		}
		s.page = r.pages
		written++
	}
	if added || written != len(r.series) {
		maps.DeleteFunc(r.series, func(_ prometheus.Metric, s *ownSeries) bool { return s.page != r.pages })
		r.order = slices.SortedFunc(maps.Values(r.series), compareSeries)
	}
	return errors.Join(errs...)
}

func compareSeries(a, b *ownSeries) int {
	return cmp.Or(strings.Compare(a.family.GetName(), b.family.GetName()),
		slices.CompareFunc(a.family.Metric[0].Label, b.family.Metric[0].Label, func(a, b *dto.LabelPair) int {
			return strings.Compare(a.GetValue(), b.GetValue())
		}))
}

// update encodes the metric if it has changed since it was last written; now is
// scratch.
func (s *ownSeries) update(m prometheus.Metric, now *dto.Metric) error {
	if s.family == nil {
		registry := prometheus.NewRegistry()
		registry.MustRegister(oneMetric{m})
		families, err := registry.Gather() // nothing else shows a metric's name
		if err != nil || len(families) != 1 {
			return fmt.Errorf("gather %v: %w", m.Desc(), cmp.Or(err, errors.ErrUnsupported))
		}
		s.family = families[0]
	} else {
		now.Reset()
		if err := m.Write(now); err != nil {
			return fmt.Errorf("write %v: %w", m.Desc(), err)
		}
		if sameValue(s.family.Metric[0], now) {
			return nil
		}
		s.family.Metric[0] = proto.Clone(now).(*dto.Metric)
	}
	var text bytes.Buffer
	if _, err := expfmt.MetricFamilyToText(&text, s.family); err != nil {
		return fmt.Errorf("encode %v: %w", m.Desc(), err)
	}
	s.header, s.lines = nil, text.Bytes()
	for bytes.HasPrefix(s.lines, []byte("#")) {
		end := bytes.IndexByte(s.lines, '\n') + 1
		s.header, s.lines = text.Bytes()[:len(s.header)+end], s.lines[end:]
	}
	return nil
}

// sameValue is whether a metric still has the value that it had. A summary's
// quantiles change by themselves.
func sameValue(before, now *dto.Metric) bool {
	switch {
	case before.Counter != nil:
		return before.Counter.GetValue() == now.Counter.GetValue()
	case before.Gauge != nil:
		return before.Gauge.GetValue() == now.Gauge.GetValue()
	case before.Histogram != nil:
		return before.Histogram.GetSampleCount() == now.Histogram.GetSampleCount() && before.Histogram.GetSampleSum() == now.Histogram.GetSampleSum()
	}
	return false
}

// oneMetric is a collector of a metric that is registered elsewhere.
type oneMetric struct{ prometheus.Metric }

func (m oneMetric) Describe(chan<- *prometheus.Desc)    {}
func (m oneMetric) Collect(ch chan<- prometheus.Metric) { ch <- m.Metric }
