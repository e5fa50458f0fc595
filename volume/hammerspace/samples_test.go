package hammerspace

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// samples are replies by path below the API's; what has none is refused.
type samples map[string]string

func (s samples) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == apiPath+"/login" {
		http.SetCookie(w, &http.Cookie{Name: "S", Value: "1"})
	}
	appliancetest.Samples{At: time.Now(), Otherwise: "403 ", Replies: s, Asked: func(r *http.Request) string {
		return strings.TrimPrefix(r.URL.Path, apiPath)
	}}.With("/login", "200 ").ServeHTTP(w, r)
}

const oneNodeEach = `[{"name": "anvil1", "nodeMode": "ONLINE", "productNodeType": "ANVIL"}, {"name": "dsx1", "nodeMode": "ONLINE", "productNodeType": "DSX"}]`

// well are the samples of a cluster that is well.
func well(change samples) samples {
	s := samples{
		"/cntl/state": "cntl_state.json", "/nodes": oneNodeEach, "/storage-volumes": "storage_volumes.json", "/shares": "shares.json", "/sites": "sites.json",
		"/metrics/capacity/CLUSTER/11111111-2222-3333-4444-555555555555": "metrics_capacity_cluster.json",
	}
	for resource, name := range change {
		s[resource] = name
	}
	return s
}

// open makes a backend with one volume, v.
func open(t testing.TB, h http.Handler, change ...func(*volume.Config, *mount.Paths)) (*anvil, *appliancetest.Appliance) {
	t.Helper()
	e := appliancetest.NewEmulator(t, nil, h, "hammerspace", "address", []string{"v"}, func(int, string) map[string]any {
		return map[string]any{"username": "monitor", "password": password}
	})
	e.Volumes[0].PerformanceInterval = 10 * time.Second
	var paths mount.Paths
	for _, f := range change {
		f(&e.Volumes[0], &paths)
	}
	return volumetest.Open[*anvil](t, Anvil(mount.NewHost(paths, nil), nil), e.Volumes...), e.Appliance
}

func named(share string) func(*volume.Config, *mount.Paths) {
	return func(cfg *volume.Config, _ *mount.Paths) { cfg.Options["share"] = share }
}

const sampleShare = "0123456789abcdef0123456789abcdef"

