package overview

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/cache"
	"storage_exporter/proxy"
	"storage_exporter/smart/assess"
	"storage_exporter/volume"
)

// A proxy shows its state and how many of its volumes are in which; what is not known
// is absent, and makes nothing old.
func TestProxies(t *testing.T) {
	polled := at.Add(-3 * time.Second)
	readings := []proxy.Reading{
		{Age: 3 * time.Second, Lookup: cache.Stale, Mine: true, Proxy: &proxy.Proxy{
			Name: "p1", Status: proxy.Unhealthy, Reason: "refused", LastCheckedAt: &polled, Volumes: []proxy.Volume{{Name: "a", Status: volume.Offline}, {Name: "b", Status: volume.Unknown}},
		}},
		{Err: errors.New("not yet"), Lookup: cache.Miss, Proxy: &proxy.Proxy{Name: "p2", Status: proxy.Unknown, Reason: "not yet"}},
	}
	parts := Parts{At: at, Proxies: proxies(readings)}
	count := func(total, offline, unknown int) VolumeCounts {
		return VolumeCounts{total, map[volume.Status]int{volume.Healthy: 0, volume.Degraded: 0, volume.Offline: offline, volume.Unavailable: 0, volume.Unknown: unknown}}
	}
	o := Build(parts)
	want := []Proxy{
		{Name: "p1", Status: proxy.Unhealthy, Reason: "refused", CheckedAt: &polled, AgeSeconds: new(3.0), Volumes: count(2, 1, 1)},
		{Name: "p2", Status: proxy.Unknown, Reason: "not yet", Volumes: count(0, 0, 0)},
	}
	if diff := cmp.Diff(want, o.Proxies); diff != "" {
		t.Error(diff)
	}
	if c := o.Counts.Proxies; c.Total != 2 || c.ByStatus[proxy.Unhealthy] != 1 || c.ByStatus[proxy.Unknown] != 1 || len(c.ByStatus) != 3 {
		t.Errorf("counts %+v", c)
	}
	if parts.age() != 3*time.Second || parts.lookup() != cache.Stale || !parts.mine() {
		t.Errorf("age %v, lookup %v, mine %v", parts.age(), parts.lookup(), parts.mine())
	}
	if f := o.Filter(Filter{Verdicts: []assess.Verdict{assess.Failing}}); f.Proxies != nil || f.Counts.Proxies != nil {
		t.Errorf("filtered: %+v", f.Proxies)
	}
	if o := Build(Parts{At: at, Proxies: proxies(nil)}); o.Proxies != nil || o.Counts.Proxies != nil {
		t.Errorf("of none: %+v", o)
	}
	if parts = (Parts{Proxies: proxies(readings[1:])}); parts.lookup() != cache.Hit {
		t.Errorf("lookup of what is not known: %v", parts.lookup())
	}
}

// What only ages is no change.
func TestProxiesTimeless(t *testing.T) {
	content := func(polled time.Time, age time.Duration, status volume.Status) []byte {
		b := build{parts: Parts{At: polled, Proxies: proxies([]proxy.Reading{{Age: age, Proxy: &proxy.Proxy{
			Name: "p1", Status: proxy.Healthy, LastCheckedAt: &polled, Volumes: []proxy.Volume{{Name: "a", Status: status}},
		}}})}}
		content, err := b.content()
		if err != nil {
			t.Fatal(err)
		}
		if p := b.parts.Proxies[0]; p.Age != age || !p.CheckedAt.Equal(polled) {
			t.Errorf("the parts have lost their times: %+v", p)
		}
		return content
	}
	first := content(at, 0, volume.Healthy)
	if !bytes.Equal(first, content(at.Add(time.Hour), time.Minute, volume.Healthy)) || bytes.Equal(first, content(at, 0, volume.Offline)) {
		t.Errorf("%s", first)
	}
}
