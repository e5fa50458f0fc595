package exposition

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"pgregory.net/rapid"
)

// ownPage is what o writes where no name is taken.
func ownPage(t interface{ Fatal(...any) }, o ownText) string {
	var out bytes.Buffer
	if err := o.appendTo(&out, func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestOwnTextIsExpfmts holds that whatever becomes of the metrics, their text is what
// expfmt makes of all that the registry gathers.
func TestOwnTextIsExpfmts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		reg := prometheus.NewRegistry()
		counters := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "own_b_total", Help: "A \\ and\na line."}, []string{"kind", "device"})
		gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "own_a"})
		histogram := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "own_c_seconds", Help: "Help.", Buckets: []float64{1, 2}}, []string{"kind"})
		summary := prometheus.NewSummary(prometheus.SummaryOpts{Name: "own_d_seconds", Help: "Help.", Objectives: map[float64]float64{0.5: 0.1}})
		late := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "own_aa", Help: "Help."}, func() float64 { return 7 })
		reg.MustRegister(counters, gauge, histogram, summary)
		text := newOwnText(reg)
		kind := rapid.SampledFrom([]string{"a", "b", "c\"\n", ""})
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			switch rapid.IntRange(0, 7).Draw(rt, "what") {
			case 0:
				counters.WithLabelValues(kind.Draw(rt, "kind"), kind.Draw(rt, "device")).Add(rapid.Float64Range(0, 10).Draw(rt, "value"))
			case 1:
				counters.DeleteLabelValues(kind.Draw(rt, "kind"), kind.Draw(rt, "device"))
			case 2:
				gauge.Set(rapid.OneOf(rapid.Float64(), rapid.Just(math.NaN())).Draw(rt, "value"))
			case 3:
				histogram.WithLabelValues(kind.Draw(rt, "kind")).Observe(rapid.Float64Range(0, 3).Draw(rt, "value"))
			case 4:
				summary.Observe(1.5)
			case 5:
				reg.Unregister(late)
			case 6:
				_ = reg.Register(late) // once more is an error
			case 7: // replaced by a new one of the same labels
				counters.Reset()
				counters.WithLabelValues("a", "b")
			}
			families, err := reg.Gather()
			if err != nil {
				rt.Fatal(err)
			}
			var want bytes.Buffer
			for _, f := range families {
				if _, err := expfmt.MetricFamilyToText(&want, f); err != nil {
					rt.Fatal(err)
				}
			}
			if diff := cmp.Diff(want.String(), ownPage(rt, text)); diff != "" {
				rt.Fatalf("text differs from expfmt's (-want +got):\n%s", diff)
			}
		}
	})
}

// A metric that cannot be written costs only itself, and is logged at each page.
func TestOwnTextWithoutBrokenMetric(t *testing.T) {
	reg := prometheus.NewRegistry()
	good := prometheus.NewGauge(prometheus.GaugeOpts{Name: "own_good", Help: "Help."})
	reg.MustRegister(good, oneMetric{prometheus.NewInvalidMetric(prometheus.NewDesc("own_bad", "Help.", nil, nil), fmt.Errorf("broken"))})
	text := newOwnText(reg)
	for range 2 {
		var out bytes.Buffer
		if err := text.appendTo(&out, func(string) bool { return false }); err == nil {
			t.Error("no error")
		}
		if want := "# HELP own_good Help.\n# TYPE own_good gauge\nown_good 0\n"; out.String() != want {
			t.Errorf("got %q", &out)
		}
	}
}

// The runtime's metrics are gathered at most every five seconds.
func TestRuntimeIsGatheredRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gathered := 0
		runtime := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
			gathered++
			g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "go_test", Help: "Help."})
			g.Set(float64(gathered))
			reg := prometheus.NewRegistry()
			reg.MustRegister(g)
			return reg.Gather()
		})
		e := newTestExporter(t, Config{Runtime: runtime}, up("a"))
		for _, want := range []int{1, 1, 2} {
			lines, _ := scrapeOf(t, e, "/metrics")
			wantLines(t, lines, fmt.Sprintf("go_test %d", want))
			time.Sleep(maxRuntimeAge - time.Second)
		}
	})
}
