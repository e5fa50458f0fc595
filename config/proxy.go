package config

import (
	"slices"
	"strings"
	"time"

	"storage_exporter/internal/nearest"
)

// proxySections are the top-level sections of a Backend.AI configuration that
// are not the exporter's, with underscores for dashes. A name that begins with
// one of proxyPrefixes is one too.
var (
	proxySections = []string{"storage_proxy", "api", "etcd", "logging", "debug", "pyroscope", "otel", "service_discovery", "sentry"}
	proxyPrefixes = []string{"presigned", "artifact", "reservoir"}
)

func isProxySection(name string) bool {
	name = underscored(name)
	return slices.Contains(proxySections, name) ||
		slices.ContainsFunc(proxyPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

func hasProxySection(doc map[string]any) bool {
	for name := range doc {
		if isProxyMain(name) {
			return true
		}
	}
	return false
}

func isProxyMain(name string) bool { return underscored(name) == "storage_proxy" }

func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

// proxyKeys are the keys of volume-stats, and those of the exporter that they
// stand for.
var proxyKeys = map[string]string{
	"observe_interval": "volumes.performance_interval",
	"observe_timeout":  "volumes.performance_timeout",
	"cache_ttl":        "volumes.performance_ttl",
}

// readProxySection reads volume-stats, a table or flat keys with that prefix,
// dashes or underscores. [volumes] is read later and goes before it.
func (l *loader) readProxySection(section string, table map[string]any) {
	if !isProxyMain(section) {
		return
	}
	for _, name := range sorted(table) {
		key, v := joinKey(section, name), table[name]
		stat, ok := strings.CutPrefix(underscored(name), "volume_stats")
		if !ok {
			continue
		}
		if stats, isTable := v.(map[string]any); isTable && stat == "" {
			for _, stat := range sorted(stats) {
				l.setSeconds(underscored(stat), joinKey(section, name, stat), stats[stat])
			}
			continue
		}
		l.setSeconds(strings.TrimPrefix(stat, "_"), key, v)
	}
}

// setSeconds stores one of volume-stats: seconds as a number, or a duration.
func (l *loader) setSeconds(stat, name string, v any) {
	from := origin{fromProxy, l.cfg.File, name}
	key, ok := proxyKeys[stat]
	if !ok {
		l.warn(from, "is not known and was ignored%s", nearest.Hint(stat, sorted(proxyKeys)))
		return
	}
	var d time.Duration
	var err error
	switch v := v.(type) {
	case int64:
		d, err = seconds(float64(v))
	case float64:
		d, err = seconds(v)
	case string:
		if v, err = l.env.expand(v); err == nil {
			d, err = parseSeconds(v)
		}
	default:
		err = errNoSeconds
	}
	if err != nil {
		l.refuse(key, from, err)
		return
	}
	*l.fields[key].at.(*time.Duration) = d
	l.origins[key] = from
}

// settleProxyTimeout drops a timeout that suits the storage proxy but not the
// exporter, for which a round must end before the next begins.
func (l *loader) settleProxyTimeout() {
	const key = "volumes.performance_timeout"
	d := &l.cfg.VolumeDefaults
	shortest := d.PerformanceInterval
	for _, v := range l.cfg.Volumes {
		if v.PerformanceInterval > 0 {
			shortest = min(shortest, v.PerformanceInterval)
		}
	}
	if from := l.origins[key]; from.layer == fromProxy && d.PerformanceTimeout >= shortest {
		l.warn(from, "is not below every volume's interval and was ignored: the backend's own timeout holds")
		d.PerformanceTimeout = 0
	}
}
