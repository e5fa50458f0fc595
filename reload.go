package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/collector"
	"storage_exporter/config"
	"storage_exporter/proxy"
	"storage_exporter/volume"
)

// apply brings drives, volumes and collectors in line with a configuration.
// What it does not change goes on as it was.
func (e *exporter) apply(cfg *config.Config) error {
	names := make(map[string]bool)
	if err := e.applyDrives(cfg); err != nil {
		return err
	}
	for _, name := range collectorNames() {
		names[name] = e.flags.enabled(name)
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
	if names[collectorProxy] {
		if err := e.applyProxies(cfg); err != nil {
			return err
		}
	}
	for name := range e.kinds {
		if names[name] && e.byName[name] == nil {
			e.byName[name] = collector.NewVolume(name, e.volumes)
		}
	}
	list := slices.Collect(maps.Values(e.byName))
	list = append(list, collector.NewUnsupported(func(backend string) bool { _, ok := e.kinds[backend]; return ok }, e.volumes))
	if err := e.collectors.Set(list...); err != nil {
		return err
	}
	e.applyEvents(cfg)
	e.cfg = cfg
	e.token.Store(&cfg.API.Token)
	e.columns.Store(columnsOf(cfg))
	e.log.Info("Enabled collectors", "collectors", strings.Join(e.collectors.Names(), " "), "volumes", len(volumes), "proxies", len(e.proxies.List()), "store", cfg.Cache.Store)
	return nil
}

// applyProxies polls the proxies of a configuration.
func (e *exporter) applyProxies(cfg *config.Config) error {
	cfgs := make([]proxy.Config, len(cfg.Proxies))
	for i, p := range cfg.Proxies {
		cfgs[i] = proxy.Config(p)
	}
	if e.byName[collectorProxy] == nil {
		e.byName[collectorProxy] = collector.NewProxy(e.proxies)
	}
	return e.proxies.Apply(cfgs)
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

// reload reads the configuration anew. One with a mistake changes nothing. restart
// are the keys whose change takes effect with a restart only.
func (e *exporter) reload() (restart []string, err error) {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	cfg, warnings, err := e.loader.load(false)
	logWarnings(e.log, warnings)
	if err == nil {
		restart = config.RestartNeeded(e.cfg, cfg)
		for _, key := range restart {
			e.log.Warn("A change takes effect with a restart only", "key", key)
		}
		cfg.Node, cfg.Cache, cfg.Redis = e.cfg.Node, e.cfg.Cache, e.cfg.Redis
		cfg.EnclosureObservation, cfg.PoolObservation = e.cfg.EnclosureObservation, e.cfg.PoolObservation
		err = e.apply(cfg)
	}
	if err != nil {
		e.metrics.failed()
		e.log.Error("Configuration not reloaded, the old one goes on", "err", err)
		return nil, err
	}
	e.mounts.Forget()
	e.metrics.succeeded()
	e.log.Info("Configuration reloaded", "file", cfg.File)
	return restart, nil
}

func (e *exporter) handleReload(w http.ResponseWriter, r *http.Request) {
	switch {
	case !e.flags.lifecycle:
		http.Error(w, "Lifecycle API is not enabled: start with --web.enable-lifecycle.", http.StatusForbidden)
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "Use POST.", http.StatusMethodNotAllowed)
	case http.NewCrossOriginProtection().Check(r) != nil:
		http.Error(w, "A page of another origin may not reload the configuration.", http.StatusForbidden)
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
