package collector

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/collector/exposition"
	"storage_exporter/internal/fakesmartctl/faketest"
	fakefleet "storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/redistest"
	"storage_exporter/smart"
	"storage_exporter/smart/smartctl"
	"storage_exporter/volume"
)

// renewed is a source of which one part of every has a new snapshot at each read.
type renewed struct {
	exposition.Source

	every, reads int
}

func (r *renewed) Read(ctx context.Context) ([]exposition.Part, bool) {
	parts, ok := r.Source.Read(ctx)
	r.reads++
	for i := range parts {
		if r.every > 0 && i%r.every == r.reads%r.every {
			emit, n := parts[i].Emit, r.reads
			parts[i].Version = n
			parts[i].Emit = func(s exposition.Sink) { emit(laterSink{s, float64(n)}) }
		}
	}
	return parts, ok
}

// laterSink shows times and counts as a later snapshot has them.
type laterSink struct {
	exposition.Sink

	n float64
}

func (s laterSink) Add(f *exposition.Family, v float64, labels ...string) {
	if v > 1000 {
		v += s.n
	}
	s.Sink.Add(f, v, labels...)
}

// benchStore is a store by name.
func benchStore(b *testing.B, name string) cachestore.Store {
	if name == "memory" {
		return cachestore.NewMemory()
	}
	store, err := cachestore.NewRedis(cachestore.RedisConfig{
		Mode: cachestore.RedisSingle, Addresses: []string{redistest.Start(b, redistest.Options{}).Addr}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return store
}

// BenchmarkScrape is how many times as long as a bare handler that has the same
// bytes a scrape of 78 drives and 10 volumes takes, asked in turn: when nothing
// changed, and when a sixth of the drives and all volumes have new snapshots
// before each scrape. The exporter's own metrics and its runtime's are on the page.
func BenchmarkScrape(b *testing.B) {
	for _, store := range []string{"redis", "memory"} {
		b.Run("store="+store, func(b *testing.B) { benchmarkScrape(b, benchStore(b, store), store) })
	}
}

func benchmarkScrape(b *testing.B, store cachestore.Store, name string) {
	own, runtime := prometheus.NewRegistry(), prometheus.NewRegistry()
	runtime.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	store = cachestore.NewInstrument(store, name, cachestore.NewMetrics(own), nil)
	b.Cleanup(func() { _ = store.Close() })
	c := cache.New(cache.Config{Store: store, Observer: "test", Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(own)})
	b.Cleanup(func() { _ = c.Close(context.Background()) })
	path, _ := faketest.New(b, fakefleet.Mixed(78, 13, 0)...)
	tool, err := smartctl.New(smartctl.Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	drives, err := smart.NewDrives(smart.DrivesConfig{Cache: c, Tool: tool, Host: "host", Metrics: smart.NewMetrics(own)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(drives.Close)
	drives.Start()
	set := newTestSet(b, func(context.Context, string) error { return nil })
	var configs []volume.Config
	for i := range 10 {
		configs = append(configs, volume.Config{Name: fmt.Sprint("v", i), Backend: "fake", Path: fmt.Sprint("/v", i)})
	}
	if err := set.Apply(configs); err != nil {
		b.Fatal(err)
	}
	reports := &renewed{Source: newSmartCollector(drives)}
	volumes := &renewed{Source: newVolumeCollector("fake", set.Volumes)}
	e, err := exposition.New(exposition.Config{Own: own, Runtime: runtime, Metrics: exposition.NewMetrics(own)},
		exposition.NewCollector(reports), exposition.NewCollector(volumes))
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(e)
	b.Cleanup(server.Close)
	for page := new(strings.Builder); strings.Count(page.String(), "\nsmartctl_device{") < 78; time.Sleep(10 * time.Millisecond) {
		page.Reset()
		fetch(b, page, server.URL, "identity")
	}
	for _, changed := range []bool{false, true} {
		if changed {
			reports.every, volumes.every = 6, 1
		}
		for _, encoding := range []string{"gzip", "identity"} {
			b.Run(fmt.Sprintf("changed=%v/%s", changed, encoding), func(b *testing.B) { inTurn(b, server.URL, encoding) })
		}
	}
}

// inTurn scrapes url and a bare handler of the same bytes in turn.
func inTurn(b *testing.B, url, encoding string) {
	var page bytes.Buffer
	fetch(b, &page, url, encoding)
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		w.Header().Set("Content-Length", strconv.Itoa(page.Len()))
		w.Header().Set("Content-Encoding", encoding)
		_, _ = w.Write(page.Bytes())
	}))
	defer bare.Close()
	took := map[string][]time.Duration{}
	for b.Loop() {
		for _, target := range []string{bare.URL, url} {
			start := time.Now()
			fetch(b, io.Discard, target, encoding)
			took[target] = append(took[target], time.Since(start))
		}
	}
	median := func(target string) float64 {
		slices.Sort(took[target])
		return float64(took[target][len(took[target])/2].Microseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op") // of both together: says nothing
	b.ReportMetric(float64(page.Len()), "B/page")
	b.ReportMetric(median(url), "ms-p50")
	b.ReportMetric(median(bare.URL), "ms-bare")
	b.ReportMetric(median(url)/median(bare.URL), "x-bare")
}

// fetch writes a page as it is sent.
func fetch(b *testing.B, out io.Writer, url, encoding string) {
	b.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(out, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("status %d, %v", resp.StatusCode, err)
	}
}
