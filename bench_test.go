package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/redistest"
)

// constMetrics is a collector of metrics that were made beforehand.
type constMetrics []client.Metric

func (c constMetrics) Describe(chan<- *client.Desc) {}
func (c constMetrics) Collect(ch chan<- client.Metric) {
	for _, m := range c {
		ch <- m
	}
}

func parsePage(b *testing.B, page string) map[string]*dto.MetricFamily {
	b.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		b.Fatal(err)
	}
	return families
}

// prebuilt makes const metrics of the families of a page.
func prebuilt(b *testing.B, families map[string]*dto.MetricFamily) constMetrics {
	b.Helper()
	var out constMetrics
	for name, f := range families {
		for _, m := range f.GetMetric() {
			var names, values []string
			for _, l := range m.GetLabel() {
				names, values = append(names, l.GetName()), append(values, l.GetValue())
			}
			desc := client.NewDesc(name, f.GetHelp(), names, nil)
			switch {
			case m.Counter != nil:
				out = append(out, client.MustNewConstMetric(desc, client.CounterValue, m.GetCounter().GetValue(), values...))
			case m.Gauge != nil:
				out = append(out, client.MustNewConstMetric(desc, client.GaugeValue, m.GetGauge().GetValue(), values...))
			case m.Histogram != nil:
				h, buckets := m.GetHistogram(), map[float64]uint64{}
				for _, bucket := range h.GetBucket() {
					buckets[bucket.GetUpperBound()] = bucket.GetCumulativeCount()
				}
				out = append(out, client.MustNewConstHistogram(desc, h.GetSampleCount(), h.GetSampleSum(), buckets, values...))
			case m.Summary != nil:
				s, quantiles := m.GetSummary(), map[float64]float64{}
				for _, q := range s.GetQuantile() {
					quantiles[q.GetQuantile()] = q.GetValue()
				}
				out = append(out, client.MustNewConstSummary(desc, s.GetSampleCount(), s.GetSampleSum(), quantiles, values...))
			default:
				b.Fatalf("%s is of no known type", name)
			}
		}
	}
	return out
}

// yardsticks serve what is on a page by other means: client_golang alone, with
// const metrics and with families that are ready to be encoded, and a bare handler
// that has the bytes. The former serve the same series, which is checked.
type yardsticks struct{ constant, made, bare string }

func measuredBy(b *testing.B, page string) yardsticks {
	b.Helper()
	registry := client.NewRegistry()
	registry.MustRegister(prebuilt(b, parsePage(b, page)))
	ready, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	serve := func(h http.Handler) string {
		server := httptest.NewServer(h)
		b.Cleanup(server.Close)
		return server.URL
	}
	y := yardsticks{
		constant: serve(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})),
		made:     serve(promhttp.HandlerFor(client.GathererFunc(func() ([]*dto.MetricFamily, error) { return ready, nil }), promhttp.HandlerOpts{})),
		bare: serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			w.Header().Set("Content-Length", strconv.Itoa(len(page)))
			_, _ = io.WriteString(w, page)
		})),
	}
	for _, url := range []string{y.constant, y.made} {
		same, err := fetch(url)
		if err != nil {
			b.Fatal(err)
		}
		if got, want := samples(same), samples(page); got != want {
			b.Fatalf("the yardstick has %d series, not %d", got, want)
		}
	}
	return y
}

// samples counts the series of a page.
func samples(page string) int {
	n := 0
	for line := range strings.Lines(page) {
		if line[0] != '#' {
			n++
		}
	}
	return n
}

