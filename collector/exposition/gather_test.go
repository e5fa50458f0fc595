package exposition

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// scrapeOf is the samples' lines of a page, and how long it took.
func scrapeOf(t *testing.T, e *Exporter, target string, headers ...string) (lines []string, took time.Duration) {
	t.Helper()
	start := time.Now()
	w := get(t, e, target, headers...)
	took = time.Since(start)
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines, took
}

func wantLines(t *testing.T, lines []string, want ...string) {
	t.Helper()
	for _, w := range want {
		found := false
		for _, l := range lines {
			found = found || l == w
		}
		if !found {
			t.Errorf("no line %q in:\n%s", w, strings.Join(lines, "\n"))
		}
	}
}

func wantNoLine(t *testing.T, lines []string, prefix string) {
	t.Helper()
	for _, l := range lines {
		if strings.HasPrefix(l, prefix) {
			t.Errorf("unwanted line %q", l)
		}
	}
}

func TestSlowCollectorCostsOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := up("slow")
		slow.onRead = func(ctx context.Context) ([]Part, bool) { time.Sleep(40 * time.Second); return nil, true }
		e := newTestExporter(t, Config{}, up("fast"), slow)
		lines, took := scrapeOf(t, e, "/metrics", timeoutHeader, "5")
		if took != 4500*time.Millisecond {
			t.Errorf("answered after %v, want Prometheus' timeout less the offset", took)
		}
		wantLines(t, lines, `test_fast_up{id="fast"} 1`,
			`storage_scrape_collector_success{collector="fast"} 1`,
			`storage_scrape_collector_success{collector="slow"} 0`,
			`storage_scrape_collector_duration_seconds{collector="fast"} 0`,
			`storage_scrape_collector_duration_seconds{collector="slow"} 4.5`)
		// The next scrape joins the read under way.
		time.Sleep(30 * time.Second)
		lines, took = scrapeOf(t, e, "/metrics", timeoutHeader, "15")
		if took != 5500*time.Millisecond {
			t.Errorf("answered after %v, want when the read ended", took)
		}
		wantLines(t, lines, `storage_scrape_collector_success{collector="slow"} 1`,
			`storage_scrape_collector_duration_seconds{collector="slow"} 40`)
		if n := slow.reads.Load(); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
	})
}

// A collector that returns what it has when its own time is over keeps its
// other drives on the page.
func TestPartialReadIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		partial := up("partial")
		parts, _ := partial.onRead(t.Context())
		partial.onRead = func(ctx context.Context) ([]Part, bool) { <-ctx.Done(); return parts, false }
		e := newTestExporter(t, Config{}, partial)
		lines, took := scrapeOf(t, e, "/metrics")
		if took != 9250*time.Millisecond {
			t.Errorf("answered after %v, want the default less offset and margin", took)
		}
		wantLines(t, lines, `test_partial_up{id="partial"} 1`, `storage_scrape_collector_success{collector="partial"} 0`)

		// One that joins a read with an earlier deadline waits for its own.
		var wg sync.WaitGroup
		wg.Go(func() { scrapeOf(t, e, "/metrics", timeoutHeader, "2") })
		synctest.Wait()
		lines, took = scrapeOf(t, e, "/metrics", timeoutHeader, "6")
		wg.Wait()
		if took != 5250*time.Millisecond {
			t.Errorf("answered after %v, want its own deadline", took)
		}
		wantLines(t, lines, `test_partial_up{id="partial"} 1`)
	})
}

// A scrape with less time than the one that started a read gets, at its own deadline,
// all that is there by then.
func TestEachScrapeHasItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := up("hangs")
		parts, _ := hangs.onRead(t.Context())
		hangs.onRead = func(ctx context.Context) ([]Part, bool) { <-ctx.Done(); return parts, false }
		e := newTestExporter(t, Config{}, hangs)
		var wg sync.WaitGroup
		defer wg.Wait()
		for _, scrape := range []struct {
			timeout string
			took    time.Duration
		}{{"10", 9250 * time.Millisecond}, {"3", 2250 * time.Millisecond}, {"1", 450 * time.Millisecond}, {"5", 4250 * time.Millisecond}} {
			wg.Go(func() {
				lines, took := scrapeOf(t, e, "/metrics", timeoutHeader, scrape.timeout)
				if took != scrape.took {
					t.Errorf("timeout %s s: answered after %v, want %v", scrape.timeout, took, scrape.took)
				}
				wantLines(t, lines, `test_hangs_up{id="hangs"} 1`, `storage_scrape_collector_success{collector="hangs"} 0`)
			})
			synctest.Wait()
		}
	})
}

func TestWedgedReadIsJoinedThenGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		stuck := up("stuck")
		stuck.onRead = func(context.Context) ([]Part, bool) { g.wait(); return nil, true }
		e := newTestExporter(t, Config{}, up("fast"), stuck)
		for range 6 {
			lines, took := scrapeOf(t, e, "/metrics", timeoutHeader, "10")
			if took != 9500*time.Millisecond {
				t.Errorf("answered after %v", took)
			}
			wantLines(t, lines, `test_fast_up{id="fast"} 1`, `storage_scrape_collector_success{collector="stuck"} 0`)
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		for range 10 {
			lines, took := scrapeOf(t, e, "/metrics", timeoutHeader, "10")
			if took != 0 {
				t.Errorf("answered after %v, want at once: the read is not coming", took)
			}
			wantLines(t, lines, `test_fast_up{id="fast"} 1`, `storage_scrape_collector_success{collector="stuck"} 0`,
				`storage_scrape_collector_duration_seconds{collector="stuck"} 70`)
		}
		if n := stuck.reads.Load(); n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
		g.open()
		synctest.Wait()
		lines, _ := scrapeOf(t, e, "/metrics")
		wantLines(t, lines, `storage_scrape_collector_success{collector="stuck"} 1`)
		if n := stuck.reads.Load(); n != 2 {
			t.Errorf("%d reads after it returned, want 2", n)
		}
	})
}

func TestScrapersShareOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		shared := up("shared")
		parts, _ := shared.onRead(t.Context())
		shared.reads.Store(0)
		shared.onRead = func(ctx context.Context) ([]Part, bool) { return parts, g.waitOr(ctx) }
		e := newTestExporter(t, Config{}, shared)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				target := "/metrics"
				if i%2 == 1 {
					target = "/metrics?collect[]=shared"
				}
				lines, _ := scrapeOf(t, e, target)
				wantLines(t, lines, `test_shared_up{id="shared"} 1`, `storage_scrape_collector_success{collector="shared"} 1`)
			})
		}
		synctest.Wait()
		time.Sleep(time.Second)
		g.open()
		wg.Wait()
		if n := shared.reads.Load(); n != 1 {
			t.Errorf("%d reads for 20 scrapers, want 1", n)
		}
	})
}

// A scraper that leaves does not take the read away from the others.
func TestLeavingScraperCancelsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := up("shared")
		parts, _ := shared.onRead(t.Context())
		shared.onRead = func(ctx context.Context) ([]Part, bool) {
			select {
			case <-time.After(3 * time.Second):
				return parts, true
			case <-ctx.Done():
				return nil, false
			}
		}
		e := newTestExporter(t, Config{}, shared)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		l := e.layout.Load()
		var wg sync.WaitGroup
		wg.Go(func() {
			// It had a minute, but leaves after a second.
			scrape, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			context.AfterFunc(ctx, cancel)
			if o := e.gather(scrape, l, []int{0}); o[0].complete {
				t.Error("complete before the read was")
			}
		})
		synctest.Wait()
		lines, took := scrapeOf(t, e, "/metrics")
		wg.Wait()
		if took != 3*time.Second {
			t.Errorf("answered after %v, want when the read ended", took)
		}
		wantLines(t, lines, `test_shared_up{id="shared"} 1`)
	})
}

