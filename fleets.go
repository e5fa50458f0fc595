package main

import (
	"github.com/prometheus/common/version"

	"storage_exporter/config"
	"storage_exporter/fleet"
	"storage_exporter/overview"
)

// newFleetSender makes what tells those who look at the fleet of this host: only one with
// a name, in a store that hosts share, belongs to one.
func (e *exporter) newFleetSender(cfg *config.Config) (part, error) {
	if cfg.Node.Name == "" || cfg.Cache.Store != config.StoreRedis {
		return nil, nil
	}
	return fleet.NewSender(fleet.SenderConfig{
		Store: e.store, Node: cfg.Node.Name, URL: cfg.Node.URL, Version: version.Version,
		Overview: func() *overview.Overview { return e.overview.Get().Value }, Logger: e.log,
	}), nil
}

// newFleetReader makes what shows the fleet, where that is wanted.
func (e *exporter) newFleetReader(*config.Config) (part, error) {
	if !e.flags.fleet {
		return nil, nil
	}
	e.fleet = fleet.NewReader(fleet.ReaderConfig{
		Store: e.store, Cache: e.cache, Metrics: fleet.NewMetrics(e.own), Logger: e.log,
		Overview: func(node string) (key, origin string) {
			return overview.Published(jbodPrefixOf(node), nodeFingerprint(node))
		},
	})
	return e.fleet, nil
}
