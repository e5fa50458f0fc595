package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/collector"
	"storage_exporter/config"
	"storage_exporter/smart"
	"storage_exporter/volume"
	"storage_exporter/volume/backends"
	"storage_exporter/volume/mount"
)

// collectorSmart is the name of the drives' collector; the others have the name
// of their volumes' backend.
const collectorSmart = "smart"

// collectorNames lists all collectors, in order.
func collectorNames() []string {
	return append([]string{collectorSmart}, slices.Sorted(maps.Keys(backends.Table(nil)))...)
}

// exporter is the program while it runs: it owns everything that was started.
type exporter struct {
	flags  *flags
	loader *loader
	log    *slog.Logger
	host   string

	store      cachestore.Store
	cache      *cache.Cache
	volumes    *volume.Set
	collectors *collector.Exporter
	kinds      map[string]volume.Kind // the backends
	drives     atomic.Pointer[smart.Drives]
	metrics    reloadMetrics
	smartStats *smart.Metrics

	reloading sync.Mutex // held by reload and close; guards the fields below
	cfg       *config.Config
	byName    map[string]*collector.Collector
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
		flags: f, loader: l, log: logger, store: store, cfg: cfg,
		host:       hostFingerprint(cfg.Node.Name, f.rootfs, f.procfs),
		metrics:    newReloadMetrics(own),
		smartStats: smart.NewMetrics(own),
		byName:     make(map[string]*collector.Collector),
	}
	cacheMetrics := cache.NewMetrics(own)
	e.cache = cache.New(cache.Config{Store: store, Observer: observerName(), Logger: logger, Metrics: cacheMetrics})
	host := mount.NewHost(mount.Paths{Proc: f.procfs, Sys: f.sysfs, Root: f.rootfs}, func(delta int) { cacheMetrics.Stuck("mount", delta) })
	e.kinds = backends.Table(host)
	e.volumes = volume.NewSet(volume.SetConfig{
		Cache: e.cache, Table: e.kinds, Host: e.host, Node: cfg.Node.Name, Logger: logger, Metrics: volume.NewMetrics(own),
	})
	cc := collector.Config{Logger: logger, Metrics: collector.NewMetrics(own), Own: own, MaxRequests: f.maxRequests}
	if !f.noExporterStats {
		cc.Runtime = runtime
	}
	if e.collectors, err = collector.New(cc); err == nil {
		err = e.apply(cfg)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.metrics.succeeded()
	return e, nil
}

// apply brings drives, volumes and collectors in line with a configuration.
// What it does not change goes on as it was.
func (e *exporter) apply(cfg *config.Config) error {
	names := make(map[string]bool)
	if err := e.applyDrives(cfg); err != nil {
		return err
	}
	if e.drives.Load() != nil {
		names[collectorSmart] = true
	}
	for _, name := range collectorNames() {
		if _, ok := e.kinds[name]; ok && e.flags.enabled(name) {
			names[name] = true
		}
	}
	var volumes []volume.Config
	for _, v := range cfg.Volumes {
		if _, known := e.kinds[v.Backend]; known && !names[v.Backend] {
			continue // --no-collector.<backend>
		}
		volumes = append(volumes, volumeConfig(cfg, v))
	}
	if err := e.volumes.Apply(volumes); err != nil {
		return err
	}
	for name := range e.byName {
		if !names[name] {
			delete(e.byName, name)
		}
	}
	for name := range names {
		if e.byName[name] == nil && name != collectorSmart {
			e.byName[name] = collector.NewVolume(name, e.volumes)
		}
	}
	list := slices.Collect(maps.Values(e.byName))
	list = append(list, collector.NewUnsupported(func(backend string) bool { _, ok := e.kinds[backend]; return ok }, e.volumes))
	if err := e.collectors.Set(list...); err != nil {
		return err
	}
	e.cfg = cfg
	e.log.Info("Enabled collectors", "collectors", strings.Join(e.collectors.Names(), " "), "volumes", len(volumes), "store", cfg.Cache.Store)
	return nil
}

