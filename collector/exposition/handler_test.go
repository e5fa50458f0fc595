package exposition

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"storage_exporter/internal/inbound"
)

func TestFilters(t *testing.T) {
	e := newTestExporter(t, Config{}, up("a"), up("b"), up("c"))
	tests := []struct {
		query  string
		status int
		want   string // collectors on the page, or the error
	}{
		{"", 200, "a b c"},
		{"?collect[]=b", 200, "b"},
		{"?collect[]=c&collect[]=a&collect[]=a", 200, "a c"},
		{"?exclude[]=b&exclude[]=b", 200, "a c"},
		{"?exclude[]=a&exclude[]=b&exclude[]=c", 200, ""},
		{"?collect%5B%5D=a", 200, "a"},
		{"?other=x", 200, "a b c"},
		{"?collect[]=a&exclude[]=b", 400, "collect[] and exclude[] cannot be combined: use one of them\n"},
		{"?collect[]=nope", 400, "collector \"nope\" is unknown or disabled; enabled are: a, b, c\n"},
		{"?exclude[]=nope", 400, "collector \"nope\" is unknown or disabled; enabled are: a, b, c\n"},
		{"?collect[]=", 400, "collector \"\" is unknown or disabled; enabled are: a, b, c\n"},
		{"?collect[]=" + strings.Repeat("x", 5000), 400,
			"collector \"" + strings.Repeat("x", 64) + "\" is unknown or disabled; enabled are: a, b, c\n"},
		{"?collect[]=a%0Ab", 400, "collector \"a\\nb\" is unknown or disabled; enabled are: a, b, c\n"},
		{"?collect[]=%zz", 400, "invalid query: invalid URL escape \"%zz\"\n"},
	}
	for _, tt := range tests {
		t.Run(tt.query[:min(len(tt.query), 40)], func(t *testing.T) {
			w := get(t, e, "/metrics"+tt.query)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			got := w.Body.String()
			if tt.status == 200 {
				families := parse(t, w.Body.Bytes())
				var names []string
				for _, m := range families[successFamily.name].GetMetric() {
					name := m.Label[0].GetValue()
					names = append(names, name)
					if families["test_"+name+"_up"] == nil {
						t.Errorf("no series of %s", name)
					}
				}
				if n := len(names); n > 0 && len(families) != n+2 {
					t.Errorf("%d families for %d collectors", len(families), n)
				}
				got = strings.Join(names, " ")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"", 9500 * time.Millisecond},
		{"10", 9500 * time.Millisecond},
		{"3.25", 2750 * time.Millisecond},
		{"0.8", 400 * time.Millisecond},
		{"0.3", 150 * time.Millisecond},
		{"0.5", 250 * time.Millisecond},
		{"600", maxRead},
		{"0", 9500 * time.Millisecond},
		{"-1", 9500 * time.Millisecond},
		{"NaN", 9500 * time.Millisecond},
		{"Inf", 9500 * time.Millisecond},
		{"1e300", 9500 * time.Millisecond},
		{"ten", 9500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				stuck := up("stuck")
				stuck.onRead = func(context.Context) ([]Part, bool) { g.wait(); return nil, true }
				e := newTestExporter(t, Config{}, stuck)
				_, took := scrapeOf(t, e, "/metrics", timeoutHeader, tt.header)
				if took != tt.want {
					t.Errorf("answered after %v, want %v", took, tt.want)
				}
				g.open()
			})
		})
	}
}

func TestMethods(t *testing.T) {
	e := newTestExporter(t, Config{}, up("a"))
	server := httptest.NewServer(e)
	defer server.Close()
	page, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(page.Body)
	page.Body.Close()
	for _, encoding := range []string{"gzip", "identity"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL, nil)
		req.Header.Set("Accept-Encoding", encoding)
		head, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		head.Body.Close()
		if head.StatusCode != 200 || head.Header.Get("Content-Type") != string(expfmt.FmtText)+"; escaping=underscores" || head.ContentLength <= 0 {
			t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
		}
		// The duration's digits differ.
		if diff := head.ContentLength - int64(len(body)); encoding == "identity" && (diff > 8 || diff < -8) {
			t.Errorf("HEAD says %d bytes, GET has %d", head.ContentLength, len(body))
		}
	}
}

