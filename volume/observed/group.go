package observed

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"storage_exporter/cache"
	"storage_exporter/internal/few"
	"storage_exporter/internal/gather"
	"storage_exporter/volume"
)

// plan is a Backend to be made: the volumes that share it, by name.
type plan struct {
	kind     volume.Kind
	endpoint string
	volumes  []volume.Config
	objects  []string // what each volume is on it
	err      error    // why it cannot be made
}

// mostNamed bounds the volumes that a line of the log names.
const mostNamed = 3

// names are those of the volumes, for logs: it stays short however many there are.
func (p plan) names() string {
	names := make([]string, len(p.volumes))
	for i, cfg := range p.volumes {
		names[i] = cfg.Name
	}
	return few.Of(names, mostNamed, " and ")
}

// unused is the first volume's mistake of options that have no effect; nil for none.
func (p plan) unused() error {
	for _, cfg := range p.volumes {
		cfg.Strict = true
		if _, err := p.kind.Identify(cfg); err != nil {
			return err
		}
	}
	return nil
}

// group is one Backend with a source for each kind of observation, and its volumes
// with an entry of each source.
type group struct {
	plan    plan
	volumes []*Volume
	sources []*cache.Source
	log     *slog.Logger
	news    gather.Log

	use     sync.RWMutex // held for reading while the Backend is asked
	backend volume.Backend
	closed  bool // guarded by use
}

// open makes the Backend and its sources, and starts nothing.
func (s *Set) open(p plan) *group {
	g := &group{plan: p, log: s.cfg.Logger, news: gather.Log{Logger: s.cfg.Logger}}
	if g.plan.err == nil {
		g.backend, g.plan.err = p.kind.New(g.scheduled(), s.cfg.Logger)
	}
	if g.plan.err != nil {
		g.backend = wrong{g.plan.err, p.volumes}
		s.cfg.Logger.Warn("volume is listed as unavailable", "volume", p.names(), "backend", p.volumes[0].Backend, "err", g.plan.err)
	} else if err := p.unused(); err != nil {
		s.cfg.Logger.Warn("option has no effect", "volume", p.names(), "backend", p.volumes[0].Backend, "err", err)
	}
	for i := range p.volumes {
		g.volumes = append(g.volumes, &Volume{Config: p.volumes[i], watch: s.watch(p.volumes[i].Name, g.plan.err == nil)})
	}
	slowest := g.backend.Intervals()
	// Calls that touch a mount wait for each other. Performance reads the kernel's
	// counters and does not wait for a probe of a mount that hangs.
	counting, probing := cache.NewLane(1), cache.NewLane(1)
	if !p.kind.Mounted {
		counting = cache.NewLane(2)
		probing = counting
	}
	forPerformance := g.timing(performanceTiming, DefaultPerformance, slowest.Performance, p.kind.Mounted)
	forHealth := g.timing(healthTiming, DefaultHealth, slowest.Health, p.kind.Mounted && !p.kind.Asks)
	forUsage := g.timing(usageTiming, DefaultUsage, slowest.Usage, p.kind.Mounted && !p.kind.Asks)
	performance := s.source(g, kindPerformance, counting, forPerformance)
	health := s.source(g, kindHealth, probing, forHealth)
	usage := s.source(g, kindUsage, probing, forUsage)
	g.sources = []*cache.Source{performance, health, usage}
	for _, v := range g.volumes {
		look, mount := s.mount(g, v.Config)
		if look != nil {
			g.sources = append(g.sources, look)
		}
		v.Performance = cache.Add[PerfMetric](performance, s.key(g, kindPerformance, v.Name), forPerformance.TTL)
		v.healthPut = cache.Add[volume.Health](health, s.key(g, kindHealth, v.Name), forHealth.TTL)
		v.usagePut = cache.Add[volume.Usage](usage, s.key(g, kindUsage, v.Name), forUsage.TTL)
		v.Health = &Reading[volume.Health]{own: v.healthPut, mount: mount, join: (&joinedHealth{host: s.hostName()}).join}
		v.Usage = &Reading[volume.Usage]{own: v.usagePut, mount: mount, join: joinUsage}
		v.Health.onChange(func(r cache.Result[volume.Health], mine bool) {
			s.changed(r.Err == nil && g.found(v, r.Snapshot.Value))
			if mine && r.Err == nil && s.cfg.OnHealth != nil {
				s.cfg.OnHealth(v.Name, p.kind.Mounted || mount != nil, r.Snapshot)
			}
		})
		v.Performance.OnChange(func(cache.Snapshot[PerfMetric]) { s.changed(false) })
		v.usagePut.OnChange(func(cache.Snapshot[volume.Usage]) { s.changed(false) })
	}
	return g
}

