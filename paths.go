package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/pprof"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"storage_exporter/api"
	"storage_exporter/collector/exposition"
	"storage_exporter/graphql"
	"storage_exporter/internal/inbound"
)

// limits are those of the requests at once, by what they ask for.
type limits struct {
	telemetryPath string
	all           []*inbound.Limit

	scrapes, families, volumes, lists, queries, profiles, pages *inbound.Limit
}

// smallBody bounds the body of a request whose body is ignored, in bytes.
const smallBody = 4 << 10

func newLimits(f *flags) *limits {
	l := &limits{telemetryPath: f.telemetryPath}
	limit := func(b inbound.Bounds) *inbound.Limit {
		made := inbound.NewLimit(b)
		l.all = append(l.all, made)
		return made
	}
	l.scrapes = limit(inbound.Bounds{Places: f.maxRequests, Body: smallBody})
	l.families = limit(inbound.Bounds{Places: 4, Body: smallBody}) // scrapes in other formats than text
	l.volumes = limit(inbound.Bounds{Places: 64, Body: api.MaxBody})
	l.lists = limit(inbound.Bounds{Places: 8, Body: smallBody}) // all drives, all slots: large
	l.queries = limit(inbound.Bounds{Places: 16, Body: graphql.MaxBody})
	l.profiles = limit(inbound.Bounds{Places: 4, Body: 64 << 10, Time: 15 * time.Minute})
	l.pages = limit(inbound.Bounds{Places: 16, Body: smallBody})
	return l
}

// of is the limit for what a pattern of the mux matches.
func (l *limits) of(pattern string) *inbound.Limit {
	below := func(prefix string) bool { return strings.HasPrefix(pattern, prefix) }
	switch {
	case pattern == l.telemetryPath:
		return l.scrapes
	case below("/volume"), below("/folder/"), below("/manager-api/"), api.WithoutToken(pattern):
		return l.volumes
	case below("/api/"):
		return l.lists
	case pattern == "/graphql":
		return l.queries
	case below("/debug/pprof/"):
		return l.profiles
	}
	return l.pages
}

// connections is how many may be open: one for each place, and some that wait for their
// client. Half of the process's descriptors is left for other things.
func (l *limits) connections(descriptors uint64) int {
	const waiting, least = 128, 16
	most := waiting
	for _, limit := range l.all {
		most += limit.Places
	}
	return max(int(min(uint64(most), descriptors/2)), least)
}

// descriptors is how many files and connections the process may have open.
func descriptors() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	return limit.Cur
}

// boundMux bounds the requests to every handler.
type boundMux struct {
	*http.ServeMux
	limits *limits
}

// Handle registers a handler.
func (m boundMux) Handle(pattern string, h http.Handler) {
	bound := m.limits.of(pattern).Bound(h)
	if pattern == m.limits.telemetryPath {
		text, families := bound, m.limits.families.Bound(h)
		bound = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if exposition.WantsText(r) {
				text.ServeHTTP(w, r)
			} else {
				families.ServeHTTP(w, r)
			}
		})
	}
	m.ServeMux.Handle(pattern, bound)
}

// handler is all paths that the exporter serves.
func (e *exporter) handler(ready *atomic.Bool, l *limits) (http.Handler, error) {
	mux := boundMux{http.NewServeMux(), l}
	readOnly := func(pattern string, h http.HandlerFunc) { mux.Handle(pattern, inbound.ReadOnly(h)) }
	e.newAPI(ready).Register(mux)
	e.newPages().Register(mux)
	mux.Handle("/graphql", e.newQueries())
	readOnly("/-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "storage_exporter is healthy.") })
	readOnly("/-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			http.Error(w, "storage_exporter is not ready: the first observations are under way.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "storage_exporter is ready.")
	})
	mux.Handle("/-/reload", http.HandlerFunc(e.handleReload))
	if e.flags.pprof {
		readOnly("/debug/pprof/{$}", styled(http.HandlerFunc(pprof.Index)))
		readOnly("/debug/pprof/", pprof.Index)
		readOnly("/debug/pprof/cmdline", pprof.Cmdline)
		readOnly("/debug/pprof/profile", pprof.Profile)
		mux.Handle("/debug/pprof/symbol", http.HandlerFunc(pprof.Symbol)) // pprof sends it by POST
		readOnly("/debug/pprof/trace", pprof.Trace)
	}
	if err := handleMetrics(mux, e.flags.telemetryPath, inbound.ReadOnly(e.collectors)); err != nil || e.flags.telemetryPath == "/" {
		return e.withToken(mux), err
	}
	page, err := web.NewLandingPage(e.landing())
	if err != nil {
		return nil, fmt.Errorf("landing page: %w", err)
	}
	readOnly("/{$}", styled(page))
	readOnly("/", func(w http.ResponseWriter, r *http.Request) {
		inbound.Problem{Status: http.StatusNotFound, Title: "Not found", Detail: fmt.Sprintf("no such path %q: / lists what there is", r.URL.Path)}.Write(w)
	})
	return e.withToken(mux), nil
}

