package exposition

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	defaultTimeout = 10 * time.Second
	defaultOffset  = 500 * time.Millisecond
)

// Config is what an Exporter is made of.
type Config struct {
	Logger  *slog.Logger
	Metrics *Metrics
	// Own gathers the exporter's own storage_* metrics; Runtime go_* and
	// process_*, which a text page may have up to 5 s old. Either may be nil.
	Own, Runtime prometheus.Gatherer
	// Timeout is a scrape's when Prometheus does not send its own; 0 means
	// 10 s.
	Timeout time.Duration
	// TimeoutOffset is how much earlier than Prometheus a scrape gives up, so
	// that what it has arrives in time; 0 means 0.5 s.
	TimeoutOffset time.Duration
}

// Exporter serves its collectors' metrics: it is the http.Handler of the
// telemetry path, and a prometheus.Collector of all of them.
type Exporter struct {
	cfg      Config
	gatherer prometheus.Gatherers // for formats other than text
	own      []ownText
	layout   atomic.Pointer[layout]
	pages    pages

	// What was warned of once, a collector or a family, is logged at debug level
	// after that: a scrape that goes wrong goes wrong every few seconds.
	warned sync.Map

	// base is the parent of every read; Close cancels it.
	base   context.Context
	cancel context.CancelFunc

	mu     sync.Mutex // guards closed, and reads.Add against reads.Wait
	closed bool
	reads  sync.WaitGroup
}

// New makes an exporter of the collectors. It starts nothing.
func New(cfg Config, collectors ...*Collector) (*Exporter, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.TimeoutOffset <= 0 {
		cfg.TimeoutOffset = defaultOffset
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Exporter{cfg: cfg}
	if cfg.Own != nil {
		e.gatherer, e.own = append(e.gatherer, cfg.Own), append(e.own, newOwnText(cfg.Own))
	}
	if cfg.Runtime != nil {
		e.gatherer, e.own = append(e.gatherer, cfg.Runtime), append(e.own, &gatheredText{gatherer: cfg.Runtime, maxAge: maxRuntimeAge})
	}
	e.base, e.cancel = context.WithCancel(context.Background())
	if err := e.Set(collectors...); err != nil {
		return nil, err
	}
	return e, nil
}

// Set replaces the collectors, as after a reload. One that stays should be
// passed again rather than made anew: it remembers what it encoded.
func (e *Exporter) Set(collectors ...*Collector) error {
	l, err := newLayout(collectors)
	if err != nil {
		return err
	}
	e.layout.Store(l)
	for _, c := range collectors {
		e.cfg.Metrics.start(c.Name())
	}
	return nil
}

// Names lists the collectors' names in order.
func (e *Exporter) Names() []string { return e.layout.Load().names() }

// level is that of a message about the subject: a warning the first time.
func (e *Exporter) level(subject string) slog.Level {
	if _, before := e.warned.LoadOrStore(subject, true); before {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// Close ends the reads under way and waits for them until ctx ends. Scrapes
// after that find no collector complete.
func (e *Exporter) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	done := make(chan struct{})
	go func() { // ends with the last read, which the error below reports
		e.reads.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for collectors: %w", ctx.Err())
	}
}

// The exporter's own families that every scrape fills.
var (
	successFamily = newTextFamily(new(Families).Gauge("storage_scrape_collector_success",
		"Whether the collector had everything to show within the scrape's deadline (1) or not (0).", "collector"))
	durationFamily = newTextFamily(new(Families).Gauge("storage_scrape_collector_duration_seconds",
		"How long the collector took to read its snapshots; so far, if it was not ready within the scrape's deadline.", "collector"))
)

// layout is a set of collectors, and the order of their families on the page.
// It is never changed.
type layout struct {
	collectors []*Collector // by name
	families   []familyPlace
}

// familyPlace is one family and where its lines are found: several collectors
// may share it, as those of volumes do.
type familyPlace struct {
	*textFamily
	users []familyUser
}

type familyUser struct{ collector, family int }

// newLayout refuses what could not stand on one page: that is a mistake in our
// own code, though one that only shows once the collectors come together.
func newLayout(collectors []*Collector) (*layout, error) {
	l := &layout{collectors: slices.Clone(collectors)}
	slices.SortFunc(l.collectors, func(a, b *Collector) int { return strings.Compare(a.Name(), b.Name()) })
	byName := make(map[string]*familyPlace)
	for ci, c := range l.collectors {
		if ci > 0 && l.collectors[ci-1].Name() == c.Name() {
			return nil, fmt.Errorf("two collectors are named %s", c.Name())
		}
		for fi, f := range c.families {
			place := byName[f.name]
			switch {
			case f.name == successFamily.name || f.name == durationFamily.name:
				return nil, fmt.Errorf("family %s of the collector %s is the exporter's own", f.name, c.Name())
			case place == nil:
				place = &familyPlace{textFamily: f}
				byName[f.name] = place
			case f.kind != place.kind || f.help != place.help || !slices.Equal(f.labels, place.labels) || !slices.Equal(f.bounds, place.bounds):
				return nil, fmt.Errorf("family %s of the collector %s is another than that of the collector %s",
					f.name, c.Name(), l.collectors[place.users[0].collector].Name())
			case place.users[len(place.users)-1].collector == ci:
				return nil, fmt.Errorf("collector %s has two families %s", c.Name(), f.name)
			}
			place.users = append(place.users, familyUser{ci, fi})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		l.families = append(l.families, *byName[name])
	}
	return l, nil
}

func (l *layout) names() []string {
	names := make([]string, len(l.collectors))
	for i, c := range l.collectors {
		names[i] = c.Name()
	}
	return names
}

// find is where the collector of that name is, or -1.
func (l *layout) find(name string) int {
	return slices.IndexFunc(l.collectors, func(c *Collector) bool { return c.Name() == name })
}

// has says whether the name is one of the families that this page writes.
func (l *layout) has(family string) bool {
	if family == successFamily.name || family == durationFamily.name {
		return true
	}
	_, found := slices.BinarySearchFunc(l.families, family, func(p familyPlace, name string) int {
		return strings.Compare(p.name, name)
	})
	return found
}
