package exposition

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// fakeSource is a source whose read is a function.
type fakeSource struct {
	called string
	all    []*Family
	onRead func(ctx context.Context) ([]Part, bool)
	reads  atomic.Int64
}

func (s *fakeSource) Name() string       { return s.called }
func (s *fakeSource) Families() Families { return s.all }
func (s *fakeSource) Read(ctx context.Context) ([]Part, bool) {
	s.reads.Add(1)
	return s.onRead(ctx)
}

// fixed is a source that always has the parts.
func fixed(name string, families []*Family, parts ...Part) *fakeSource {
	return &fakeSource{called: name, all: families, onRead: func(context.Context) ([]Part, bool) { return parts, true }}
}

// up is a source with one series, fam{id="name"} 1.
func up(name string) *fakeSource {
	f := gauge("test_"+name+"_up", "Whether it is up.", "id")
	return fixed(name, []*Family{f}, Part{ID: "one", Version: 1, Emit: func(s Sink) { s.Add(f, 1, name) }})
}

// newTestExporter is closed at the end of the test.
func newTestExporter(t testing.TB, cfg Config, sources ...Source) *Exporter {
	t.Helper()
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	collectors := make([]*Collector, len(sources))
	for i, s := range sources {
		collectors[i] = NewCollector(s)
	}
	e, err := New(cfg, collectors...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// get scrapes e in-process; headers are pairs.
func get(t testing.TB, h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func droppedSeries(e *Exporter, collector, reason string) float64 {
	return testutil.ToFloat64(e.cfg.Metrics.dropped.WithLabelValues(collector, reason))
}

// gate lets whoever waits pass once it is opened.
type gate struct {
	once sync.Once
	ch   chan struct{}
}

func newGate() *gate  { return &gate{ch: make(chan struct{})} }
func (g *gate) open() { g.once.Do(func() { close(g.ch) }) }
func (g *gate) wait() { <-g.ch }
func (g *gate) waitOr(ctx context.Context) bool {
	select {
	case <-g.ch:
		return true
	case <-ctx.Done():
		return false
	}
}

// gauge, counter and histogram make families.
func gauge(name, help string, labels ...string) *Family {
	return new(Families).Gauge(name, help, labels...)
}

func counter(name, help string, labels ...string) *Family {
	return new(Families).Counter(name, help, labels...)
}

func histogram(name, help string, bounds []float64, labels ...string) *Family {
	return new(Families).Histogram(name, help, bounds, labels...)
}