// landing is the page at the root. It links to what is there.
func (e *exporter) landing() web.LandingConfig {
	links := []web.LandingLinks{
		{Address: e.flags.telemetryPath, Text: "Metrics"},
		{Address: "/overview", Text: "Overview", Description: "what is wrong, and enclosures, drives, pools and volumes at one look"},
		{Address: "/api/overview", Text: "Overview as JSON", Description: "the same for programs"},
	}
	if e.flags.enabled(collectorSmart) {
		links = append(links, web.LandingLinks{Address: "/drives", Text: "Drives", Description: "a table of all drives"},
			web.LandingLinks{Address: "/api/drives", Text: "Drives as JSON", Description: "the last report of every drive"})
	}
	if e.flags.enabled(collectorProxy) {
		links = append(links, web.LandingLinks{Address: "/api/proxies", Text: "Proxies", Description: "other storage proxies and exporters"})
	}
	if e.fleet != nil {
		links = append(links, web.LandingLinks{Address: "/fleet", Text: "Fleet", Description: "all hosts that share the Redis"},
			web.LandingLinks{Address: "/api/fleet", Text: "Fleet as JSON", Description: "the same for programs"})
	}
	return web.LandingConfig{
		Name: "storage_exporter", Version: version.Info(), Profiling: fmt.Sprint(e.flags.pprof),
		Description: "Drives and storage volumes for Prometheus, observed in the background",
		Links: append(links,
			web.LandingLinks{Address: "/volumes", Text: "Volumes", Description: "the configured storage volumes"},
			web.LandingLinks{Address: "/graphql", Text: "GraphQL", Description: "the health of proxies and their volumes"},
			web.LandingLinks{Address: "/health", Text: "Health", Description: "the health of every volume"},
			web.LandingLinks{Address: "/-/ready", Text: "Ready"},
			web.LandingLinks{Address: "/-/healthy", Text: "Healthy"},
		),
	}
}

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// styled goes around a page of ours. Its style is named to the browser by its hash, and
// nothing else is let in. Who sets a policy in --web.config.file knows better.
func styled(page http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &capture{ResponseWriter: w}
		page.ServeHTTP(c, r)
		if h := w.Header(); h.Get("Content-Security-Policy") == "" {
			styles := []string{"style-src"}
			for _, style := range styleElement.FindAllSubmatch(c.body, -1) {
				sum := sha256.Sum256(style[1])
				styles = append(styles, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
			}
			h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "+strings.Join(styles, " "))
		}
		_, _ = w.Write(c.body) // the client may have gone
	}
}

// capture keeps the body of an answer with the status 200.
type capture struct {
	http.ResponseWriter
	body []byte
}

// Write appends.
func (c *capture) Write(p []byte) (int, error) {
	c.body = append(c.body, p...)
	return len(p), nil
}

func (e *exporter) newAPI(ready *atomic.Bool) *api.API {
	cfg := api.Config{Ready: ready.Load, Volumes: e.volumes, Drives: e.drives.Load, Overview: e.overview.Get, Events: e.events.List, Version: version.Version, Logger: e.log}
	if e.flags.enabled(collectorProxy) {
		cfg.Proxies = e.proxies.List
	}
	if cfg.Fleet = e.fleet; e.fleet != nil {
		cfg.FleetTargets, _ = e.flags.targets() // checked at the start
	}
	if e.enclosures != nil {
		cfg.Enclosures = e.enclosures.Get
	}
	if e.pools != nil {
		cfg.Pools = e.pools.Get
	}
	return api.New(cfg)
}
