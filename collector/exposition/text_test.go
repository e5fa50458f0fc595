package exposition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"
)

// sample is one series of a test's family.
type sample struct {
	value  float64
	labels []string
}

// encodeFamily is the page of a collector with one family.
func encodeFamily(f *Family, samples ...sample) []byte {
	c := NewCollector(fixed("test", []*Family{f}))
	out := c.memo.encode([]Part{{ID: "one", Emit: func(s Sink) {
		for _, m := range samples {
			s.Add(f, m.value, m.labels...)
		}
	}}}, slog.New(slog.DiscardHandler))
	l, err := newLayout([]*Collector{c})
	if err != nil {
		panic(err)
	}
	p := page{layout: l, texts: [][]*partText{out.texts}}
	var b bytes.Buffer
	_ = p.chunks(func(c chunk) error { b.Write(c.text); return nil })
	return b.Bytes()
}

// expfmtFamily is what client_golang and expfmt make of the same, in the order
// of the samples.
func expfmtFamily(t interface{ Fatal(...any) }, f *Family, samples ...sample) []byte {
	out := &dto.MetricFamily{Name: &f.name, Help: proto.String(strings.ToValidUTF8(f.help, "\uFFFD")), Type: dto.MetricType_GAUGE.Enum()}
	if f.kind == prometheus.CounterValue {
		out.Type = dto.MetricType_COUNTER.Enum()
	}
	desc := prometheus.NewDesc(f.name, f.help, f.labels, nil)
	for _, s := range samples {
		values := make([]string, len(s.labels))
		for i, v := range s.labels {
			values[i] = strings.ToValidUTF8(v, "\uFFFD")
		}
		var d dto.Metric
		if err := prometheus.MustNewConstMetric(desc, f.kind, s.value, values...).Write(&d); err != nil {
			t.Fatal(err)
		}
		out.Metric = append(out.Metric, &d)
	}
	var b bytes.Buffer
	if _, err := expfmt.MetricFamilyToText(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTextIsExpfmts(t *testing.T) {
	two := []string{"zone", "device"}
	tests := []struct {
		name    string
		family  *Family
		samples []sample
	}{
		{"no labels", gauge("a_total", "Help."), []sample{{value: 3}}},
		{"no help", counter("a_total", ""), []sample{{value: 3}}},
		{"counter", counter("a_total", "Help.", "b"), []sample{{1, []string{"x"}}}},
		{"labels are sorted", gauge("a", "Help.", two...), []sample{{1, []string{"z", "d"}}, {0, []string{"", ""}}}},
		{"label escapes", gauge("a", "Help.", "b"), []sample{{1, []string{"\\ \" \n \t \r \x00 é"}}, {2, []string{`\`}}, {3, []string{`""`}}}},
		{"help escapes", gauge("a", "back\\slash \"quotes\" new\nline"), []sample{{value: 1}}},
		{"not UTF-8", gauge("a", "Help \xff\xfe.", "b"), []sample{{1, []string{"disk\xff\xfe\xc3"}}, {1, []string{"\xc3("}}}},
		{"values", gauge("a", "Help.", "b"), []sample{
			{0, []string{"zero"}}, {math.Copysign(0, -1), []string{"minus zero"}}, {1, []string{"one"}}, {-1, []string{"minus one"}},
			{math.NaN(), []string{"nan"}}, {math.Inf(1), []string{"inf"}}, {math.Inf(-1), []string{"minus inf"}},
			{1763689000.123, []string{"time"}}, {18000207937536, []string{"bytes"}}, {math.MaxFloat64, []string{"max"}},
			{math.SmallestNonzeroFloat64, []string{"small"}}, {0.1, []string{"tenth"}}, {1e20, []string{"1e20"}}, {1e21, []string{"1e21"}},
			{123456, []string{"six"}}, {1234567, []string{"seven"}}, {1e-5, []string{"1e-5"}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, want := encodeFamily(tt.family, tt.samples...), expfmtFamily(t, tt.family, tt.samples...)
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("text differs from expfmt's (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHistogramIsExpfmts(t *testing.T) {
	for _, labels := range [][]string{nil, {"zone", "device"}} {
		f := histogram("a_seconds", "Help.", []float64{0.1, 1, 2.5e7}, labels...)
		values := []string{"z\"", "d"}[:len(labels)]
		reg := prometheus.NewPedanticRegistry()
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: f.name, Help: f.help, Buckets: f.bounds}, labels)
		reg.MustRegister(h)
		for _, v := range []float64{0.1, 0.2, 0.05, 1, 1.5, 1e9} {
			h.WithLabelValues(values...).Observe(v)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if _, err := expfmt.MetricFamilyToText(&want, families[0]); err != nil {
			t.Fatal(err)
		}
		e := newTestExporter(t, Config{}, fixed("test", []*Family{f}, Part{ID: "one", Emit: func(s Sink) {
			s.AddHistogram(f, &Distribution{[]uint64{2, 4, 5}, 6, 1e9 + 2.85}, values...)
		}}))
		got, _, _ := strings.Cut(get(t, e, "/metrics").Body.String(), "# HELP storage_scrape_")
		if diff := cmp.Diff(want.String(), got); diff != "" {
			t.Errorf("text differs from expfmt's (-want +got):\n%s", diff)
		}
	}
}

// FuzzText holds that whatever stands in a label value or a HELP text, the page
// is what expfmt would write, and is read back as the same.
func FuzzText(f *testing.F) {
	f.Add("help", "value", "other", 1.5)
	f.Add("a \\ b \n c \" d", "a \\ b \n c \" d", "\xff\xfe", math.Inf(-1))
	f.Add("# HELP x", "\"} 1\nevil{a=\"", "\\n\\\\\\\"", math.NaN())
	f.Add("", "", "\x00\r\u2028\xed\xa0\x80", math.Copysign(0, -1))
	f.Fuzz(func(t *testing.T, help, a, b string, value float64) {
		fam := gauge("test_family", help, "b", "a")
		samples := []sample{{value, []string{b, a}}, {1, []string{b + "x", a}}}
		got := encodeFamily(fam, samples...)
		if want := expfmtFamily(t, fam, samples...); !bytes.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
		families := parse(t, got)
		if len(families) != 1 || len(families["test_family"].GetMetric()) != 2 {
			t.Fatalf("read back as %v", families)
		}
		m := families["test_family"].Metric[0]
		if v := m.GetGauge().GetValue(); v != value && !(math.IsNaN(v) && math.IsNaN(value)) {
			t.Errorf("value read back as %v, want %v", v, value)
		}
		for i, want := range []string{a, b} { // sorted by name
			if got := m.Label[i].GetValue(); got != strings.ToValidUTF8(want, "\uFFFD") || !utf8.ValidString(got) {
				t.Errorf("label read back as %q, want %q", got, want)
			}
		}
	})
}

// parse reads text as expfmt does.
func parse(t interface{ Fatalf(string, ...any) }, text []byte) map[string]*dto.MetricFamily {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("the page cannot be read back: %v\n%s", err, text)
	}
	return families
}

// TestPathsAgree holds that the text page, the delimited page and the registry
// have the same series, whatever they are.
func TestPathsAgree(t *testing.T) {
	labelValue := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "b", "\xff", "\\", "\n"}),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(rt *rapid.T) {
		var families []*Family
		for i := range rapid.IntRange(1, 4).Draw(rt, "families") {
			labels := []string{"c", "a", "b"}[:rapid.IntRange(0, 3).Draw(rt, "labels")]
			name, help := fmt.Sprintf("family_%d", i), rapid.String().Draw(rt, "help")
			switch rapid.IntRange(0, 2).Draw(rt, "kind") {
			case 0:
				families = append(families, counter(name, help, labels...))
			case 1:
				families = append(families, gauge(name, help, labels...))
			case 2:
				families = append(families, histogram(name, help, []float64{0.5, 10}, labels...))
			}
		}
		// Two collectors, of which the second has only some families.
		parts := func(families []*Family) []Part {
			var parts []Part
			for i := range rapid.IntRange(0, 4).Draw(rt, "parts") {
				type line struct {
					f      *Family
					value  float64
					labels []string
				}
				var lines []line
				for range rapid.IntRange(0, 8).Draw(rt, "lines") {
					f := rapid.SampledFrom(families).Draw(rt, "family")
					labels := rapid.SliceOfN(labelValue, len(f.labels), len(f.labels)).Draw(rt, "values")
					lines = append(lines, line{f, rapid.Float64().Draw(rt, "value"), labels})
				}
				parts = append(parts, Part{ID: fmt.Sprint(i), Version: 1, Emit: func(s Sink) {
					for _, l := range lines {
						if l.f.bounds == nil {
							s.Add(l.f, l.value, l.labels...)
						} else {
							s.AddHistogram(l.f, &Distribution{[]uint64{1, 2}, 5, l.value}, l.labels...)
						}
					}
				}})
			}
			return parts
		}
		some := families[rapid.IntRange(0, len(families)-1).Draw(rt, "from"):]
		e := newTestExporter(t, Config{}, fixed("first", families, parts(families)...), fixed("second", some, parts(some)...))

		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(e)
		gathered, err := reg.Gather()
		if err != nil {
			rt.Fatal(err)
		}
		want := bySeries(gathered)

		var text []*dto.MetricFamily
		for _, f := range parse(rt, get(t, e, "/metrics").Body.Bytes()) {
			text = append(text, f)
		}
		if diff := cmp.Diff(want, bySeries(text), protocmp.Transform()); diff != "" {
			rt.Errorf("text differs from the registry (-registry +text):\n%s", diff)
		}
		if diff := cmp.Diff(want, bySeries(delimited(rt, e)), protocmp.Transform()); diff != "" {
			rt.Errorf("protobuf differs from the registry (-registry +protobuf):\n%s", diff)
		}
	})
}

// delimited scrapes the protobuf format.
func delimited(t interface{ Fatalf(string, ...any) }, h http.Handler) []*dto.MetricFamily {
	w := get(&testing.T{}, h, "/metrics", "Accept", string(expfmt.FmtProtoDelim))
	decoder := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	var families []*dto.MetricFamily
	for {
		var f dto.MetricFamily
		switch err := decoder.Decode(&f); {
		case errors.Is(err, io.EOF):
			return families
		case err != nil:
			t.Fatalf("decode: %v", err)
		}
		families = append(families, &f)
	}
}

// bySeries makes families comparable: "name{labels}" to type, help and value.
// How long the scrape took is left out, and so are blanks before a HELP text,
// which expfmt's parser skips.
func bySeries(families []*dto.MetricFamily) map[string]string {
	series := make(map[string]string)
	for _, f := range families {
		for _, m := range f.Metric {
			key := f.GetName()
			for _, l := range m.Label {
				key += fmt.Sprintf(",%s=%q", l.GetName(), l.GetValue())
			}
			value, buckets := m.GetGauge().GetValue(), ""
			if m.Counter != nil {
				value = m.GetCounter().GetValue()
			}
			if h := m.Histogram; h != nil {
				value = h.GetSampleSum()
				for _, b := range h.Bucket {
					if !math.IsInf(b.GetUpperBound(), 1) { // which only the text has
						buckets += fmt.Sprint(" ", b.GetUpperBound(), "=", b.GetCumulativeCount())
					}
				}
				buckets += fmt.Sprint(" of ", h.GetSampleCount())
			}
			if f.GetName() == durationFamily.name {
				value = 0
			}
			if _, ok := series[key]; ok {
				key += " again"
			}
			series[key] = fmt.Sprintf("%v %q %v%s", f.GetType(), strings.TrimLeft(f.GetHelp(), " \t"), value+0, buckets)
		}
	}
	return series
}

func TestEncoderRemembers(t *testing.T) {
	f := gauge("test_a", "Help.", "device")
	g := gauge("test_b", "Help.", "device")
	emitted := map[string]int{}
	version := map[string]any{"sda": 1, "sdb": 1}
	value := 1.0
	make1 := func(id string) Part {
		return Part{ID: id, Version: version[id], Emit: func(s Sink) {
			emitted[id]++
			s.Add(g, value, id)
			s.Add(f, value, id)
		}}
	}
	c := NewCollector(fixed("test", []*Family{f, g}))
	encode := func(ids ...string) []*partText {
		var parts []Part
		for _, id := range ids {
			parts = append(parts, make1(id))
		}
		return c.memo.encode(parts, slog.New(slog.DiscardHandler)).texts
	}
	first := encode("sda", "sdb")
	second := encode("sda", "sdb")
	if first[0] != second[0] || first[1] != second[1] || emitted["sda"] != 1 {
		t.Error("an unchanged part was encoded again")
	}
	version["sda"], value = 2, 5
	third := encode("sda", "sdb")
	if third[0] == first[0] || !strings.Contains(string(third[0].text), "test_a{device=\"sda\"} 5\n") {
		t.Errorf("a new version was not encoded: %s", third[0].text)
	}
	if third[0].series != first[0].series {
		t.Error("the same label sets are held twice")
	}
	if third[1] != first[1] {
		t.Error("another part's new version cost this one its text")
	}
	encode("sdb")
	if len(c.memo.texts) != 1 {
		t.Errorf("%d parts remembered, want those of the last read", len(c.memo.texts))
	}
	encode("sda", "sdb")
	if emitted["sda"] != 3 {
		t.Errorf("sda emitted %d times, want 3", emitted["sda"])
	}

	version["sda"] = nil
	encode("sda")
	encode("sda")
	if emitted["sda"] != 5 {
		t.Error("a part without a version was remembered")
	}

	// Two parts with the same id and version are still two.
	for range 3 {
		var parts []Part
		for _, v := range []float64{1, 2} {
			parts = append(parts, Part{ID: "same", Version: 1, Emit: func(s Sink) { s.Add(f, v, "x") }})
		}
		texts := c.memo.encode(parts, slog.New(slog.DiscardHandler)).texts
		if len(texts) != 2 || !bytes.HasSuffix(texts[0].text, []byte(" 1\n")) || !bytes.HasSuffix(texts[1].text, []byte(" 2\n")) {
			t.Errorf("two parts with the same id became %q and %q", texts[0].text, texts[1].text)
		}
	}
}

func TestBadSeriesAreSkipped(t *testing.T) {
	f, h := gauge("test_a", "Help.", "device"), histogram("test_b", "Help.", []float64{1}, "device")
	e := newTestExporter(t, Config{}, fixed("test", []*Family{f, h},
		Part{ID: "bad", Version: 1, Emit: func(s Sink) {
			s.Add(f, 1)
			s.Add(f, 1, "a", "b")
			s.Add(gauge("test_other", "Help."), 1)
			s.Add(f, 1, "good")
		}},
		Part{ID: "panics", Version: 1, Emit: func(s Sink) {
			s.Add(f, 1, "half")
			panic("index out of range")
		}},
		Part{ID: "after", Version: 1, Emit: func(s Sink) { s.Add(f, 2, "after") }},
		Part{ID: "of another kind", Version: 1, Emit: func(s Sink) {
			s.AddHistogram(f, &Distribution{Count: 1}, "no histogram")
			s.AddHistogram(h, &Distribution{Count: 1}, "no buckets")
			s.Add(h, 1, "no number")
		}},
	))
	families := parse(t, get(t, e, "/metrics").Body.Bytes())
	var got []string
	for _, m := range families["test_a"].Metric {
		got = append(got, m.Label[0].GetValue())
	}
	if diff := cmp.Diff([]string{"good", "after"}, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if n := droppedSeries(e, "test", droppedInvalid); n != 6 {
		t.Errorf("%v invalid series counted, want 6", n)
	}
	if v := families[successFamily.name].Metric[0].GetGauge().GetValue(); v != 0 {
		t.Errorf("success %v after a panic, want 0", v)
	}
}

func TestBadFamiliesPanic(t *testing.T) {
	tests := []struct {
		name string
		all  []*Family
	}{
		{"metric name", []*Family{gauge("a-b", "Help.")}},
		{"label name", []*Family{gauge("a", "Help.", "b.c")}},
		{"label twice", []*Family{gauge("a", "Help.", "b", "b")}},
		{"label of the buckets", []*Family{histogram("a", "Help.", []float64{1}, "le")}},
		{"reserved label", []*Family{gauge("a", "Help.", "__name__")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			NewCollector(fixed("test", tt.all))
		})
	}
}

func TestCollectorIsCollector(t *testing.T) {
	f := gauge("test_a", "Help.", "device")
	c := NewCollector(fixed("test", []*Family{f}, Part{ID: "x", Emit: func(s Sink) {
		s.Add(f, 1, "\xff")
		s.Add(f, 2, "\uFFFD") // the same once it is valid
	}}))
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != 1 || len(families[0].Metric) != 1 || families[0].Metric[0].GetGauge().GetValue() != 1 {
		t.Errorf("got %v", families)
	}
}
