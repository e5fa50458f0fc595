package main

import (
	"reflect"
	"sync/atomic"

	"storage_exporter/collector"
	"storage_exporter/config"
	"storage_exporter/smart"
)

// observedDrives are the drives that are observed now; a reload may exchange
// them. It holds nil where drives are not observed.
type observedDrives struct{ atomic.Pointer[smart.Drives] }

// Start begins the observations.
func (o *observedDrives) Start() { o.Load().Start() }

// Close stops them.
func (o *observedDrives) Close() { o.Load().Close() }

// known is the drives observed now, or why they are not known. It does not wait.
func (o *observedDrives) known() ([]*smart.Drive, error) {
	if drives := o.Load(); drives != nil {
		return drives.Known()
	}
	return nil, smart.ErrNotScanned
}

func (e *exporter) newObservedDrives(cfg *config.Config) (part, error) {
	drives, err := e.newDrives(cfg)
	if err != nil {
		return nil, err
	}
	e.setDrives(drives)
	return &e.drives, nil
}

func (e *exporter) setDrives(drives *smart.Drives) {
	e.byName[collectorSmart] = collector.NewSmart(drives)
	e.drives.Store(drives)
}

// applyDrives exchanges the observation of drives where its configuration has
// changed.
func (e *exporter) applyDrives(cfg *config.Config) error {
	old := e.drives.Load()
	if old == nil || reflect.DeepEqual(e.cfg.Smart, cfg.Smart) {
		return nil
	}
	drives, err := e.newDrives(cfg)
	if err != nil {
		return err
	}
	old.Close()
	e.setDrives(drives)
	drives.Start()
	return nil
}

// lookup finds the drives that are monitored now; nil where none are.
func (e *exporter) lookup() *smart.Lookup {
	if drives := e.drives.Load(); drives != nil {
		return drives.Lookup()
	}
	return nil
}

func (e *exporter) newDrives(cfg *config.Config) (*smart.Drives, error) {
	dc := smart.DrivesConfig{
		Cache: e.cache, System: e.blockSystem("/dev"), // as smartctl finds them
		Host: e.host, KeyPrefix: jbodPrefix(cfg), OnChange: e.overview.Changed, OnReport: e.driveObserved,
		Logger: e.log, Metrics: e.smartStats,
	}
	if err := smart.Settings(cfg.Smart).Apply(&dc); err != nil {
		return nil, err
	}
	return smart.NewDrives(dc)
}