// applyDrives starts, exchanges or stops the observation of drives.
func (e *exporter) applyDrives(cfg *config.Config) error {
	old := e.drives.Load()
	if !e.flags.enabled(collectorSmart) {
		return nil
	}
	if old != nil && reflect.DeepEqual(e.cfg.Smart, cfg.Smart) {
		return nil
	}
	drives, err := e.newDrives(cfg)
	if err != nil {
		return err
	}
	if old != nil {
		old.Close()
	}
	e.byName[collectorSmart] = collector.NewSmart(drives)
	e.drives.Store(drives)
	drives.Start()
	return nil
}

func (e *exporter) newDrives(cfg *config.Config) (*smart.Drives, error) {
	s := cfg.Smart
	tool, err := smart.NewTool(smart.ToolConfig{Path: s.Path, PowerModeCheck: s.PowermodeCheck, ScanTypes: s.ScanDeviceTypes})
	if err != nil {
		return nil, err
	}
	dc := smart.DrivesConfig{
		Cache: e.cache, Tool: tool, System: smart.System{Sysfs: e.flags.sysfs, Udev: e.flags.udevData},
		Host: e.host, KeyPrefix: "jbod:", Scan: s.Scan,
		ScanInterval: s.Rescan, Interval: s.Interval, Timeout: s.Timeout, TTL: s.TTL, Concurrency: s.Concurrency,
		Thresholds: s.Thresholds.Given(),
		Logger:     e.log, Metrics: e.smartStats,
	}
	if s.Rescan <= 0 {
		dc.ScanInterval = time.Nanosecond // scanned once
	}
	if cfg.Node.Name != "" {
		dc.KeyPrefix = "jbod:" + cfg.Node.Name + ":"
	}
	for _, d := range s.Devices {
		device, err := smart.ParseDevice(d)
		if err != nil {
			return nil, err
		}
		dc.Devices = append(dc.Devices, device)
	}
	if dc.Include, err = compile(s.DeviceInclude); err == nil {
		dc.Exclude, err = compile(s.DeviceExclude)
	}
	if err != nil {
		return nil, err
	}
	return smart.NewDrives(dc)
}

func compile(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil //nolint:nilnil // no pattern is no filter
	}
	return regexp.Compile(pattern)
}

func volumeConfig(cfg *config.Config, v config.Volume) volume.Config {
	d := cfg.VolumeDefaults
	return volume.Config{
		Name: v.Name, Backend: v.Backend, Path: v.Path, FSPrefix: v.FSPrefix, Options: v.Options,
		RequireMount: v.RequireMount, ReadOnly: v.ReadOnly,
		PerformanceInterval: v.PerformanceInterval, PerformanceTimeout: d.PerformanceTimeout, PerformanceTTL: d.PerformanceTTL,
		HealthCheckInterval: v.HealthCheckInterval, HealthCheckTimeout: d.HealthCheckTimeout, HealthCheckTTL: d.HealthCheckTTL,
		UsageInterval: v.UsageInterval, UsageTimeout: d.UsageTimeout, UsageTTL: d.UsageTTL,
	}
}

// reload reads the configuration anew. One with a mistake changes nothing.
func (e *exporter) reload() error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	cfg, err := e.loader.load(nil)
	if err == nil {
		for _, key := range config.RestartNeeded(e.cfg, cfg) {
			e.log.Warn("A change takes effect with a restart only", "key", key)
		}
		cfg.Node, cfg.Cache, cfg.Redis = e.cfg.Node, e.cfg.Cache, e.cfg.Redis
		err = e.apply(cfg)
	}
	if err != nil {
		e.metrics.failed()
		e.log.Error("Configuration not reloaded, the old one goes on", "err", err)
		return err
	}
	e.metrics.succeeded()
	e.log.Info("Configuration reloaded", "file", cfg.File)
	return nil
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
	if drives := e.drives.Load(); drives != nil {
		drives.Close()
	}
	errs = append(errs, e.cache.Close(ctx), e.volumes.Close(ctx))
	if err := e.store.Close(); err != nil {
		errs = append(errs, fmt.Errorf("close the store: %w", err))
	}
	return errors.Join(errs...)
}
