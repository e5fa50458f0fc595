package main

import (
	"path/filepath"
	"slices"

	"storage_exporter/block"
	"storage_exporter/collector"
	"storage_exporter/config"
	"storage_exporter/enclosure"
	"storage_exporter/overview"
	"storage_exporter/zpool"
)

// part is one thing that is observed on this host. It is started and closed once.
type part interface {
	Start()
	Close()
}

// newPart makes a part of a collector, or one that is always there where that is
// empty; it starts nothing.
type newPart struct {
	collector string
	make      func(*config.Config) (part, error)
}

// hostParts lists what belongs to this host, in the order of the start. Each is
// made before those that read it.
func (e *exporter) hostParts() []newPart {
	return []newPart{
		{"", func(*config.Config) (part, error) { return newMemoryLimit(e.flags.memoryLimitMiB, cgroupMemory()), nil }},
		{collectorEnclosures, e.newEnclosures},
		{collectorZFS, e.newPools},
		{"", e.newOverview}, // hears of changes of the drives from their first on
		{collectorSmart, e.newObservedDrives},
		{"", e.newFleetSender},
		{"", e.newFleetReader},
	}
}

// startHost starts the parts whose collectors are enabled.
func (e *exporter) startHost(cfg *config.Config) error {
	for _, n := range e.hostParts() {
		if n.collector != "" && !e.flags.enabled(n.collector) {
			continue
		}
		p, err := n.make(cfg)
		if err != nil {
			return err
		}
		if p == nil { // not wanted
			continue
		}
		e.parts = append(e.parts, p)
	}
	e.events.Start()
	for _, p := range e.parts {
		p.Start()
	}
	return nil
}

// closeHost closes the parts in the reverse order, those that were never started too.
func (e *exporter) closeHost() {
	for _, p := range slices.Backward(e.parts) {
		p.Close()
	}
}

// jbodPrefix begins the keys of what belongs to this host.
func jbodPrefix(cfg *config.Config) string { return jbodPrefixOf(cfg.Node.Name) }

func jbodPrefixOf(node string) string {
	if node != "" {
		return "jbod:" + node + ":"
	}
	return "jbod:"
}

// blockSystem is where this host's block devices are looked up, with their nodes in dev.
func (e *exporter) blockSystem(dev string) block.System {
	return block.System{Sys: e.flags.sysfs, Dev: dev, Udev: e.flags.udevData}
}

func (e *exporter) newEnclosures(cfg *config.Config) (part, error) {
	var err error
	e.enclosures, err = enclosure.New(enclosure.Config{
		Cache: e.cache, System: e.blockSystem("/dev"), Host: e.host, KeyPrefix: jbodPrefix(cfg), Interval: cfg.EnclosureObservation.Interval,
		Stuck: func(delta int) { e.cacheStats.Stuck(enclosure.Kind, delta) }, Logger: e.log,
	})
	e.byName[collectorEnclosures] = collector.NewEnclosures(e.enclosures, e.lookup)
	return e.enclosures, err
}

func (e *exporter) newPools(cfg *config.Config) (part, error) {
	var err error
	e.pools, err = zpool.New(zpool.Config{
		Cache: e.cache, Tool: zpool.NewTool(e.flags.zpoolPath),
		System: e.blockSystem(filepath.Join(e.flags.rootfs, "dev")), Host: e.host, KeyPrefix: jbodPrefix(cfg), Interval: cfg.PoolObservation.Interval, Logger: e.log,
	})
	e.byName[collectorZFS] = collector.NewZFS(e.pools, e.lookup)
	return e.pools, err
}

func (e *exporter) newOverview(cfg *config.Config) (part, error) {
	oc := overview.Config{
		Cache: e.cache, Host: e.host, KeyPrefix: jbodPrefix(cfg), Volumes: e.volumes.Volumes, Proxies: e.proxies.List, Logger: e.log,
	}
	if e.flags.enabled(collectorSmart) {
		oc.Drives = e.drives.known
	}
	if e.enclosures != nil {
		oc.Enclosures = e.enclosures.Entry()
	}
	if e.pools != nil {
		oc.Pools = e.pools.Entry()
	}
	var err error
	e.overview, err = overview.New(oc)
	return e.overview, err
}

// changed has the overview made anew.
func (e *exporter) changed(state bool) {
	if state {
		e.overview.Changed()
	} else {
		e.overview.Outdated()
	}
}
