package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"storage_exporter/internal/redistest"
)

// withoutHost are flags with which a test's exporter leaves the machine's own drives alone.
var withoutHost = []string{noSmartctl, "--no-collector.enclosures", "--no-collector.zfs"}

// node starts an exporter of a fleet.
func node(t *testing.T, name string, args ...string) *instance {
	t.Helper()
	return start(t, append(append([]string{"--node.name=" + name, "--node.url=http://" + name + ".example:9777"}, withoutHost...), args...)...)
}

// Hosts on one Redis, or on a cluster, are shown by one of them.
func TestFleetOfExporters(t *testing.T) {
	cluster := redistest.StartCluster(t)
	for name, redis := range map[string][]string{
		"single":  {"--redis.address=" + redistest.Start(t, redistest.Options{}).Addr},
		"cluster": {"--redis.mode=cluster", "--redis.address=" + cluster.Addrs()[0]},
	} {
		t.Run(name, func(t *testing.T) {
			a := node(t, "a", redis...)
			b := node(t, "b", append(redis, "--fleet")...)
			b.awaitReady()
			b.await("both nodes", func() bool {
				_, _, body := b.get("/api/fleet")
				return strings.Contains(body, `"nodes":{"total":2,"live":2,"silent":0,"unknown":0}`) && strings.Contains(body, `"url":"http://a.example:9777"`) &&
					strings.Contains(body, `"volumes":{"total":2,`)
			})
			b.await("the overview of a", func() bool {
				status, _, body := b.get("/api/fleet/a")
				return status == http.StatusOK && strings.Contains(body, `"overview":{"built_at":`) && strings.Contains(body, `"page":"http://a.example:9777/"`)
			})
			b.await("the metric", func() bool { return value(b.scrape(), `storage_fleet_nodes{state="live"}`) != "" })
			if status, _, body := b.get("/api/fleet/c"); status != http.StatusNotFound {
				t.Errorf("%d %s", status, body)
			}
			if _, _, page := b.get("/"); !strings.Contains(page, `"/api/fleet"`) {
				t.Error(page)
			}
			if status, _, body := a.get("/api/fleet"); status != http.StatusNotFound || strings.Contains(a.scrape(), "storage_fleet_") {
				t.Errorf("without --fleet: %d %s", status, body)
			}
			if status, _, body := b.get("/sd"); status != http.StatusOK || body != "[]" {
				t.Errorf("no targets are allowed: %d %s", status, body)
			}
		})
	}
}

// A real Prometheus discovers the exporters of the fleet and the proxies, and keeps them
// while the list cannot be made.
func TestRealPrometheusDiscovers(t *testing.T) {
	server := redistest.Start(t, redistest.Options{})
	redis := "--redis.address=" + server.Addr
	member := start(t, append(withoutHost, "--no-collector.vfs", redis, "--node.name=x")...)
	address := strings.TrimPrefix(member.url, "http://")
	// Of a fleet, what a hostile digest and the member's own say of its address.
	server.Do("SET", "fleet:node:h", `{"node":"h","url":"http://`+freeAddress(t)+`"}`, "PX", 80000)
	server.Do("SET", "fleet:node:m", `{"node":"m","url":"`+member.url+`"}`, "PX", 80000)
	now := server.Do("TIME").([]any)[0]
	server.Do("ZADD", "fleet:nodes", fmt.Sprint(now, "000"), "h", fmt.Sprint(now, "000"), "m")
	proxies := "[proxy.p1]\nurl = \"http://127.0.0.1:1\"\nmetrics = \"" + address + "\"\n[proxy.p2]\nurl = \"http://127.0.0.1:1\"\n"
	in := start(t, append(withoutHost, redis, "--fleet", "--fleet.targets=127\\.0\\.0\\.1:"+address[strings.LastIndex(address, ":")+1:], "--config.file="+writeFile(t, "c.toml", proxies))...)
	in.awaitReady()
	p := prometheusOf(t, fmt.Sprintf(`
- job_name: discovered
  http_sd_configs: [{url: %q, refresh_interval: 1s}]
  relabel_configs:
  - {source_labels: [__meta_storage_proxy], target_label: proxy}
  - {source_labels: [__meta_storage_node], target_label: node}
`, in.url+"/sd"))
	p.await("count(up)", "2")
	p.await(`up{proxy="p1"}`, "1")
	p.await(`up{node="m"}`, "1")
	server.Pause()
	in.await("a fleet that cannot be read", func() bool {
		_, header, _ := in.get("/api/fleet")
		return header.Get("X-Cache") == "STALE"
	})
	if status, _, body := in.get("/sd"); status != http.StatusOK || !strings.Contains(body, `"__meta_storage_node":"m"`) {
		t.Errorf("%d %s", status, body)
	}
	p.await("count(up)", "2")
	server.Resume()
}

func TestFleetMistakes(t *testing.T) {
	redis := "--redis.address=127.0.0.1:1"
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"--fleet"}, "--fleet: needs the Redis that the hosts share: set redis.addresses"},
		{[]string{redis, "--fleet.targets=.*"}, "--fleet.targets: needs --fleet beside it"},
		{[]string{redis, "--fleet", "--fleet.targets=("}, "--fleet.targets: is no regular expression"},
		{[]string{redis, "--fleet", "--fleet.targets=a)(b"}, "--fleet.targets: is no regular expression"},
		{[]string{redis, "--node.url=http://h:1"}, "needs a name beside it"},
		{[]string{redis, "--node.name=n", "--node.url=http://h:1/x"}, "with a host and a port, and nothing else"},
	} {
		started, log := starts(t, append(append([]string{"--web.listen-address=127.0.0.1:0"}, withoutHost...), tt.args...))
		if started || !strings.Contains(log, tt.says) {
			t.Errorf("%v: %v, %s", tt.args, started, log)
		}
	}
}