func scrapeOnce(url string, compressed bool) (int, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if compressed {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	return int(n), err
}

// measure scrapes b.N times with some scrapers at once and reports quantiles.
func measure(b *testing.B, url string, scrapers int, compressed bool) {
	b.Helper()
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64
	if _, err := scrapeOnce(url, compressed); err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var times []time.Duration
	work := make(chan struct{})
	var wg sync.WaitGroup
	for range scrapers {
		wg.Go(func() {
			for range work {
				begun := time.Now()
				if _, err := scrapeOnce(url, compressed); err != nil {
					b.Error(err)
				}
				d := time.Since(begun)
				mu.Lock()
				times = append(times, d)
				mu.Unlock()
			}
		})
	}
	b.ResetTimer()
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	b.StopTimer()
	slices.Sort(times)
	quantile := func(q float64) float64 { return float64(times[int(q*float64(len(times)-1))].Microseconds()) / 1000 }
	b.ReportMetric(quantile(0.5), "ms-p50")
	b.ReportMetric(quantile(0.99), "ms-p99")
}

// BenchmarkScrape is a page of 78 drives, about 2,800 series, from a real Redis,
// beside what client_golang alone needs for the same series and a bare handler
// for the same bytes.
func BenchmarkScrape(b *testing.B) {
	server := redistest.Start(b, redistest.Options{})
	path, _ := faketest.New(b, fleet.Mixed(78, 9, 100*time.Millisecond)...)
	in := start(b, "--smartctl.path="+path, "--redis.address="+server.Addr)
	in.awaitReady()
	page := in.scrape()
	b.Logf("%d series, %d bytes", samples(page), len(page))
	in.against(b, measuredBy(b, page))
}

// against measures scrapes of the exporter beside its yardsticks, one scraper
// alone and eight at once, and how many times as long it takes.
func (in *instance) against(b *testing.B, y yardsticks) {
	for _, scrapers := range []int{1, 8} {
		for _, compressed := range []bool{false, true} {
			how := fmt.Sprintf("scrapers=%d/gzip=%v/", scrapers, compressed)
			took := func(name, url string) (each time.Duration) {
				b.Run(how+name, func(b *testing.B) {
					measure(b, url, scrapers, compressed)
					each = b.Elapsed() / time.Duration(b.N)
				})
				return each
			}
			constant := took("client_golang-const-metrics", y.constant)
			made := took("client_golang-ready-families", y.made)
			if !compressed {
				took("bare-handler", y.bare)
			}
			b.Run(how+"exporter", func(b *testing.B) {
				measure(b, in.url+"/metrics", scrapers, compressed)
				each := float64(b.Elapsed()) / float64(b.N)
				b.ReportMetric(each/float64(constant), "x-const")
				b.ReportMetric(each/float64(made), "x-ready")
			})
		}
	}
}

// BenchmarkColdStart is from the start to the first complete scrape of 78 drives
// that take 100 ms each, eight at once; and with a warm Redis.
func BenchmarkColdStart(b *testing.B) {
	path, _ := faketest.New(b, fleet.Mixed(78, 9, 100*time.Millisecond)...)
	complete := func(b *testing.B, args ...string) {
		b.Helper()
		p := startProcess(b, args...)
		for {
			page, err := fetch(p.url + "/metrics?collect[]=smart")
			if err != nil {
				b.Fatal(err)
			}
			if value(page, `storage_scrape_collector_success{collector="smart"}`) == "1" && strings.Count(page, "smartctl_device{") == 78 {
				break
			}
		}
		b.StopTimer()
		_ = p.cmd.Process.Kill()
		<-p.done
		b.StartTimer()
	}
	b.Run("cold", func(b *testing.B) {
		binary(b)
		for b.Loop() {
			complete(b, "--smartctl.path="+path)
		}
	})
	b.Run("warm-redis", func(b *testing.B) {
		server := redistest.Start(b, redistest.Options{})
		complete(b, "--smartctl.path="+path, "--redis.address="+server.Addr)
		b.ResetTimer()
		for b.Loop() {
			complete(b, "--smartctl.path="+path, "--redis.address="+server.Addr)
		}
	})
}

func fetch(url string) (string, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var body io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			return "", err
		}
	}
	raw, err := io.ReadAll(body)
	return string(raw), err
}

// BenchmarkThousandDrives is 1,000 drives of 73 series in the embedded store, with
// eight scrapers, and the memory of the process.
func BenchmarkThousandDrives(b *testing.B) {
	for _, drives := range []int{250, 500, 1000} {
		b.Run(fmt.Sprint(drives), func(b *testing.B) {
			path, _ := faketest.New(b, fleet.Mixed(drives, 19, 0)...)
			p := startProcess(b, "--smartctl.path="+path, "--smartctl.interval=10m")
			for {
				page, err := fetch(p.url + "/metrics")
				if err != nil {
					b.Fatal(err)
				}
				if strings.Count(page, "\nsmartctl_device{") == drives {
					b.Logf("%d series", strings.Count(page, "\nsmartctl_")+strings.Count(page, "\njbod_"))
					break
				}
			}
			measure(b, p.url+"/metrics", 8, true)
			status, err := memory(p.cmd.Process.Pid, "VmRSS")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(status, "MiB-RSS")
		})
	}
}
