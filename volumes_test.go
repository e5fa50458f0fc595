package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/internal/redistest"
)

// clusters are ten appliances with a hundred volumes each, and the file that
// configures them.
func clusters(t testing.TB) (all []*weka, file string) {
	t.Helper()
	var config strings.Builder
	for n := range 10 {
		w := startWeka(t, fmt.Sprint("weka", n), 100)
		all = append(all, w)
		config.WriteString(w.config())
	}
	return all, writeFile(t, "volumes.toml", config.String())
}

// volumesOnly are the flags of an exporter of the file's volumes and nothing else.
func volumesOnly(file string, server *redistest.Server) []string {
	return []string{noSmartctl, "--no-collector.enclosures", "--no-collector.zfs", "--config.file=" + file, "--redis.address=" + server.Addr}
}

// volumeSeries is what a page must show of the clusters' volumes, and what the
// series' values must be where that is known.
func volumeSeries(all []*weka) (series map[string]bool, lines []string) {
	series = map[string]bool{}
	for _, w := range all {
		for n := range w.filesystems {
			label := `{volume="` + w.volume(n) + `"}`
			for _, name := range []string{
				"iops_read", "iops_write", "throughput_bytes_read", "throughput_bytes_write", "latency_usec_read", "latency_usec_write",
				"metric_last_updated_timestamp", "health_last_checked_timestamp_seconds", "capacity_bytes", "used_bytes", "available_bytes",
			} {
				series["backendai_storage_volume_"+name+label] = true
			}
			lines = append(lines, `backendai_storage_volume_health_status{status="healthy",volume="`+w.volume(n)+`"} 1`+"\n")
		}
	}
	return series, lines
}

// lacking is what a page does not have of the series and lines.
func lacking(page string, series map[string]bool, lines []string) []string {
	lack := missing(series, seriesOf(page, "backendai_storage_volume_"))
	there := map[string]bool{}
	for line := range strings.Lines(page) {
		there[line] = true
	}
	for _, line := range lines {
		if !there[line] {
			lack = append(lack, line)
		}
	}
	return lack
}

// awaitVolumes waits until a scrape shows all volumes of the clusters, all of them
// healthy, with their figures and sizes.
func awaitVolumes(t testing.TB, url string, all []*weka) string {
	t.Helper()
	series, lines := volumeSeries(all)
	var lack []string
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		page, err := fetch(url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		if lack = lacking(page, series, lines); len(lack) == 0 {
			return page
		}
	}
	t.Fatalf("%d series are missing or wrong, such as %.500q", len(lack), lack)
	return ""
}

// scrapes asks so often, from so many clients at once.
func (p *process) scrapes(times, clients int) {
	p.t.Helper()
	work := make(chan struct{})
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			for range work {
				if _, err := scrapeOnce(p.url+"/metrics", n%2 == 0); err != nil {
					p.t.Error(err)
				}
			}
		})
	}
	for range times {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
}

// observations counts those that the process has made, of all kinds.
func observations(t testing.TB, page string) (n int) {
	t.Helper()
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, "storage_observe_duration_seconds_count{"); ok {
			_, text, _ := strings.Cut(rest, "} ")
			count, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				t.Fatal(err)
			}
			n += count
		}
	}
	return n
}

// due is how often a source may be asked in a time: at the start, half an interval
// later at the earliest, and from then on once in an interval.
func due(in, interval time.Duration) int { return 1 + int((in+interval/2)/interval) }

// asked checks that no cluster was asked more often than docs/backends/weka.md
// says, since the exporters of its volumes began.
func asked(t *testing.T, when string, all []*weka, begun time.Time) {
	t.Helper()
	for _, w := range all {
		calls := w.count()
		in := time.Since(begun) // after the calls were counted
		most := map[string]int{
			"/login": 1, "/login/refresh": int(in / (4 * time.Minute)),
			"/stats": due(in, time.Minute), "/cluster": due(in, 30*time.Second), "/fileSystems": 1 + int(in/(25*time.Second)),
		}
		for path, n := range calls {
			if n > most[path] {
				t.Errorf("%s, after %v: %s was asked %d times for %s, %d is the most", when, in, w.name, n, path, most[path])
			}
		}
	}
}

// The appliances of 1,000 volumes are asked as often as is documented, whoever
// looks and however many replicas there are, and the process stays small.
func TestThousandVolumes(t *testing.T) {
	const most = 100 // MiB
	all, file := clusters(t)
	server := redistest.Start(t, redistest.Options{})
	binary(t)
	begun := time.Now()
	first := startProcess(t, volumesOnly(file, server)...)
	page := awaitVolumes(t, first.url, all)
	asked(t, "at the start", all, begun)
	if n := observations(t, page); n < 3*len(all) {
		t.Errorf("%d observations of %d sources are counted", n, 3*len(all))
	}
	first.scrapes(50, 8)
	asked(t, "scraped", all, begun)

	second := startProcess(t, volumesOnly(file, server)...)
	page = awaitVolumes(t, second.url, all)
	second.scrapes(50, 8)
	asked(t, "with a second replica", all, begun)
	if n := observations(t, page); n != 0 {
		t.Errorf("the second replica has made %d observations", n)
	}
	for _, p := range []*process{first, second} {
		peak, err := memory(p.cmd.Process.Pid, "VmHWM")
		if err != nil {
			t.Fatal(err)
		}
		if peak >= most {
			t.Errorf("%.0f MiB of memory, %d is the most", peak, most)
		}
	}
}