func TestFormats(t *testing.T) {
	e := newTestExporter(t, Config{}, up("a"))
	const prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	tests := []struct{ accept, want string }{
		{"", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
		{"text/plain", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
		{"text/plain;version=0.0.4;escaping=allow-utf-8", "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"},
		{"application/openmetrics-text;version=1.0.0", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
		{prometheus3, "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"},
		{"text/html,application/xhtml+xml,*/*;q=0.8", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
		{"nonsense", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
		{string(expfmt.FmtProtoDelim), string(expfmt.FmtProtoDelim) + "; escaping=underscores"},
		{string(expfmt.FmtProtoText), string(expfmt.FmtProtoText) + "; escaping=underscores"},
	}
	for _, tt := range tests {
		t.Run(tt.accept, func(t *testing.T) {
			w := get(t, e, "/metrics", "Accept", tt.accept)
			if got := w.Header().Get("Content-Type"); w.Code != 200 || got != tt.want {
				t.Errorf("%d, Content-Type %q, want %q", w.Code, got, tt.want)
			}
			if !strings.Contains(w.Body.String(), "test_a_up") {
				t.Errorf("body %q", w.Body)
			}
		})
	}
}

// gunzip reads one gzip member with its checksum and length.
func gunzip(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
		t.Fatalf("headers %v with %d bytes", w.Header(), w.Body.Len())
	}
	in := bufio.NewReader(w.Body)
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	r.Multistream(false)
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("%d bytes after the member: some clients would not read them", len(rest))
	}
	return string(text)
}

func TestGzip(t *testing.T) {
	own := prometheus.NewRegistry()
	scrapes := prometheus.NewCounter(prometheus.CounterOpts{Name: "own_total", Help: "Help."})
	own.MustRegister(scrapes)
	f := gauge("test_series", "Help.", "id")
	value, version := 1.0, 1
	src := fixed("many", []*Family{f})
	src.onRead = func(context.Context) ([]Part, bool) {
		var parts []Part
		for i := range 50 {
			parts = append(parts, Part{ID: fmt.Sprint(i), Version: version, Emit: func(s Sink) {
				for j := range 40 {
					s.Add(f, value, fmt.Sprintf("series-%d-%d", i, j))
				}
			}})
		}
		return parts, true
	}
	e := newTestExporter(t, Config{Own: own}, src, up("other"))
	compare := func() {
		t.Helper()
		for _, target := range []string{"/metrics", "/metrics?collect[]=other", "/metrics?exclude[]=other", "/metrics"} {
			scrapes.Inc()
			plain := get(t, e, target).Body.String()
			zipped := gunzip(t, get(t, e, target, "Accept-Encoding", "gzip"))
			if diff := cmp.Diff(withoutDurations(plain), withoutDurations(zipped)); diff != "" {
				t.Errorf("%s compressed differs:\n%s", target, diff)
			}
		}
	}
	compare()
	if n := len(e.pages.compressed); n != 3 {
		t.Errorf("%d pages kept, want 3", n)
	}
	value, version = 2, 2
	compare()
	if n := len(e.pages.compressed); n > maxPages {
		t.Errorf("%d pages kept, want at most %d", n, maxPages)
	}
	// What is on the page stays the same: it is not compressed again.
	blocks := e.pages.compressed[0]
	get(t, e, "/metrics", "Accept-Encoding", "gzip")
	if e.pages.compressed[0] != blocks {
		t.Error("an unchanged page was compressed again")
	}
}

// A page is compressed in segments, of which only those that changed are compressed
// again: one part's large chunk, or the small families of one subject.
func TestGzipSegments(t *testing.T) {
	few, many := gauge("few_series", "Help.", "id"), gauge("many_series", "Help.", "id")
	part := func(f *Family, id, series, version int) Part {
		return Part{ID: fmt.Sprint(id), Version: version, Emit: func(s Sink) {
			for j := range series {
				s.Add(f, float64(version*j), fmt.Sprintf("series-%d-%d", id, j))
			}
		}}
	}
	var fews, manys []Part
	for i := range 20 {
		fews, manys = append(fews, part(few, i, 2, 1)), append(manys, part(many, i, 1000, 1))
	}
	source := func(name string, f *Family, parts *[]Part) *fakeSource {
		s := fixed(name, []*Family{f})
		s.onRead = func(context.Context) ([]Part, bool) { return slices.Clone(*parts), true }
		return s
	}
	e := newTestExporter(t, Config{}, source("few", few, &fews), source("many", many, &manys))
	before := map[*byte]bool{}
	scrape := func() (renewed int) {
		t.Helper()
		zipped := gunzip(t, get(t, e, "/metrics", "Accept-Encoding", "gzip"))
		if diff := cmp.Diff(withoutDurations(get(t, e, "/metrics").Body.String()), withoutDurations(zipped)); diff != "" {
			t.Errorf("compressed differs:\n%s", diff)
		}
		for _, s := range e.pages.segments {
			if !before[&s.blocks[0]] {
				before[&s.blocks[0]] = true
				renewed++
			}
		}
		return renewed
	}
	if n := scrape(); n < 21 {
		t.Fatalf("%d segments, want one of each large part at least", n)
	}
	manys[5], manys[17] = part(many, 5, 1000, 2), part(many, 17, 1001, 2)
	if n := scrape(); n != 2 {
		t.Errorf("%d segments compressed again, want those of the two parts that changed", n)
	}
	fews[3] = part(few, 3, 2, 2)
	if n := scrape(); n != 1 {
		t.Errorf("%d segments compressed again, want that of the small family that changed", n)
	}
}

func TestRecall(t *testing.T) {
	var list []int
	for _, n := range []int{1, 2, 3, 4, 1, 5, 6, 1} {
		if got := recall(&list, func(m int) bool { return m == n }, func() int { return n }); got != n {
			t.Errorf("got %d, want %d", got, n)
		}
	}
	if diff := cmp.Diff([]int{1, 6, 5, 4}, list); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	recall(&list, func(m int) bool { return m == 1 }, func() int { t.Error("made what is there"); return 0 })
}

func withoutDurations(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, durationFamily.name+"{") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func TestDuplicates(t *testing.T) {
	f := gauge("test_shared", "Help.", "id")
	one := func(id string, values ...string) Part {
		return Part{ID: id, Version: 1, Emit: func(s Sink) {
			for i, v := range values {
				s.Add(f, float64(i), v)
			}
		}}
	}
	var log bytes.Buffer
	e := newTestExporter(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))},
		fixed("a", []*Family{f}, one("1", "x", "x", "y"), one("2", "y", "z")),
		fixed("b", []*Family{f}, one("1", "z", "w"), one("2", "x")))
	for i := range 3 { // the first finds out, the others remember
		body := get(t, e, "/metrics").Body.String()
		want := "# HELP test_shared Help.\n# TYPE test_shared gauge\n" +
			"test_shared{id=\"x\"} 0\ntest_shared{id=\"y\"} 2\ntest_shared{id=\"z\"} 1\ntest_shared{id=\"w\"} 1\n"
		if !strings.HasPrefix(body, want+"# HELP storage_") {
			t.Errorf("page:\n%s", body)
		}
		if a, b := droppedSeries(e, "a", droppedDuplicate), droppedSeries(e, "b", droppedDuplicate); a != float64(2*(i+1)) || b != float64(2*(i+1)) {
			t.Errorf("dropped %v and %v after %d scrapes", a, b, i+1)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 2 || !strings.Contains(log.String(), `test_shared{id=\"x\"} 0`) {
		t.Errorf("want one warning for each collector, with an example:\n%s", &log)
	}
	lines, _ := scrapeOf(t, e, "/metrics?collect[]=b")
	wantLines(t, lines, `test_shared{id="z"} 0`, `test_shared{id="w"} 1`, `test_shared{id="x"} 0`)

	before := droppedSeries(e, "a", droppedDuplicate)
	families := delimited(t, e)
	if len(families) != 3 || len(families[2].Metric) != 4 || droppedSeries(e, "a", droppedDuplicate) != before+2 {
		t.Errorf("protobuf: %v", families)
	}
}

// The exporter's own families follow, and never make a second block of one.
func TestOwnFamilies(t *testing.T) {
	var log bytes.Buffer
	own, runtime := prometheus.NewRegistry(), prometheus.NewRegistry()
	metrics := NewMetrics(own)
	gaugeOf := func(name, help string, v float64) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		g.Set(v)
		return g
	}
	own.MustRegister(gaugeOf("own_a", "Help.", 1), gaugeOf("test_a_up", "Clash.", 1),
		gaugeOf("storage_scrape_collector_success", "Clash.", 1), gaugeOf("both", "Help.", 1))
	runtime.MustRegister(gaugeOf("go_b", "Help.", 2), gaugeOf("both", "Help.", 1))
	e := newTestExporter(t, Config{Own: own, Runtime: runtime, Metrics: metrics, Logger: slog.New(slog.NewTextHandler(&log, nil))}, up("a"))
	text := get(t, e, "/metrics").Body.String()
	blocks := map[string]int{}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			blocks[name]++
		}
	}
	want := map[string]int{"test_a_up": 1, successFamily.name: 1, durationFamily.name: 1, "own_a": 1, "go_b": 1, "both": 1,
		"storage_scrape_collector_panics_total": 1, "storage_scrape_dropped_series_total": 1}
	if diff := cmp.Diff(want, blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	parse(t, []byte(text))
	wantLines(t, strings.Split(text, "\n"), `test_a_up{id="a"} 1`, "own_a 1", "go_b 2", "both 1")
	if !strings.Contains(log.String(), "test_a_up") {
		t.Errorf("the clash is not logged: %s", &log)
	}
	for _, f := range delimited(t, e) {
		delete(want, f.GetName())
	}
	if len(want) > 0 {
		t.Errorf("missing from protobuf: %v", want)
	}
}

