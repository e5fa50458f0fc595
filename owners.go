package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/config"
	"storage_exporter/enclosure"
	"storage_exporter/event"
	"storage_exporter/fleet"
	"storage_exporter/internal/nearest"
	"storage_exporter/proxy"
	"storage_exporter/smart"
	"storage_exporter/smart/smartctl"
	"storage_exporter/volume"
	"storage_exporter/volume/observed"
	"storage_exporter/web"
	"storage_exporter/zpool"
)

// defaults are what holds where nothing is set, as the owners of the values have
// it.
func defaults() *config.Config {
	return &config.Config{
		Redis:                config.Redis{Mode: cachestore.RedisSingle, Timeout: cachestore.DefaultRedisTimeout},
		Smart:                config.Smart(smart.DefaultSettings()),
		EnclosureObservation: config.Observation{Interval: enclosure.DefaultInterval},
		PoolObservation:      config.Observation{Interval: zpool.DefaultInterval},
		VolumeDefaults: config.VolumeDefaults{
			PerformanceInterval: observed.DefaultPerformance.Interval,
			HealthCheckInterval: observed.DefaultHealth.Interval,
			UsageInterval:       observed.DefaultUsage.Interval,
		},
	}
}

// checkOwned asks the owners of all values. A new owner is one line.
func checkOwned(c *config.Config, r *config.Report) {
	checkNode(c, r)
	checkToken(c, r)
	checkStore(c, r)
	checkSmart(c, r)
	checkPeriods(c, r)
	checkProxies(c, r)
	checkEvents(c, r)
	checkEnclosures(c, r)
}

// checkEnclosures checks how enclosures are shown.
func checkEnclosures(c *config.Config, r *config.Report) {
	for _, e := range c.Enclosures {
		section := config.EnclosureKey(e.ID)
		if r.Given(section + ".columns") {
			web.CheckColumns(e.Columns, r.In(section))
		}
	}
}

// columnsOf are the columns of the enclosures that have them.
func columnsOf(c *config.Config) *web.Columns {
	by := make(map[string]int)
	for _, e := range c.Enclosures {
		if e.Columns > 0 {
			by[e.ID] = e.Columns
		}
	}
	return web.NewColumns(by)
}

func checkNode(c *config.Config, r *config.Report) {
	if c.Node.Name != "" && !fleet.IsName(c.Node.Name) {
		r.In("node")("name", "must be 1 to 63 letters, digits, dots, dashes and underscores: it becomes part of keys")
	}
	if c.Node.URL != "" {
		if err := fleet.CheckURL(c.Node.URL); err != nil {
			r.In("node")("url", "%w", err)
		} else if c.Node.Name == "" {
			r.In("node")("url", "needs a name beside it: set `name`")
		}
	}
}

func checkStore(c *config.Config, r *config.Report) {
	switch path := c.Cache.Path; {
	case path == "":
	case !strings.HasPrefix(path, "/"):
		r.In("cache")("path", "must be absolute: write `path = \"/…\"`")
	case c.Cache.Store == config.StoreFile:
		err := cachestore.CheckFile(path)
		if err != nil && r.ByFlag("cache.path") {
			err = fmt.Errorf("%s: %w", path, err)
		}
		if err != nil {
			r.In("cache")("path", "cannot be used: %w", err)
		}
	}
	r.OneOf("redis", "mode", c.Redis.Mode, cachestore.RedisModes)
	redis := redisConfig(c.Redis, nil)
	if c.Cache.Store == config.StoreRedis {
		redis.CheckUse(r.In("redis"))
	} else {
		redis.Check(r.In("redis"))
	}
}

func checkSmart(c *config.Config, r *config.Report) {
	if !r.Given("smart.timeout") {
		c.Smart.Timeout = smart.DefaultTimeout(c.Smart.Interval)
	}
	r.OneOf("smart", "powermode_check", c.Smart.PowermodeCheck, smartctl.PowerModeChecks)
	smart.Settings(c.Smart).Check(r.In("smart"))
}