// found takes the health of a volume, and reports whether its status is a new one. The
// first one is logged where it is not healthy.
func (g *group) found(v *Volume, h *volume.Health) bool {
	if !v.Health.complete() {
		return true // the first state is that of all parts
	}
	before, isNew := v.watch.health(h.Status)
	if isNew && before == "" && h.Status != volume.Healthy {
		why := h.Info
		if own, ok := v.healthPut.Last(); ok && own.Value.Status != volume.Healthy {
			why = own.Value.Info
		}
		g.news.Add(gather.Line{
			Level: slog.LevelWarn, Message: "volume is not healthy", Subject: "volume", Cause: string(h.Status) + why,
			Args: []any{"status", h.Status, "status_info", h.Info},
		}, v.Name)
	}
	return isNew
}

// explained is whether the health of all volumes says already why nothing can be
// observed, or is about to.
func (g *group) explained() bool {
	for _, v := range g.volumes {
		own, ok := v.healthPut.Last()
		if ok && !own.Value.Status.Worse(volume.Degraded) {
			return false
		}
	}
	return true
}

// scheduled are the volumes' configurations with the intervals at which their
// Backend will be asked.
func (g *group) scheduled() []volume.Config {
	cfgs := slices.Clone(g.plan.volumes)
	for i := range cfgs {
		cfgs[i].PerformanceInterval = g.timing(performanceTiming, DefaultPerformance, 0, true).Interval
		cfgs[i].HealthCheckInterval = g.timing(healthTiming, DefaultHealth, 0, true).Interval
		cfgs[i].UsageInterval = g.timing(usageTiming, DefaultUsage, 0, true).Interval
	}
	return cfgs
}

func (g *group) timing(of func(volume.Config) Timing, standard Timing, slowest time.Duration, local bool) Timing {
	asked := make([]Timing, len(g.plan.volumes))
	for i, cfg := range g.plan.volumes {
		asked[i] = of(cfg)
	}
	return timingOf(asked, standard, slowest, local)
}

func (s *Set) source(g *group, kind string, lane *cache.Lane, t Timing) *cache.Source {
	r := &rounds{group: g}
	cfg := cache.SourceConfig{
		Kind: kind, Name: g.name(), Origin: s.origin(g), Lane: lane, Interval: t.Interval, Timeout: t.Timeout,
	}
	switch kind {
	case kindPerformance:
		cfg.Observe, cfg.Done, cfg.Explained = r.performance, r.done, g.explained
	case kindHealth:
		cfg.Observe = r.health
	case kindUsage:
		cfg.Observe, cfg.Explained = r.usage, g.explained
	}
	return s.cfg.Cache.NewSource(cfg)
}

// origin is the fingerprint of what is observed: a volume that moves to another
// object never shows the figures of the one before. Every snapshot stores it, so
// many objects are a digest.
func (s *Set) origin(g *group) string {
	place := g.plan.endpoint
	if g.plan.kind.Mounted || place == "" {
		place = s.cfg.Host
	}
	objects := make([]string, len(g.plan.volumes))
	for i, v := range g.plan.volumes {
		objects[i] = v.Name + "=" + g.plan.objects[i]
	}
	parts := []string{place, g.plan.volumes[0].Backend, objects[0]}
	if more := len(objects) - 1; more > 0 {
		digest := sha256.Sum256([]byte(strings.Join(objects, "\x00")))
		parts[2] = fmt.Sprintf("%s and %d more, %x", objects[0], more, digest[:16])
	}
	if g.plan.err != nil {
		parts = append(parts, "wrong")
	}
	return strings.Join(parts, " ")
}

func (s *Set) key(g *group, kind, volume string) string {
	if g.plan.kind.Mounted {
		return s.hostKey(kind, volume)
	}
	return fmt.Sprintf("storage:%s:%s", kind, volume)
}

// hostKey is the key of what belongs to this host.
func (s *Set) hostKey(kind, volume string) string {
	if s.cfg.Node != "" {
		return fmt.Sprintf("storage:%s:%s:%s", s.cfg.Node, kind, volume)
	}
	return fmt.Sprintf("storage:%s:%s", kind, volume)
}

// name is for logs.
func (g *group) name() string {
	if g.plan.endpoint != "" {
		return g.plan.endpoint
	}
	return g.plan.names()
}

func (g *group) start() {
	for _, source := range g.sources {
		source.Start()
	}
}

func (g *group) stop() {
	for _, source := range g.sources {
		source.Close()
	}
	g.news.Flush()
}

// close closes the Backend once no observation uses it.
func (g *group) close() {
	g.use.Lock()
	defer g.use.Unlock()
	g.closed = true
	if err := g.backend.Close(); err != nil {
		g.log.Debug("backend not closed properly", "backend", g.plan.volumes[0].Backend, "name", g.name(), "err", err)
	}
}
