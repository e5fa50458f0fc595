package collector

import (
	"context"

	"storage_exporter/collector/exposition"
	"storage_exporter/proxy"
	"storage_exporter/volume"
)

// proxyCollector shows the configured proxies and what they report of their volumes.
type proxyCollector struct {
	proxies proxyList
	all     proxyFamilies
}

// proxyList is the proxies, as *proxy.Set has them.
type proxyList interface {
	Read(ctx context.Context) []proxy.Reading
}

// proxyFamilies are the families of other proxies.
type proxyFamilies struct {
	list exposition.Families // all of them

	up, lastChecked, volumeStatus *exposition.Family
}

func newProxyFamilies() proxyFamilies {
	var all exposition.Families
	f := proxyFamilies{
		up: all.Gauge("backendai_storage_proxy_up",
			"Whether the proxy's health endpoint gave a known answer to the last background poll (1) or not (0).", "proxy"),
		lastChecked: all.Gauge("backendai_storage_proxy_last_checked_timestamp_seconds",
			"Unix seconds of the last background poll of the proxy.", "proxy"),
		volumeStatus: all.Gauge("backendai_storage_proxy_volume_health_status",
			"State of a volume as its proxy reports it: 1 for the state that the volume is in, 0 for the others; unknown while the proxy does not answer.",
			"proxy", "volume", "backend", "status"),
	}
	f.list = all
	return f
}

// NewProxy makes the collector of other proxies; its name is "proxy".
func NewProxy(proxies *proxy.Set) *exposition.Collector {
	return exposition.NewCollector(newProxyCollector(proxies))
}

func newProxyCollector(proxies proxyList) *proxyCollector {
	return &proxyCollector{proxies: proxies, all: newProxyFamilies()}
}

func (c *proxyCollector) Name() string { return "proxy" }

func (c *proxyCollector) Families() exposition.Families { return c.all.list }

func (c *proxyCollector) Read(ctx context.Context) ([]exposition.Part, bool) {
	var parts []exposition.Part
	ok := true
	for _, r := range c.proxies.Read(ctx) {
		ok = ok && r.Err == nil
		parts = append(parts, exposition.Part{ID: r.Proxy.Name, Version: r.Proxy, Emit: func(s exposition.Sink) { c.emit(s, r.Proxy) }})
	}
	return parts, ok
}

func (c *proxyCollector) emit(s exposition.Sink, p *proxy.Proxy) {
	if p.Status != proxy.Unknown {
		s.Add(c.all.up, boolValue(p.Status == proxy.Healthy), p.Name)
	}
	if p.LastCheckedAt != nil {
		addTime(s, c.all.lastChecked, *p.LastCheckedAt, p.Name)
	}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		for _, state := range volume.Statuses {
			s.Add(c.all.volumeStatus, boolValue(state == v.Status), p.Name, v.Name, v.Backend, string(state))
		}
	}
}
