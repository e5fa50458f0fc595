package exposition

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"storage_exporter/internal/inbound"
)

// fakeFleet is a fake source of drives whose series look like those of real ones.
type fakeFleet struct {
	drives, series int
	all            []*Family
	versions       []int
}

func newFakeFleet(drives, series int) *fakeFleet {
	f := &fakeFleet{drives: drives, series: series, versions: make([]int, drives)}
	for i := range 12 {
		f.all = append(f.all, gauge(fmt.Sprintf("smartctl_device_figure_number_%d", i), "One figure of a drive, as its report has it.", "device"))
	}
	f.all = append(f.all, gauge("smartctl_device_attribute", "Device attributes",
		"device", "attribute_name", "attribute_flags_short", "attribute_flags_long", "attribute_value_type", "attribute_id"))
	return f
}

func (f *fakeFleet) Name() string       { return "smart" }
func (f *fakeFleet) Families() Families { return f.all }
func (f *fakeFleet) Read(context.Context) ([]Part, bool) {
	parts := make([]Part, f.drives)
	for i := range parts {
		parts[i] = Part{ID: fmt.Sprintf("sd%d", i), Version: f.versions[i], Emit: func(s Sink) { f.emit(s, i) }}
	}
	return parts, true
}

func (f *fakeFleet) emit(s Sink, drive int) {
	device := fmt.Sprintf("sd%d", drive)
	simple := f.all[:len(f.all)-1]
	for i, family := range simple {
		s.Add(family, float64(drive*i+f.versions[drive])*1.25, device)
	}
	attribute := f.all[len(f.all)-1]
	for i := range f.series - len(simple) {
		s.Add(attribute, float64(drive+i), device, fmt.Sprintf("Attribute_Of_Number_%d", i/4), "PO--CK",
			"prefailure,updated_online,event_count,auto_keep", []string{"raw", "value", "worst", "thresh"}[i%4], fmt.Sprint(i/4))
	}
}

// change gives every n-th drive a new report, as the background does between
// two scrapes.
func (f *fakeFleet) change(n int) {
	for i := 0; i < f.drives; i += n {
		f.versions[i]++
	}
}

// constMetrics is a client_golang collector of prebuilt const metrics.
type constMetrics struct {
	descs   []*prometheus.Desc
	metrics []prometheus.Metric
}

func newConstMetrics(f *fakeFleet) *constMetrics {
	c := NewCollector(f)
	out := &constMetrics{}
	for _, family := range c.families {
		out.descs = append(out.descs, family.desc)
	}
	ch := make(chan prometheus.Metric)
	go func() {
		defer close(ch)
		c.Collect(ch)
	}()
	for m := range ch {
		out.metrics = append(out.metrics, m)
	}
	return out
}

func (c *constMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

func (c *constMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, m := range c.metrics {
		ch <- m
	}
}

// scrapers scrapes url n times at once over loopback.
func scrapers(b *testing.B, client *http.Client, url string, n int, encoding string) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
			req.Header.Set("Accept-Encoding", encoding)
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			defer resp.Body.Close()
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
				b.Errorf("status %d, %v", resp.StatusCode, err)
			}
		})
	}
	wg.Wait()
}

// BenchmarkScrape scrapes 78 drives of 36 series each over loopback, beside
// what client_golang alone needs for the same and a handler that only writes
// the same bytes.
func BenchmarkScrape(b *testing.B) {
	f := newFakeFleet(78, 36)
	e := newTestExporter(b, Config{}, f)
	changing := newFakeFleet(78, 36)
	changingExporter := newTestExporter(b, Config{}, changing)

	reg := prometheus.NewRegistry()
	reg.MustRegister(newConstMetrics(f))
	families, err := reg.Gather()
	if err != nil {
		b.Fatal(err)
	}
	prebuilt := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, nil })
	page := get(b, e, "/metrics").Body.Bytes()
	zipped := get(b, e, "/metrics", "Accept-Encoding", "gzip").Body.Bytes()

	handlers := []struct {
		name    string
		handler http.Handler
		between func()
	}{
		{"unchanged", e, nil},
		{"sixth_changed", changingExporter, func() { changing.change(6) }},
		{"all_changed", changingExporter, func() { changing.change(1) }},
		{"client_golang_const", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), nil},
		{"client_golang_families", promhttp.HandlerFor(prebuilt, promhttp.HandlerOpts{}), nil},
		{"bare", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := page
			if inbound.AcceptsGzip(r.Header) {
				w.Header().Set("Content-Encoding", "gzip")
				body = zipped
			}
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			_, _ = w.Write(body)
		}), nil},
	}
	for _, encoding := range []string{"identity", "gzip"} {
		for _, n := range []int{1, 8} {
			for _, h := range handlers {
				b.Run(fmt.Sprintf("%s/scrapers=%d/%s", encoding, n, h.name), func(b *testing.B) {
					server := httptest.NewServer(h.handler)
					defer server.Close()
					client := server.Client()
					client.Transport.(*http.Transport).MaxIdleConnsPerHost = n
					b.ReportAllocs()
					for b.Loop() {
						if h.between != nil {
							h.between()
						}
						scrapers(b, client, server.URL, n, encoding)
					}
				})
			}
		}
	}
}

// BenchmarkThousandDrives scrapes 1,000 drives of 73 series each, and shows
// what the encoded text holds of the heap.
func BenchmarkThousandDrives(b *testing.B) {
	for _, encoding := range []string{"identity", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			before := heap()
			f := newFakeFleet(1000, 73)
			e := newTestExporter(b, Config{}, f)
			server := httptest.NewServer(e)
			defer server.Close()
			client := server.Client()
			client.Transport.(*http.Transport).MaxIdleConnsPerHost = 8
			b.ReportAllocs()
			for b.Loop() {
				f.change(6)
				scrapers(b, client, server.URL, 8, encoding)
			}
			b.ReportMetric((heap()-before)/(1<<20), "heap-MiB")
			runtime.KeepAlive(e)
		})
	}
	b.Run("client_golang_const", func(b *testing.B) {
		before := heap()
		reg := prometheus.NewRegistry()
		reg.MustRegister(newConstMetrics(newFakeFleet(1000, 73)))
		server := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
		defer server.Close()
		b.ReportAllocs()
		for b.Loop() {
			scrapers(b, server.Client(), server.URL, 8, "gzip")
		}
		b.ReportMetric((heap()-before)/(1<<20), "heap-MiB")
		runtime.KeepAlive(reg)
	})
}

// heap is what is in use after a collection, in bytes.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkPage is the part of a scrape that is ours: no network.
func BenchmarkPage(b *testing.B) {
	e := newTestExporter(b, Config{}, newFakeFleet(78, 36))
	req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		e.ServeHTTP(&discardResponse{header: http.Header{}}, req)
	}
}

type discardResponse struct{ header http.Header }

func (d *discardResponse) Header() http.Header         { return d.header }
func (d *discardResponse) Write(b []byte) (int, error) { return len(b), nil }
func (d *discardResponse) WriteHeader(int)             {}
