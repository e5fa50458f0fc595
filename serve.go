package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"storage_exporter/api"
)

const (
	// readyAfter is when the exporter calls itself ready although some first
	// observation has not ended.
	readyAfter = 30 * time.Second
	// drainTimeout bounds how long requests may finish after SIGTERM.
	drainTimeout = time.Second
)

// serve answers requests until ctx ends. SIGHUP reloads the configuration.
func serve(ctx context.Context, e *exporter) error {
	var ready atomic.Bool
	handler, err := e.handler(&ready)
	if err != nil {
		return err
	}
	requests, cancelRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelRequests()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	served := make(chan error, 1)
	go func() { served <- web.ListenAndServe(server, e.flags.web, e.log) }()

	firstRounds := e.cache.FirstRoundsEnded()
	patience := time.NewTimer(readyAfter)
	defer patience.Stop()
	for {
		select {
		case <-firstRounds:
			firstRounds = nil
			ready.Store(true)
		case <-patience.C:
			ready.Store(true)
		case <-hangups:
			_, _ = e.reload() // logged there
		case err := <-served:
			return explain(err)
		case <-ctx.Done():
			drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
			defer cancel()
			if server.Shutdown(drain) != nil {
				cancelRequests()
				_ = server.Close()
			}
			<-served //nolint:errcheck // http.ErrServerClosed: it was shut down
			return nil
		}
	}
}

// explain adds the remedy to what users get wrong about addresses.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another process listens there, choose another --web.listen-address", err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: choose a port above 1023 with --web.listen-address, or grant CAP_NET_BIND_SERVICE", err)
	}
	return err
}

// handler is all paths that the exporter serves.
func (e *exporter) handler(ready *atomic.Bool) (http.Handler, error) {
	mux := http.NewServeMux()
	e.newAPI().Register(mux)
	mux.HandleFunc("/-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "storage_exporter is healthy.") })
	mux.HandleFunc("/-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			http.Error(w, "storage_exporter is not ready: the first observations are under way.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "storage_exporter is ready.")
	})
	mux.HandleFunc("/-/reload", e.handleReload)
	if e.flags.pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	if err := handleMetrics(mux, e.flags.telemetryPath, e.collectors); err != nil || e.flags.telemetryPath == "/" {
		return mux, err
	}
	page, err := web.NewLandingPage(web.LandingConfig{
		Name: "storage_exporter", Version: version.Info(), Profiling: fmt.Sprint(e.flags.pprof),
		Description: "Drives and storage volumes for Prometheus, observed in the background",
		Links: []web.LandingLinks{
			{Address: e.flags.telemetryPath, Text: "Metrics"},
			{Address: "/api/overview", Text: "Overview", Description: "enclosures, drives and pools at one look"},
			{Address: "/api/drives", Text: "Drives", Description: "the last report of every drive"},
			{Address: "/volumes", Text: "Volumes", Description: "the configured storage volumes"},
			{Address: "/manager-api/health", Text: "Health", Description: "the health of every volume"},
			{Address: "/-/ready", Text: "Ready"},
			{Address: "/-/healthy", Text: "Healthy"},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("landing page: %w", err)
	}
	mux.Handle("/", page)
	return mux, nil
}

func (e *exporter) newAPI() *api.API {
	cfg := api.Config{Volumes: e.volumes, Drives: e.drives.Load, Overview: e.overview.Get, Version: version.Version, Logger: e.log}
	if e.enclosures != nil {
		cfg.Enclosures = e.enclosures.Get
	}
	if e.pools != nil {
		cfg.Pools = e.pools.Get
	}
	return api.New(cfg)
}

func (e *exporter) handleReload(w http.ResponseWriter, r *http.Request) {
	switch {
	case !e.flags.lifecycle:
		http.Error(w, "Lifecycle API is not enabled: start with --web.enable-lifecycle.", http.StatusForbidden)
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "Use POST.", http.StatusMethodNotAllowed)
	default:
		restart, err := e.reload()
		if err != nil {
			http.Error(w, fmt.Sprintf("not reloaded, the old configuration goes on:\n%v", err), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "Configuration reloaded.")
		if len(restart) > 0 {
			fmt.Fprintf(w, "Restart the exporter for what has changed of: %s.\n", strings.Join(restart, ", "))
		}
	}
}

// reloadMetrics show the last reload, as Prometheus does.
type reloadMetrics struct{ successful, at prometheus.Gauge }

func newReloadMetrics(reg prometheus.Registerer) reloadMetrics {
	m := reloadMetrics{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "storage_config_last_reload_successful", Help: "Whether the last reload of the configuration succeeded."}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "storage_config_last_reload_success_timestamp_seconds", Help: "When the configuration was last loaded, in Unix seconds."}),
	}
	reg.MustRegister(m.successful, m.at)
	return m
}

func (m reloadMetrics) succeeded() {
	m.successful.Set(1)
	m.at.SetToCurrentTime()
}

func (m reloadMetrics) failed() { m.successful.Set(0) }
