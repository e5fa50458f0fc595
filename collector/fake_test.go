package collector

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"storage_exporter/collector/exposition"
)

// fixedSource always has its parts.
type fixedSource struct {
	called string
	all    exposition.Families
	parts  []exposition.Part
}

func (s fixedSource) Name() string                                   { return s.called }
func (s fixedSource) Families() exposition.Families                  { return s.all }
func (s fixedSource) Read(context.Context) ([]exposition.Part, bool) { return s.parts, true }

func fixed(name string, all exposition.Families, parts ...exposition.Part) exposition.Source {
	return fixedSource{name, all, parts}
}

// newTestExporter is closed at the end of the test.
func newTestExporter(t *testing.T, cfg exposition.Config, src exposition.Source) *exposition.Exporter {
	t.Helper()
	if cfg.Metrics == nil {
		cfg.Metrics = exposition.NewMetrics(prometheus.NewRegistry())
	}
	e, err := exposition.New(cfg, exposition.NewCollector(src))
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

// scrape is a page, and how long it took; a timeout, if any, is Prometheus' own.
func scrape(t *testing.T, e *exposition.Exporter, target, timeout string) (page string, took time.Duration) {
	t.Helper()
	start, w, r := time.Now(), httptest.NewRecorder(), httptest.NewRequest("GET", target, nil)
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
	e.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
	return w.Body.String(), time.Since(start)
}

func wantLines(t *testing.T, page string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !strings.Contains("\n"+page, "\n"+line+"\n") {
			t.Errorf("no line %q in:\n%s", line, page)
		}
	}
}

func wantNoLine(t *testing.T, page, prefix string) {
	t.Helper()
	if strings.Contains("\n"+page, "\n"+prefix) {
		t.Errorf("unwanted line %q in:\n%s", prefix, page)
	}
}

// parse reads a page as expfmt does.
func parse(t *testing.T, page string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		t.Fatalf("the page cannot be read back: %v\n%s", err, page)
	}
	return families
}

// names are those of the families on the list.
func names(list exposition.Families) []string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i], _, _ = strings.Cut(f.String(), " ")
	}
	return out
}

// cover notes the families that a page shows.
func cover(covered map[string]bool, page string) {
	for line := range strings.Lines(page) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			covered[strings.Fields(name)[0]] = true
		}
	}
}
