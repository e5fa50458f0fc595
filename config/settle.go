package config

import "strings"

// settle fills in what follows from other values.
func (l *loader) settle() {
	c := l.cfg
	l.chooseStore()
	l.settleTLS()
	l.settleProxyTimeout()
	if len(c.Volumes) == 0 && !l.bad["volume"] {
		c.Volumes = []Volume{{Name: "root", Backend: "vfs", Path: "/", FSPrefix: "."}}
	}
	for i := range c.Volumes {
		v, d := &c.Volumes[i], c.VolumeDefaults
		if v.PerformanceInterval == 0 {
			v.PerformanceInterval = d.PerformanceInterval
		}
		if v.HealthCheckInterval == 0 {
			v.HealthCheckInterval = d.HealthCheckInterval
		}
		if v.UsageInterval == 0 {
			v.UsageInterval = d.UsageInterval
		}
	}
}

// chooseStore settles the store from what was set last, unless it was named.
func (l *loader) chooseStore() {
	c := l.cfg
	if c.Cache.Store != "" {
		return
	}
	redis, path := fromDefault, fromDefault
	if len(c.Redis.Addresses) > 0 {
		redis = l.origins["redis.addresses"].layer
	}
	if c.Cache.Path != "" {
		path = l.origins["cache.path"].layer
	}
	switch {
	case redis > fromDefault && redis >= path:
		c.Cache.Store = StoreRedis
	case path > fromDefault:
		c.Cache.Store = StoreFile
	default:
		c.Cache.Store = StoreMemory
	}
	if redis == fromDefault {
		l.warnOfIdleRedis()
	}
}

// warnOfIdleRedis keeps a forgotten address from passing in silence.
func (l *loader) warnOfIdleRedis() {
	for _, key := range sorted(l.fields) {
		from, ok := l.origins[key]
		if ok && strings.HasPrefix(key, "redis.") {
			l.warn(from, "has no effect: no Redis is named, by redis.addresses or REDIS_HOST")
			return
		}
	}
}

// settleTLS clears what is switched off, and refuses what looks as if TLS were
// on when it is not.
func (l *loader) settleTLS() {
	tls := &l.cfg.Redis.TLS
	if tls.Enabled {
		return
	}
	if _, explicit := l.origins["redis.tls.enabled"]; !explicit && *tls != (TLS{}) {
		for _, key := range []string{"ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify"} {
			if _, ok := l.origins["redis.tls."+key]; ok {
				l.problem("redis.tls."+key, "has no effect without TLS: write enabled = true in [redis.tls], or enabled = false to keep TLS off")
				break
			}
		}
	}
	*tls = TLS{}
}
