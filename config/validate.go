package config

import (
	"errors"
	"net"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of what can be meant.
const (
	leastInterval   = 100 * time.Millisecond
	leastTimeout    = 10 * time.Millisecond
	leastRescan     = time.Second // below it, as in smartctl_exporter, means never
	mostRedisWait   = time.Minute
	mostConcurrency = 1024
	mostDB          = 65535
)

var (
	nodeName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	backendName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	// It becomes part of an argument of smartctl: "sat+megaraid,14".
	deviceType = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.,:+/-]*$`)
)

func (l *loader) validate() {
	c := l.cfg
	if c.Node.Name != "" && !nodeName.MatchString(c.Node.Name) {
		l.problem("node.name", "must be 1 to 63 letters, digits, dots, dashes and underscores: it becomes part of keys")
	}
	l.validateCache()
	l.validateSmart()
	l.validatePeriods()
	l.validateVolumes()
}

func (l *loader) validateCache() {
	c := l.cfg
	l.oneOf("cache.store", c.Cache.Store, StoreMemory, StoreFile, StoreRedis)
	if c.Cache.Path != "" {
		l.absolute("cache.path", c.Cache.Path, "path")
	} else if c.Cache.Store == StoreFile {
		l.missing("cache.path", `is missing for store = "file": write path = "/var/lib/storage_exporter/cache.db"`)
	}
	l.validateRedis()
}

func (l *loader) validateRedis() {
	r := l.cfg.Redis
	l.oneOf("redis.mode", r.Mode, RedisSingle, RedisSentinel, RedisCluster)
	switch n := len(r.Addresses); {
	case n == 0 && l.cfg.Cache.Store == StoreRedis:
		l.missing("redis.addresses", `is missing for store = "redis": write addresses = ["127.0.0.1:6379"]`)
	case n > 1 && r.Mode == RedisSingle:
		l.problem("redis.addresses", `must be one address in mode "single": write mode = "sentinel" or mode = "cluster" for several`)
	}
	for i, a := range r.Addresses {
		if !goodAddress(a) {
			l.problem("redis.addresses", `must be host:port, as in "127.0.0.1:6379": entry %d is not`, i+1)
		}
	}
	if r.Mode == RedisSentinel && r.MasterName == "" && len(r.Addresses) > 0 {
		l.missing("redis.master_name", `is missing for mode = "sentinel": write master_name = "mymaster"`)
	}
	if r.Mode == RedisSingle || r.Mode == RedisCluster {
		for _, key := range []string{"redis.master_name", "redis.sentinel_username", "redis.sentinel_password"} {
			if _, set := l.origins[key]; set {
				l.problem(key, `has no effect: write mode = "sentinel", or leave it out`)
			}
		}
	}
	switch {
	case r.DB < 0 || r.DB > mostDB:
		l.problem("redis.db", "must be 0 to %d", mostDB)
	case r.DB != 0 && r.Mode == RedisCluster:
		l.problem("redis.db", `must be 0 in mode "cluster", which has no other`)
	}
	l.atLeast("redis.timeout", r.Timeout, leastTimeout)
	if r.Timeout > mostRedisWait {
		l.problem("redis.timeout", "must be %v at most: a scrape may wait that long", mostRedisWait)
	}
	l.absolute("redis.tls.ca_file", r.TLS.CAFile, "ca_file")
	l.absolute("redis.tls.cert_file", r.TLS.CertFile, "cert_file")
	l.absolute("redis.tls.key_file", r.TLS.KeyFile, "key_file")
	switch {
	case r.TLS.CertFile != "" && r.TLS.KeyFile == "":
		l.missing("redis.tls.key_file", `is missing beside cert_file: write key_file = "/…"`)
	case r.TLS.KeyFile != "" && r.TLS.CertFile == "":
		l.missing("redis.tls.cert_file", `is missing beside key_file: write cert_file = "/…"`)
	}
}

func goodAddress(a string) bool {
	host, port, err := net.SplitHostPort(a)
	if err != nil || host == "" || strings.ContainsAny(host, "/@ ") {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

func (l *loader) validateSmart() {
	s := l.cfg.Smart
	switch {
	case s.Path == "":
		l.problem("smart.path", `must not be empty: write path = "/usr/sbin/smartctl"`)
	case strings.Contains(s.Path, "/"):
		l.absolute("smart.path", s.Path, "path")
	}
	l.period("smart.", s.Interval, s.Timeout)
	l.atLeast("smart.ttl", s.TTL, leastInterval)
	if s.Concurrency < 1 || s.Concurrency > mostConcurrency {
		l.problem("smart.concurrency", "must be 1 to %d", mostConcurrency)
	}
	for i, d := range s.Devices {
		path, kind, typed := strings.Cut(d, ";")
		if !strings.HasPrefix(path, "/") || typed && !deviceType.MatchString(kind) {
			l.problem("smart.devices", `must be absolute paths, with a type where one is needed, as in "/dev/bus/0;megaraid,1": entry %d is not`, i+1)
		}
	}
	for i, t := range s.ScanDeviceTypes {
		if !deviceType.MatchString(t) {
			l.problem("smart.scan_device_types", `must be device types of smartctl, such as "nvme": entry %d is not`, i+1)
		}
	}
	l.regexp("smart.device_include", s.DeviceInclude)
	l.regexp("smart.device_exclude", s.DeviceExclude)
	l.oneOf("smart.powermode_check", s.PowermodeCheck, "never", "sleep", "standby", "idle")
}

func (l *loader) validatePeriods() {
	d := l.cfg.VolumeDefaults
	l.period("volumes.performance_", d.PerformanceInterval, d.PerformanceTimeout)
	l.period("volumes.health_check_", d.HealthCheckInterval, d.HealthCheckTimeout)
	l.period("volumes.usage_", d.UsageInterval, d.UsageTimeout)
}

// period checks an interval and the timeout within it, 0 being none.
func (l *loader) period(prefix string, interval, timeout time.Duration) {
	l.atLeast(prefix+"interval", interval, leastInterval)
	if timeout == 0 {
		return
	}
	l.atLeast(prefix+"timeout", timeout, leastTimeout)
	if timeout >= interval {
		l.problem(prefix+"timeout", "must be below %sinterval, which is %v", prefix, interval)
	}
}

func (l *loader) atLeast(key string, d, least time.Duration) {
	if d < least {
		l.problem(key, "must be %v at least", least)
	}
}

func (l *loader) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		l.problem(key, `must be one of "%s"%s`, strings.Join(allowed, `", "`), suggestion(value, allowed))
	}
}

// absolute checks a path, empty being none.
func (l *loader) absolute(key, path, name string) {
	if path != "" && !strings.HasPrefix(path, "/") {
		l.problem(key, `must be absolute: write %s = "/…"`, name)
	}
}

func (l *loader) regexp(key, expr string) {
	if _, err := regexp.Compile(expr); err != nil {
		why := "it does not compile"
		if se, ok := errors.AsType[*syntax.Error](err); ok {
			why = string(se.Code)
		}
		l.problem(key, "must be a regular expression: %s", why)
	}
}
