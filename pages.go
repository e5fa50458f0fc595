package main

import (
	"storage_exporter/web"
)

// newPages makes the pages for people.
func (e *exporter) newPages() *web.Pages {
	cfg := web.Config{
		Host: hostName(e.node), Note: e.flags.note, Metrics: e.flags.telemetryPath,
		Overview: e.overview.Get, Events: e.events.List, Fleet: e.fleet, Columns: e.columns.Load, Logger: e.log,
		NoDrives: !e.flags.enabled(collectorSmart) && e.enclosures == nil,
	}
	if e.flags.enabled(collectorSmart) {
		cfg.Drives = e.drives.Load
	}
	return web.New(cfg)
}