func TestPanicCostsOnlyItsCollector(t *testing.T) {
	broken := up("broken")
	broken.onRead = func(context.Context) ([]Part, bool) {
		panic("index out of range")
	}
	e := newTestExporter(t, Config{}, up("fast"), broken)
	for i := range 2 {
		lines, _ := scrapeOf(t, e, "/metrics")
		wantLines(t, lines, `test_fast_up{id="fast"} 1`, `storage_scrape_collector_success{collector="broken"} 0`)
		if n := testutil.ToFloat64(e.cfg.Metrics.panics.WithLabelValues("broken")); n != float64(i+1) {
			t.Errorf("%v panics counted, want %d", n, i+1)
		}
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		obeys, stuck := up("obeys"), up("stuck")
		obeys.onRead = func(ctx context.Context) ([]Part, bool) { <-ctx.Done(); return nil, false }
		stuck.onRead = func(context.Context) ([]Part, bool) { g.wait(); return nil, true }
		e := newTestExporter(t, Config{}, obeys, stuck)
		var wg sync.WaitGroup
		wg.Go(func() { scrapeOf(t, e, "/metrics") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := e.Close(ctx); err == nil {
			t.Error("no error though a read is stuck")
		}
		g.open()
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wg.Wait()
		before := obeys.reads.Load()
		lines, _ := scrapeOf(t, e, "/metrics")
		wantLines(t, lines, `storage_scrape_collector_success{collector="obeys"} 0`)
		if obeys.reads.Load() != before {
			t.Error("a read was started after Close")
		}
	})
}

func TestSet(t *testing.T) {
	e := newTestExporter(t, Config{}, up("a"), up("b"))
	if err := e.Set(NewCollector(up("c")), NewCollector(up("a"))); err != nil {
		t.Fatal(err)
	}
	lines, _ := scrapeOf(t, e, "/metrics")
	wantLines(t, lines, `test_a_up{id="a"} 1`, `test_c_up{id="c"} 1`)
	wantNoLine(t, lines, "test_b_up")
	if got := strings.Join(e.Names(), " "); got != "a c" {
		t.Errorf("names %q", got)
	}

	help := fixed("x", []*Family{gauge("test_a_up", "Another help.", "id")})
	kind := fixed("x", []*Family{counter("test_a_up", "Whether it is up.", "id")})
	labels := fixed("x", []*Family{gauge("test_a_up", "Whether it is up.", "device")})
	twice := fixed("x", []*Family{gauge("test_x", "Help."), gauge("test_x", "Help.")})
	reserved := fixed("x", []*Family{gauge("storage_scrape_collector_success", "Help.")})
	for name, bad := range map[string]Source{
		"same name": up("a"), "help": help, "kind": kind, "labels": labels, "family twice": twice, "reserved": reserved,
	} {
		t.Run(name, func(t *testing.T) {
			if err := e.Set(NewCollector(up("a")), NewCollector(bad)); err == nil {
				t.Error("no error")
			}
			if len(e.Names()) != 2 {
				t.Error("a refused set was taken")
			}
		})
	}
}

// Everything at once, for the race detector: no page is ever torn.
func TestManyScrapersWhileEverythingChanges(t *testing.T) {
	f := gauge("test_pair", "Two series that are always equal.", "drive", "side")
	var version atomic.Int64
	pairs := fixed("pairs", []*Family{f})
	pairs.onRead = func(context.Context) ([]Part, bool) {
		var parts []Part
		for i := range 5 + version.Add(1)%3 {
			v := version.Load() / (i + 1)
			drive := strconv.FormatInt(i, 10)
			parts = append(parts, Part{ID: drive, Version: v, Emit: func(s Sink) {
				s.Add(f, float64(v), drive, "left")
				s.Add(f, float64(v), drive, "right")
				s.Add(f, float64(v), drive, "right")
			}})
		}
		return parts, true
	}
	e := newTestExporter(t, Config{}, pairs, up("a"))
	first, other := e.layout.Load().collectors, NewCollector(up("b"))
	stop := newGate()
	var background, wg sync.WaitGroup
	background.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop.ch:
				return
			default:
			}
			collectors := slices.Clone(first)
			if i%2 == 0 {
				collectors = append(collectors, other)
			}
			if err := e.Set(collectors...); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 8 {
		wg.Go(func() {
			for range 40 {
				var text string
				switch i % 3 {
				case 0:
					text = gunzip(t, get(t, e, "/metrics", "Accept-Encoding", "gzip"))
				case 1:
					text = get(t, e, "/metrics?collect[]=pairs").Body.String()
				default:
					for _, f := range delimited(t, e) {
						if f.GetName() == "test_pair" && len(f.Metric)%2 != 0 {
							t.Errorf("torn: %v", f)
						}
					}
					continue
				}
				m := parse(t, []byte(text))["test_pair"].GetMetric()
				if len(m) < 10 || len(m)%2 != 0 {
					t.Errorf("%d series:\n%s", len(m), text)
					return
				}
				for j := 0; j < len(m); j += 2 {
					if m[j].GetGauge().GetValue() != m[j+1].GetGauge().GetValue() {
						t.Errorf("torn: %v", m[j:j+2])
					}
				}
			}
		})
	}
	wg.Wait()
	stop.open()
	background.Wait()
}