// A gatherer that fails costs no more than what it does not give.
func TestOwnGathererFails(t *testing.T) {
	failing := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return nil, io.ErrUnexpectedEOF })
	e := newTestExporter(t, Config{Own: failing}, up("a"))
	for _, accept := range []string{"text/plain", string(expfmt.FmtProtoText)} {
		w := get(t, e, "/metrics", "Accept", accept)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "test_a_up") {
			t.Errorf("%s: %d %s", accept, w.Code, w.Body)
		}
	}
}

func TestClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		slow := up("slow")
		slow.onRead = func(context.Context) ([]Part, bool) { g.wait(); return nil, true }
		e := newTestExporter(t, Config{}, slow, up("fast"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := httptest.NewRecorder()
		start := time.Now()
		e.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
		if time.Since(start) != time.Second || w.Body.Len() > 0 {
			t.Errorf("went on for %v and wrote %d bytes", time.Since(start), w.Body.Len())
		}
		g.open()
	})
}

// duringWrite is a client that looks around while it is sent its answer.
type duringWrite struct {
	*httptest.ResponseRecorder
	look func()
}

func (w duringWrite) Write(p []byte) (int, error) {
	w.look()
	return w.ResponseRecorder.Write(p)
}

// A page of text is sent without a place among the scrapes: it takes no memory of its
// own. What other formats are made of does.
func TestSendingTakesNoPlace(t *testing.T) {
	e := newTestExporter(t, Config{}, newFakeFleet(50, 36))
	h := inbound.New(1, slog.New(slog.DiscardHandler)).Outside(inbound.NewLimit(inbound.Bounds{Places: 1}).Bound(e))
	request := func(accept, encoding string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Encoding", encoding)
		return r
	}
	for _, tt := range []struct {
		accept, encoding string
		other            int
	}{
		{"text/plain", "identity", 200},
		{"text/plain", "gzip", 200},
		{string(expfmt.FmtProtoDelim), "identity", 503},
	} {
		status := 0
		h.ServeHTTP(duringWrite{httptest.NewRecorder(), func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, request("text/plain", "identity"))
			status = w.Code
		}}, request(tt.accept, tt.encoding))
		if status != tt.other {
			t.Errorf("%s %s: another scrape meanwhile got %d, want %d", tt.accept, tt.encoding, status, tt.other)
		}
	}
}

// Who names collectors gets these, and what is said of their scrape, not the
// exporter's own metrics: those come once, with the rest.
func TestOwnMetricsAreForTheWholePage(t *testing.T) {
	own := prometheus.NewRegistry()
	own.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "storage_own", Help: "Own."}))
	e := newTestExporter(t, Config{Own: own}, up("a"), up("b"))
	for target, want := range map[string]bool{"/metrics": true, "/metrics?exclude[]=b": true, "/metrics?collect[]=a": false} {
		for _, accept := range []string{"text/plain", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text"} {
			page := get(t, e, target, "Accept", accept).Body.String()
			if got := strings.Contains(page, "storage_own"); got != want {
				t.Errorf("%s as %s: own metrics %v, want %v", target, accept, got, want)
			}
			if !strings.Contains(page, "storage_scrape_collector_success") || !strings.Contains(page, "test_a_up") {
				t.Errorf("%s as %s: what was asked for is not there:\n%s", target, accept, page)
			}
		}
	}
}
