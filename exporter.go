package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/collector/exposition"
	"storage_exporter/config"
	"storage_exporter/enclosure"
	"storage_exporter/event"
	"storage_exporter/fleet"
	"storage_exporter/internal/secret"
	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart"
	"storage_exporter/volume"
	"storage_exporter/volume/backends"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/observed"
	"storage_exporter/web"
	"storage_exporter/zpool"
)

// The collectors of what belongs to this host, and of other proxies; the rest have the
// name of their volumes' backend.
const (
	collectorSmart      = "smart"
	collectorEnclosures = "enclosures"
	collectorZFS        = "zfs"
	collectorProxy      = "proxy"
)

// collectorNames lists all collectors, in order.
func collectorNames() []string {
	return append([]string{collectorSmart, collectorEnclosures, collectorZFS, collectorProxy}, backendNames()...)
}

// backendNames lists the volumes' backends, in order.
func backendNames() []string { return slices.Sorted(maps.Keys(backends.Table(nil))) }

// exporter is the program while it runs: it owns everything that was started.
type exporter struct {
	flags  *flags
	loader *loader
	log    *slog.Logger
	host   string
	node   string // as it is called among others; empty: it is alone

	store      cachestore.Store
	cache      *cache.Cache
	volumes    *observed.Set
	proxies    *proxy.Set
	events     *event.Events
	collectors *exposition.Exporter
	mounts     *mount.Host
	kinds      map[string]volume.Kind // the backends
	parts      []part                 // of this host, in the order of their start
	drives     observedDrives
	enclosures *enclosure.Enclosures // nil: not observed, as the next two
	pools      *zpool.Pools
	overview   *overview.View
	fleet      *fleet.Reader // nil: no fleet is shown
	own        prometheus.Registerer
	metrics    reloadMetrics
	token      atomic.Pointer[secret.Text] // of [api]; empty: none is wanted
	columns    atomic.Pointer[web.Columns] // of enclosures, on the page
	cacheStats *cache.Metrics
	smartStats *smart.Metrics

	reloading sync.Mutex // held by reload and close; guards the fields below
	cfg       *config.Config
	byName    map[string]*exposition.Collector
}

// newExporter wires everything and starts the observations.
func newExporter(f *flags, l *loader, cfg *config.Config, logger *slog.Logger) (*exporter, error) {
	own, runtime := prometheus.NewRegistry(), prometheus.NewRegistry()
	own.MustRegister(versioncollector.NewCollector("storage_exporter"))
	runtime.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	store, err := newStore(cfg, cachestore.NewMetrics(own), logger)
	if err != nil {
		return nil, err
	}
	e := &exporter{
		flags: f, loader: l, log: logger, store: store, cfg: cfg, own: own,
		node:       cfg.Node.Name,
		host:       hostFingerprint(cfg.Node.Name, f.rootfs, f.procfs),
		metrics:    newReloadMetrics(own),
		cacheStats: cache.NewMetrics(own),
		smartStats: smart.NewMetrics(own),
		byName:     make(map[string]*exposition.Collector),
	}
	observer := observerName()
	e.cache = cache.New(cache.Config{Store: store, Observer: observer, Logger: logger, Metrics: e.cacheStats})
	e.events = e.newEvents(observer, event.NewMetrics(own))
	e.mounts = mount.NewHost(mount.Paths{Proc: f.procfs, Sys: f.sysfs, Root: f.rootfs}, func(delta int) { e.cacheStats.Stuck("mount", delta) })
	e.kinds = backends.Table(e.mounts)
	e.volumes = observed.NewSet(observed.SetConfig{
		Cache: e.cache, Table: e.kinds, Host: e.host, Node: cfg.Node.Name, OnChange: e.changed,
		OnHealth: e.healthObserved, Logger: logger,
	})
	e.proxies = proxy.NewSet(proxy.SetConfig{Cache: e.cache, OnChange: e.changed, OnHealth: e.proxyObserved, Logger: logger})
	cc := exposition.Config{Logger: logger, Metrics: exposition.NewMetrics(own), Own: own}
	if !f.noExporterStats {
		cc.Runtime = runtime
	}
	if e.collectors, err = exposition.New(cc); err == nil {
		err = e.startHost(cfg)
	}
	if err == nil {
		err = e.apply(cfg)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.metrics.succeeded()
	return e, nil
}

// close ends everything within shutdownTimeout and keeps the snapshots.
func (e *exporter) close() error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var errs []error
	if e.collectors != nil {
		errs = append(errs, e.collectors.Close(ctx))
	}
	e.closeHost()
	e.proxies.Close()
	errs = append(errs, e.cache.Close(ctx), e.volumes.Close(ctx))
	e.events.Close()
	if err := e.store.Close(); err != nil {
		errs = append(errs, fmt.Errorf("close the store: %w", err))
	}
	return errors.Join(errs...)
}
