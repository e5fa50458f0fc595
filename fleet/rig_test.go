package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart/assess"
	"storage_exporter/volume"
)

// quiet logs nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// reading makes a reader of a store, which nothing but its user starts.
func reading(t testing.TB, store cachestore.Store) *Reader {
	t.Helper()
	c := cache.New(cache.Config{Store: store, Observer: "test", Logger: quiet(), Metrics: cache.NewMetrics(prometheus.NewRegistry())})
	r := NewReader(ReaderConfig{
		Store: store, Cache: c, Metrics: NewMetrics(prometheus.NewRegistry()), Logger: quiet(),
		Overview: func(node string) (key, origin string) { return overview.Published("jbod:"+node+":", "node:"+node) },
	})
	t.Cleanup(func() {
		r.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return r
}

// sending makes a sender of a node with one failing drive and one healthy volume.
func sending(store cachestore.Store, node string) *Sender {
	return NewSender(SenderConfig{
		Store: store, Node: node, URL: "http://" + node + ":9777", Version: "1.2.3", Logger: quiet(),
		Overview: func() *overview.Overview { return someOverview(1) },
	})
}

// someOverview has so many failing drives.
func someOverview(failing int) *overview.Overview {
	o := &overview.Overview{Volumes: []overview.Volume{{Name: "v", Backend: "xfs", Status: volume.Healthy}}}
	for i := range failing {
		o.Outside = append(o.Outside, overview.Drive{Device: fmt.Sprint("sd", i), Assessment: assess.Result{
			Verdict: assess.Failing, Reasons: []assess.Reason{{Text: "12 reallocated sectors (id 5): such drives fail at a rate of 20 percent a year and more"}},
		}})
	}
	o.Counts = overview.Counts{
		Drives:  &overview.DriveCounts{Total: failing, Outside: failing, ByVerdict: map[assess.Verdict]int{assess.Failing: failing}},
		Volumes: &overview.VolumeCounts{Total: 1, ByStatus: map[volume.Status]int{volume.Healthy: 1}},
	}
	return o
}

// aDigest is one as a node puts it.
func aDigest(t testing.TB, node string, failing int) []byte {
	t.Helper()
	d := compose(someOverview(failing))
	d.Node, d.URL, d.Version = node, "http://"+node+":9777", "1.2.3"
	raw, err := d.encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func put(t testing.TB, store cachestore.Store, node string, raw []byte) {
	t.Helper()
	if err := store.Mark(t.Context(), set, node, keep); err != nil {
		t.Fatal(err)
	}
	if raw == nil {
		return
	}
	if err := store.Set(t.Context(), cachestore.SetItem{Key: key(node), Value: raw, TTL: life}); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, r *Reader) *Fleet {
	t.Helper()
	snap, err := r.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap.Value
}

func shown(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// hostOverview is that of a host with something of each kind.
func hostOverview() *overview.Overview {
	return &overview.Overview{
		Counts: overview.Counts{
			Drives:  &overview.DriveCounts{Total: 3, ByVerdict: map[assess.Verdict]int{assess.OK: 1, assess.Failing: 1, assess.Unknown: 1}},
			Slots:   &overview.SlotCounts{Total: 1, Populated: 1, Fault: 1},
			Pools:   &overview.PoolCounts{Total: 2, ByState: map[string]int{"SUSPENDED": 1, "DEGRADED": 1}},
			Volumes: &overview.VolumeCounts{Total: 3, ByStatus: map[volume.Status]int{volume.Healthy: 1, volume.Degraded: 1, volume.Offline: 1}},
			Proxies: &overview.ProxyCounts{Total: 3, ByStatus: map[proxy.Status]int{proxy.Healthy: 1, proxy.Unhealthy: 1, proxy.Unknown: 1}},
		},
		Proxies: []overview.Proxy{{Name: "p1", Status: proxy.Healthy}, {Name: "p2", Status: proxy.Unhealthy, Reason: "refused"}, {Name: "p3", Status: proxy.Unknown}},
		Enclosures: []overview.Enclosure{{ID: "enc1", Slots: []overview.Slot{{
			Slot: "3", Name: "Bay 3", Fault: new(true), Drive: &overview.Drive{Device: "sdb", Assessment: assess.Result{
				Verdict: assess.Failing, Reasons: []assess.Reason{{Text: "worn out"}, {Text: "and hot"}},
			}}, More: []overview.Drive{{Device: "sdx", NotMonitored: true, Assessment: assess.Result{Verdict: assess.Unknown}}},
		}}}},
		Outside: []overview.Drive{
			{Device: "sda", Assessment: assess.Result{Verdict: assess.OK}},
			{Device: "sdc", Trouble: "timeout", Assessment: assess.Result{Verdict: assess.Unknown}},
		},
		Pools: []overview.Pool{{Name: "pond", State: "DEGRADED", Status: "a device is missing"}, {Name: "tank", State: "SUSPENDED"}},
		Volumes: []overview.Volume{
			{Name: "good", Backend: "xfs", Status: volume.Healthy}, {Name: "slow", Backend: "xfs", Status: volume.Degraded},
			{Name: "gone", Backend: "nfs", Status: volume.Offline, Info: "not mounted"},
		},
	}
}