// checkEvents settles what webhooks leave open and checks them.
func checkEvents(c *config.Config, r *config.Report) {
	event.CheckHold(c.Events.Hold, r.In("events"))
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		section := config.WebhookKey(i)
		w.Format = cmp.Or(w.Format, event.FormatJSON)
		if !r.Given(section + ".timeout") {
			w.Timeout = event.DefaultTimeout
		}
		hook := event.Webhook(*w)
		hook.Check(r.In(section))
	}
}

// checkPeriods checks how often enclosures, pools and volumes are observed.
func checkPeriods(c *config.Config, r *config.Report) {
	cache.CheckPeriod("", c.EnclosureObservation.Interval, 0, r.In("enclosures"))
	cache.CheckPeriod("", c.PoolObservation.Interval, 0, r.In("zfs"))
	d := c.VolumeDefaults
	check := func(kind string, interval, timeout time.Duration, own func(config.Volume) time.Duration) {
		cache.CheckPeriod(kind, interval, timeout, r.In("volumes"))
		for _, v := range c.Volumes {
			section := config.VolumeKey(v.Name)
			if !r.Given(section + "." + kind + "interval") {
				continue // the default's own check covers it
			}
			cache.CheckPeriod(kind, own(v), 0, r.In(section))
			if timeout >= own(v) {
				r.In(section)(kind+"interval", "must be longer than volumes.%stimeout, which is %v", kind, timeout)
			}
		}
	}
	check("performance_", d.PerformanceInterval, d.PerformanceTimeout, func(v config.Volume) time.Duration { return v.PerformanceInterval })
	check("health_check_", d.HealthCheckInterval, d.HealthCheckTimeout, func(v config.Volume) time.Duration { return v.HealthCheckInterval })
	check("usage_", d.UsageInterval, d.UsageTimeout, func(v config.Volume) time.Duration { return v.UsageInterval })
}

// ownProxy is how this exporter's own volumes are named among those of proxies, where
// the host has no name.
const ownProxy = "local"

// checkProxies settles the proxies' defaults and checks them.
func checkProxies(c *config.Config, r *config.Report) {
	for i := range c.Proxies {
		p := &c.Proxies[i]
		section := config.ProxyKey(p.Name)
		if !r.Given(section + ".interval") {
			p.Interval = proxy.DefaultInterval
		}
		if !r.Given(section + ".timeout") {
			p.Timeout = min(proxy.DefaultTimeout, p.Interval/10*9)
		}
		if p.Name == cmp.Or(c.Node.Name, ownProxy) {
			r.In("proxy")(p.Name, "must have another name: that one stands for this exporter's own volumes")
		}
		proxy.Config(*p).Check(r.In(section))
	}
}

// checkVolumes finds mistakes in volumes, which keep nothing else from working: so
// only --config.check asks for them. What has a mistake already is left out.
func checkVolumes(c *config.Config, r *config.Report, kinds map[string]volume.Kind) {
	for _, v := range c.Volumes {
		section := config.VolumeKey(v.Name)
		if r.Bad(section) {
			continue
		}
		kind, known := kinds[v.Backend]
		if !known {
			r.In(section)("backend", "%q is not supported%s", v.Backend, nearest.Hint(v.Backend, slices.Sorted(maps.Keys(kinds))))
			continue
		}
		if err := wrongVolume(kind, volumeConfig(c, v)); err != nil {
			r.Volume(section, err)
		}
	}
}

// wrongVolume is the user's mistake in a volume, if there is one. Nothing is asked.
func wrongVolume(kind volume.Kind, cfg volume.Config) error {
	cfg.Strict = true
	if _, err := kind.Identify(cfg); err != nil {
		return err
	}
	backend, err := kind.New([]volume.Config{cfg}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return backend.Close()
}