func TestUsageOfSamples(t *testing.T) {
	cluster := volume.Usage{CapacityBytes: new(uint64(300000000000000)), UsedBytes: new(uint64(120000000000000)), AvailableBytes: new(uint64(180000000000000))}
	recorded := volume.Usage{CapacityBytes: new(uint64(300000000000000)), UsedBytes: new(uint64(120000500000000)), AvailableBytes: new(uint64(179999500000000))}
	share := volume.Usage{
		CapacityBytes: new(uint64(107374182400)), UsedBytes: new(uint64(10737418240)), AvailableBytes: new(uint64(96636764160)),
		Inodes: new(uint64(1000000)), InodesUsed: new(uint64(4211)),
	}
	unlimited := volume.Usage{CapacityBytes: cluster.CapacityBytes, UsedBytes: new(uint64(7)), AvailableBytes: cluster.AvailableBytes}
	const metrics = "/metrics/capacity/CLUSTER/11111111-2222-3333-4444-555555555555"
	for _, test := range []struct {
		name  string
		serve samples
		share string
		want  volume.Usage
		err   error
		old   bool // the sample has a time of its own
	}{
		{"state", well(nil), "", cluster, nil, false},
		{"statistics", well(samples{"/cntl/state": ""}), "", recorded, nil, true},
		{"statistics where the state does not tell", well(samples{"/cntl/state": `{"name": "a", "capacity": {"total": null}}`}), "", recorded, nil, true},
		{"the local site is not the first", well(samples{"/cntl/state": "", "/sites": `[
			{"type": "REMOTE", "uoid": {"uuid": "9"}}, {"type": "LOCAL", "uoid": {"uuid": "11111111-2222-3333-4444-555555555555"}}]`}), "", recorded, nil, true},
		{"several local sites", well(samples{"/cntl/state": "", "/sites": `[{"type": "LOCAL", "uoid": {"uuid": "9"}}, {"type": "LOCAL", "uoid": {"uuid": "8"}}]`}), "", volume.Usage{}, rest.ErrBadAnswer, false},
		{"shares of one name", well(samples{"/shares": `[{"name": "s", "shareSizeLimit": 9, "space": {"used": 1, "available": 8}},
			{"name": "s", "shareSizeLimit": 5, "space": {"used": 4, "available": 1}}, {"name": "s", "shareSizeLimit": 7, "space": {"used": 1, "available": 6}}]`}), "s",
			volume.Usage{CapacityBytes: new(uint64(5)), UsedBytes: new(uint64(4)), AvailableBytes: new(uint64(1))}, nil, false},
		{"no statistics", well(samples{"/cntl/state": "", metrics: "metrics_capacity_empty.json"}), "", volume.Usage{}, rest.ErrBadAnswer, false},
		{"statistics refused", well(samples{"/cntl/state": "", metrics: ""}), "", volume.Usage{}, rest.ErrForbidden, false},
		{"share", well(nil), sampleShare, share, nil, false},
		{"share without a limit", well(samples{"/shares": `[{"name": "s", "shareSizeLimit": 0, "space": {"total": 5, "used": 7}}]`}), "s", unlimited, nil, false},
		{"share without a limit, statistics", well(samples{"/cntl/state": "", "/shares": `[{"name": "s", "space": {"used": 7}}]`}), "s",
			volume.Usage{CapacityBytes: recorded.CapacityBytes, UsedBytes: new(uint64(7)), AvailableBytes: recorded.AvailableBytes}, nil, true},
		{"share that tells its limit alone", well(samples{"/shares": `[{"name": "s", "shareSizeLimit": 9, "space": {"used": 7}}]`}), "s",
			volume.Usage{CapacityBytes: new(uint64(9)), UsedBytes: new(uint64(7))}, nil, false},
		{"no such share", well(samples{"/shares": "shares_empty.json"}), sampleShare, volume.Usage{}, rest.ErrNotFound, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, _ := open(t, test.serve, named(test.share))
			all, err := b.Usage(volumetest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			got := all["v"]
			if !errors.Is(got.Err, test.err) {
				t.Fatalf("%v, not %v", got.Err, test.err)
			}
			if diff := cmp.Diff(test.want, got.Value); diff != "" && test.err == nil {
				t.Error(diff)
			}
			if old := !got.SampledAt.IsZero() && time.Since(got.SampledAt) > time.Hour; old != test.old {
				t.Errorf("sampled at %v", got.SampledAt)
			}
		})
	}
}

