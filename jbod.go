package main

import (
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"time"

	"storage_exporter/collector"
	"storage_exporter/config"
	"storage_exporter/enclosure"
	"storage_exporter/overview"
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

// jbodPrefix begins the keys of what belongs to this host.
func jbodPrefix(cfg *config.Config) string {
	if cfg.Node.Name != "" {
		return "jbod:" + cfg.Node.Name + ":"
	}
	return "jbod:"
}

// startShelves starts the observation of enclosures and pools, and the overview
// of them and the drives, which no reload changes.
func (e *exporter) startShelves(cfg *config.Config) error {
	var err error
	if e.flags.enabled(collectorEnclosures) {
		e.enclosures, err = enclosure.New(enclosure.Config{
			Cache: e.cache, Sysfs: e.flags.sysfs, Udev: e.flags.udevData, Host: e.host, KeyPrefix: jbodPrefix(cfg),
			Stuck: func(delta int) { e.cacheStats.Stuck(enclosure.Kind, delta) }, Logger: e.log,
		})
		if err != nil {
			return err
		}
		e.byName[collectorEnclosures] = collector.NewEnclosures(e.enclosures, e.labelOf)
	}
	if e.flags.enabled(collectorZFS) {
		e.pools, err = zpool.New(zpool.Config{
			Cache: e.cache, Tool: zpool.NewTool(e.flags.zpoolPath),
			System: zpool.System{Dev: filepath.Join(e.flags.rootfs, "dev"), Sysfs: e.flags.sysfs, Udev: e.flags.udevData},
			Host:   e.host, KeyPrefix: jbodPrefix(cfg), Logger: e.log,
		})
		if err != nil {
			return err
		}
		e.byName[collectorZFS] = collector.NewZFS(e.pools)
	}
	if e.flags.enabled(collectorSmart) {
		if err := e.newOverview(cfg); err != nil { // hears of changes from their first on
			return err
		}
	}
	if e.enclosures != nil {
		e.enclosures.Start()
	}
	if e.pools != nil {
		e.pools.Start()
	}
	if e.overview != nil {
		e.overview.Start()
	}
	return nil
}

func (e *exporter) newOverview(cfg *config.Config) error {
	oc := overview.Config{
		Cache: e.cache, Host: e.host, KeyPrefix: jbodPrefix(cfg),
		Drives: func() ([]*smart.Drive, bool) {
			if drives := e.drives.Load(); drives != nil {
				return drives.Known()
			}
			return nil, false
		},
	}
	if e.enclosures != nil {
		oc.Enclosures = e.enclosures.Entry()
	}
	if e.pools != nil {
		oc.Pools = e.pools.Entry()
	}
	var err error
	e.overview, err = overview.New(oc)
	return err
}

// labelOf is the label under which the drive with these kernel names is
// monitored, empty where it is not.
func (e *exporter) labelOf(devices []string) string {
	drives := e.drives.Load()
	if drives == nil {
		return ""
	}
	known, _ := drives.Known()
	for _, d := range known {
		if slices.ContainsFunc(d.Paths(), func(path string) bool { return slices.Contains(devices, path) }) {
			return d.Label
		}
	}
	return ""
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
		Host: e.host, KeyPrefix: jbodPrefix(cfg), Scan: s.Scan,
		ScanInterval: s.Rescan, Interval: s.Interval, Timeout: s.Timeout, TTL: s.TTL, Concurrency: s.Concurrency,
		Thresholds: s.Thresholds.Given(), OnChange: e.overview.Changed,
		Logger: e.log, Metrics: e.smartStats,
	}
	if s.Rescan <= 0 {
		dc.ScanInterval = time.Nanosecond // scanned once
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
