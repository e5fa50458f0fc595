// Package api answers JSON requests from snapshots: the part of a Backend.AI
// storage proxy's API that is about volumes, and the drives of this host with their
// enclosures and pools. It observes nothing by itself and changes nothing.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/event"
	"storage_exporter/fleet"
	"storage_exporter/internal/inbound"
	"storage_exporter/internal/outside"
	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart"
	"storage_exporter/volume/observed"
	"storage_exporter/zpool"
)

// Config is what the API reads from.
type Config struct {
	Volumes *observed.Set
	// Drives are those observed now: a reload may exchange them. nil: drives
	// are not observed.
	Drives func() *smart.Drives
	// Proxies are what is known of the configured proxies; it does not wait. nil:
	// they are not observed.
	Proxies func() []proxy.Reading
	// Overview is what is known of everything; it does not wait.
	Overview func() cache.Snapshot[overview.Overview]
	// Enclosures and Pools are nil where they are not observed.
	Enclosures func(context.Context) (cache.Snapshot[[]enclosure.Enclosure], error)
	Pools      func(context.Context) (cache.Snapshot[[]zpool.Pool], error)
	// Events are the changes of state that were sent.
	Events func(ctx context.Context, f event.Filter, before string, n int) (event.Page, error)

	// Fleet is all hosts that share the store; nil: they are not shown. FleetTargets are
	// the addresses of those that Prometheus is to discover; nil: none.
	Fleet        *fleet.Reader
	FleetTargets *regexp.Regexp

	Version string // of the exporter
	// Ready is whether the first observations have ended; nil: they have.
	Ready func() bool
	// Timeout bounds a request that must wait for a first observation.
	Timeout time.Duration
	Logger  *slog.Logger
}

// API serves the requests.
type API struct {
	cfg           Config
	wholeOverview lastEncoded
	wholeFleet    lastEncoded
}

// lastEncoded is the newest answer that leaves nothing out.
type lastEncoded struct{ atomic.Pointer[encoded] }

// New makes the API.
func New(cfg Config) *API {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	return &API{cfg: cfg}
}

// handler answers a request or says why not; an error becomes a problem
// document by problemOf.
type handler func(ctx context.Context, r *http.Request) (answer, error)

// routes are all paths that answer.
func (a *API) routes() map[string]handler {
	routes := map[string]handler{
		"/api/drives":                   a.listDrives,
		"/api/drives/{device}":          a.drive,
		"/api/drives/{device}/smartctl": a.driveDocument,
		"/api/overview":                 a.overview,
		"/api/enclosures":               a.listEnclosures,
		"/api/pools":                    a.listPools,
		"/api/events":                   a.listEvents,
		"/api/proxies":                  a.listProxies,
		"/api/fleet":                    a.listFleet,
		"/api/fleet/{node}":             a.node,
		"/sd":                           a.discover,
		"/api/openapi.yaml":             a.describeAPI,
	}
	for path, h := range a.managerRoutes() {
		routes[path], routes[managerPrefix+path] = h, h
	}
	return routes
}

// Mux is where handlers are registered, as with an http.ServeMux.
type Mux interface {
	Handle(pattern string, h http.Handler)
}

// Register adds the API's paths to mux.
func (a *API) Register(mux Mux) {
	for path, h := range a.routes() {
		mux.Handle(path, a.serve(h))
	}
	for _, path := range []string{"/api/", "/volume/", "/folder/", managerPrefix + "/", "/api/drives/{device}/{unknown}"} {
		mux.Handle(path, a.serve(notFound))
	}
}

// serve runs a handler: GET and HEAD only, with a deadline; an error or a panic
// becomes a JSON answer.
func (a *API) serve(h handler) http.Handler {
	return inbound.ReadOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), a.cfg.Timeout)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				a.cfg.Logger.Error("request panicked", "path", outside.Text(r.URL.Path), "err", fmt.Sprint(p))
				inbound.Problem{Status: http.StatusInternalServerError, Title: "Internal error"}.Write(w)
			}
		}()
		ans, err := h(ctx, r)
		if err != nil {
			p := problemOf(err)
			if p.Status >= http.StatusInternalServerError {
				a.cfg.Logger.Debug("request not answered", "path", outside.Text(r.URL.Path), "status", p.Status, "err", err)
			}
			p.Write(w)
			return
		}
		ans.write(w)
	}))
}

func notFound(_ context.Context, r *http.Request) (answer, error) {
	return answer{}, fmt.Errorf("%w: no such path %q", errNotFound, r.URL.Path)
}

// What a handler's error means to the client.
var (
	errNotFound    = errors.New("not found")
	errNoVolume    = errors.New("not found") // as the storage proxy has it, that is a bad argument
	errBadArgument = errors.New("bad argument")
)