func TestHealthOfSamples(t *testing.T) {
	nodes := func(s string) samples { return well(samples{"/nodes": s}) }
	disk := func(fields string) samples {
		return well(samples{"/storage-volumes": `[{"name": "d1", ` + fields + `}, {"name": "d2", "operState": "UP", "logicalVolume": {"serviceState": "RUNNING"}}]`})
	}
	share := func(fields string) samples { return well(samples{"/shares": `[{"name": "s", ` + fields + `}]`}) }
	for _, test := range []struct {
		name   string
		serve  samples
		share  string
		status volume.Status
		info   string
	}{
		{"well", well(nil), "", volume.Healthy, ""},
		{"well, share", well(nil), sampleShare, volume.Healthy, ""},
		{"a node in maintenance", well(samples{"/nodes": "nodes.json"}), "", volume.Degraded, "2 of 3 nodes are online and well: dsx3 (DSX) is in mode MAINTENANCE"},
		{"all data nodes away", nodes(strings.Replace(oneNodeEach, `"dsx1", "nodeMode": "ONLINE"`, `"dsx1", "nodeMode": "offline"`, 1)), "", volume.Offline,
			"all DSX nodes are offline; 1 of 2 nodes are online and well: dsx1 (DSX) is in mode OFFLINE"},
		{"one of two Anvils away", nodes(`[{"name": "a1", "nodeMode": "DISABLED", "productNodeType": "ANVIL"}, {"name": "a2", "nodeMode": "ONLINE", "productNodeType": "ANVIL"}]`), "", volume.Degraded,
			"1 of 2 nodes are online and well: a1 (ANVIL) is in mode DISABLED"},
		{"all Anvils away", nodes(`[{"name": "a1", "nodeMode": "DISABLED", "productNodeType": "ANVIL"}]`), "", volume.Offline,
			"all ANVIL nodes are offline; 0 of 1 nodes are online and well: a1 (ANVIL) is in mode DISABLED"},
		{"a node in an unknown mode", nodes(`[{"name": "a1", "nodeMode": "SIDEWAYS", "productNodeType": "ANVIL"}]`), "", volume.Degraded,
			`0 of 1 nodes are online and well: a1 (ANVIL) is in a state that is not known here, "SIDEWAYS"`},
		{"a node down", nodes(`[{"name": "a1", "nodeMode": "ONLINE", "productNodeType": "ANVIL", "operState": "DOWN"}]`), "", volume.Degraded,
			"0 of 1 nodes are online and well: a1 (ANVIL) is not up: its operational state is DOWN"},
		{"many nodes", nodes(`[{"name": "1"}, {"name": "2"}, {"name": "3"}, {"name": "4"}, {"name": "5", "nodeMode": "ONLINE"}]`), "", volume.Degraded,
			"1 of 5 nodes are online and well: 1 tells no state, 2 tells no state, 3 tells no state, 1 more"},
		{"a volume failed", disk(`"logicalVolume": {"serviceState": "FAILED"}`), "", volume.Degraded, "1 of 2 storage volumes are well: d1 is FAILED"},
		{"a volume down", disk(`"operState": "DOWN", "logicalVolume": {"serviceState": "RUNNING"}`), "", volume.Degraded, "1 of 2 storage volumes are well: d1 is not up: its operational state is DOWN"},
		{"a volume in another state", disk(`"storageVolumeState": "SUSPECTED", "operState": "UP"`), "", volume.Degraded, "1 of 2 storage volumes are well: d1 is in state SUSPECTED"},
		{"an unknown service", disk(`"logicalVolume": {"serviceState": "SIDEWAYS"}`), "", volume.Degraded, `1 of 2 storage volumes are well: d1 is in a state that is not known here, "SIDEWAYS"`},
		{"a volume without a state", disk(`"logicalVolume": null`), "", volume.Degraded, "1 of 2 storage volumes are well: d1 tells no state"},
		{"storage volumes not shown", well(samples{"/storage-volumes": ""}), "", volume.Healthy, ""},
		{"no storage volumes known", well(samples{"/storage-volumes": `{"a": 1}`}), "", volume.Degraded, "the state of the storage volumes is not known: "},
		{"a share being removed", well(samples{"/shares": "share_removing.json"}), sampleShare, volume.Degraded,
			"share " + sampleShare + " is in state REMOVING; share " + sampleShare + " is being made or deleted: DELETING"},
		{"a share offline", share(`"shareState": "OFFLINE"`), "s", volume.Offline, "share s is OFFLINE"},
		{"a share removed", share(`"shareState": "REMOVED"`), "s", volume.Offline, "share s is REMOVED"},
		{"a share full", share(`"shareState": "PUBLISHED", "utilizationState": "OVER"`), "s", volume.Degraded, "the utilization of share s is OVER"},
		{"a share in an unknown state", share(`"shareState": "SIDEWAYS"`), "s", volume.Degraded, `share s is in a state that is not known here, "SIDEWAYS"`},
		{"a share without a state", share(`"shareState": null`), "s", volume.Degraded, "share s tells no state"},
		{"a share with an unknown lifecycle", share(`"shareState": "ONLINE", "shareLifecycle": "ODD"`), "s", volume.Degraded, `share s has an unknown lifecycle "ODD"`},
		{"a share made anew", well(samples{"/shares": `[{"name": "s", "shareState": "removed"}, {"name": "s", "shareState": "PUBLISHED"}, {"name": "s", "shareState": "REMOVING"}]`}), "s", volume.Healthy, ""},
		{"no such share", well(nil), "s", volume.Unavailable, `share "s" is not there: check its name, and that the account may see it`},
		{"another's share", share(`"shareState": "OFFLINE"`), "", volume.Healthy, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, _ := open(t, test.serve, named(test.share))
			all, err := b.Health(volumetest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			h := all["v"].Value
			if err := all["v"].Err; err != nil {
				h.Status, h.Info = volume.Diagnose(err)
			}
			if prefix := strings.HasSuffix(test.info, ": ") && strings.HasPrefix(h.Info, test.info); h.Status != test.status || h.Info != test.info && !prefix {
				t.Errorf("%s (%s), not %s (%s)", h.Status, h.Info, test.status, test.info)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	b, _ := open(t, well(samples{"/storage-volumes": "", "/nodes": "nodes.json"}))
	all, err := b.Health(volumetest.Within(t))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"cluster": "hs-a", "anvil_nodes": "2", "dsx_nodes": "1", "performance_scope": "client", "data_volumes": "not shown to this account"}
	volumetest.Same(t, want, all["v"].Value.Metadata)
}
