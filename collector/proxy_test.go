package collector

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/collector/exposition"
	"storage_exporter/proxy"
	"storage_exporter/volume"
)

// someProxies are always read as these.
type someProxies []proxy.Reading

func (p someProxies) Read(context.Context) []proxy.Reading { return p }

var polledAt = time.UnixMilli(1794700100500)

// threeProxies answer, are silent, and were not polled yet.
func threeProxies() someProxies {
	healthy := &proxy.Proxy{Name: "p1", Status: proxy.Healthy, LastCheckedAt: &polledAt}
	for _, s := range volume.Statuses {
		healthy.Volumes = append(healthy.Volumes, proxy.Volume{Name: "v-" + string(s), Backend: "xfs", Status: s})
	}
	silent := &proxy.Proxy{Name: "p2", Status: proxy.Unhealthy, Reason: "p2 did not answer in time", LastCheckedAt: &polledAt, Volumes: []proxy.Volume{
		{Name: "odd \"name\" \\", Status: volume.Unknown},
	}}
	return someProxies{{Proxy: healthy, Revision: 1}, {Proxy: silent, Revision: 2}, {Proxy: &proxy.Proxy{Name: "p3", Status: proxy.Unknown}, Err: errors.New("not yet")}}
}

func TestProxyGolden(t *testing.T) {
	got := shown(t, newProxyCollector(threeProxies()))
	golden(t, "proxy/three", got)
	covered := make(map[string]bool)
	cover(covered, got)
	all := newProxyFamilies()
	for _, name := range names(all.list) {
		if !covered[name] {
			t.Errorf("no golden file shows %s", name)
		}
	}
	golden(t, "proxy/none", shown(t, newProxyCollector(someProxies{})))
}

func TestProxyFamiliesLint(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(exposition.NewCollector(newProxyCollector(threeProxies())))
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// A proxy that was not polled yet is no success; one that does not answer is.
func TestProxyCollectorReads(t *testing.T) {
	all := threeProxies()
	for n, want := range []bool{true, true, true, false} {
		parts, ok := newProxyCollector(all[:n]).Read(t.Context())
		if ok != want || len(parts) != n {
			t.Errorf("%d proxies: %d parts, %v", n, len(parts), ok)
		}
	}
}

// The page follows each poll, also where one takes the place of another.
func TestProxyPageFollows(t *testing.T) {
	list := make(someProxies, 1)
	e := newTestExporter(t, exposition.Config{}, newProxyCollector(list))
	for i, status := range []proxy.Status{proxy.Healthy, proxy.Unhealthy, proxy.Healthy} {
		list[0] = proxy.Reading{Proxy: &proxy.Proxy{Name: "p1", Status: status}}
		page, _ := scrape(t, e, "/metrics", "")
		wantLines(t, page, fmt.Sprintf(`backendai_storage_proxy_up{proxy="p1"} %d`, 1-i%2))
	}
}
