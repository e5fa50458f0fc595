package main

import (
	"maps"
	"slices"
	"strings"

	"storage_exporter/collector"
	"storage_exporter/config"
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
	e.cfg = cfg
	e.log.Info("Enabled collectors", "collectors", strings.Join(e.collectors.Names(), " "), "volumes", len(volumes), "store", cfg.Cache.Store)
	return nil
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
