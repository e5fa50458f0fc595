package netapp

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/volumetest"
)

func TestHealthStates(t *testing.T) {
	set := func(key string, value any) func(o *ontap) {
		return func(o *ontap) { o.volumes[0].fields[key] = value }
	}
	tests := map[string]struct {
		change func(o *ontap)
		want   volume.Status
		info   string
	}{
		"well":         {func(*ontap) {}, volume.Healthy, ""},
		"other case":   {set("state", "Online"), volume.Healthy, ""},
		"offline":      {set("state", "offline"), volume.Offline, "the volume is offline"},
		"restricted":   {set("state", "restricted"), volume.Offline, "the volume is restricted: clients have no access"},
		"error":        {set("state", "error"), volume.Offline, "the volume is in the state error and cannot serve data"},
		"no state":     {set("state", nil), volume.Unavailable, "ONTAP does not tell the volume's state"},
		"unknown":      {set("state", "upside\ndown"), volume.Degraded, `unknown state "upside down"`},
		"inconsistent": {set("error_state", map[string]any{"is_inconsistent": true, "has_bad_blocks": false}), volume.Degraded, "the file system is inconsistent: ask NetApp's support"},
		"bad blocks":   {set("error_state", map[string]any{"has_bad_blocks": true}), volume.Degraded, "the volume has bad blocks"},
		"full":         {set("status", []string{"Volume v is full."}), volume.Degraded, "Volume v is full."},
		"nearly full":  {set("status", []string{"Volume v is nearly full."}), volume.Healthy, "Volume v is nearly full."},
		"scanners":     {set("status", []string{"Volume v has one or more scanners active."}), volume.Healthy, "Volume v has one or more scanners active."},
		"not mounted":  {set("nas", nil), volume.Degraded, "the volume is not mounted in the SVM's namespace: clients cannot reach it"},
		"a mirror not mounted": {func(o *ontap) {
			o.volumes[0].fields["nas"], o.volumes[0].fields["type"] = nil, "dp"
		}, volume.Healthy, ""},
		"offline and not mounted": {func(o *ontap) {
			o.volumes[0].fields["nas"], o.volumes[0].fields["state"] = nil, "offline"
		}, volume.Offline, "the volume is offline"},
		"all at once": {func(o *ontap) {
			o.volumes[0].fields["status"] = []string{"Volume v has one or more scanners active.", "Volume v is full."}
			o.volumes[0].fields["nas"] = nil
			o.nodes[0]["state"] = "booting"
		}, volume.Degraded, "the volume is not mounted in the SVM's namespace: clients cannot reach it; Volume v is full.; " +
			"1 of 2 nodes of the cluster are up: ontap-a-01 booting; Volume v has one or more scanners active."},
		"a node away":    {func(o *ontap) { o.nodes[1]["state"] = "waiting_for_giveback" }, volume.Degraded, "1 of 2 nodes of the cluster are up: ontap-a-02 waiting_for_giveback"},
		"a node unknown": {func(o *ontap) { o.nodes[1]["state"] = nil }, volume.Degraded, "1 of 2 nodes of the cluster are up: ontap-a-02 without a state"},
		"many nodes away": {func(o *ontap) {
			for i := range 8 {
				o.nodes = append(o.nodes, map[string]any{"name": fmt.Sprint("n", i), "state": "down"})
			}
		}, volume.Degraded, "2 of 10 nodes of the cluster are up: n0 down, n1 down, n2 down, n3 down, n4 down, 3 more"},
		"an SVM's account": {func(o *ontap) { o.svmScoped = true }, volume.Healthy, ""},
		"no nodes seen":    {func(o *ontap) { o.nodes = nil }, volume.Healthy, "the nodes' states are not known: ONTAP's answer has no records: check the endpoint"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := one(newVolume("svm_ai", "v", 1, 100, 10))
			tt.change(o)
			with(t, o, []string{"v"}, func(t *testing.T, b volume.Backend) {
				got := health(t, b, "v")
				if got.Status != tt.want || got.Info != tt.info {
					t.Errorf("%s %q\nwant %s %q", got.Status, got.Info, tt.want, tt.info)
				}
				if got.Metadata["performance_scope"] != "volume" || got.Metadata["svm"] != "svm_ai" {
					t.Errorf("%v", got.Metadata)
				}
			})
		})
	}
}

// Which members of a FlexGroup are away is asked for only when some are, and
// said; that they cannot be asked costs only their names.
func TestMixedFlexGroup(t *testing.T) {
	o := one(newFlexGroup("svm_ai", "fg", 1, 300, 60))
	o.volumes[0].fields["state"] = "mixed"
	o.volumes[0].members[1].fields["state"] = "offline"
	with(t, o, []string{"fg"}, func(t *testing.T, b volume.Backend) {
		const info = "some members of the FlexGroup are not online"
		if got := health(t, b, "fg"); got.Status != volume.Degraded || got.Info != info+": fg__0002 offline" {
			t.Errorf("%s %q", got.Status, got.Info)
		}
		time.Sleep(time.Minute)
		o.change(func() { o.volumes[0].members = nil })
		if got := health(t, b, "fg"); got.Status != volume.Degraded || got.Info != info {
			t.Errorf("%s %q", got.Status, got.Info)
		}
	})
}

// The nodes are asked for every five minutes, and what was learned of them serves
// for a while when they do not answer.
func TestNodesAreAskedSeldom(t *testing.T) {
	o := one(newVolume("svm_ai", "v", 1, 100, 10))
	o.nodes[1]["state"] = "down"
	with(t, o, []string{"v"}, func(t *testing.T, b volume.Backend) {
		var seen []volume.Status
		for minute := range 25 {
			switch minute {
			case 1:
				o.change(func() { o.calls = 0 })
			case 5:
				o.change(func() {
					if o.calls != 4 {
						t.Errorf("%d calls in four minutes", o.calls)
					}
					o.svmScoped = true
				})
			}
			seen = append(seen, health(t, b, "v").Status)
			time.Sleep(time.Minute)
		}
		var want []volume.Status
		for minute := range 25 {
			status := volume.Degraded
			if minute > 15 {
				status = volume.Healthy
			}
			want = append(want, status)
		}
		volumetest.Same(t, want, seen)
	})
}

// An ONTAP that answers 401 for what the account may not see is not left alone for
// that.
func TestNodesRefused(t *testing.T) {
	o := one(newVolume("svm_ai", "v", 1, 100, 10))
	with(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != volumesPath {
			refuse(w, http.StatusUnauthorized, "6691623", "User is not authorized.")
			return
		}
		o.ServeHTTP(w, r)
	}), []string{"v"}, func(t *testing.T, b volume.Backend) {
		for range 20 {
			if h := health(t, b, "v"); h.Status != volume.Healthy || h.Info != "" {
				t.Fatalf("%s: %s", h.Status, h.Info)
			}
			time.Sleep(30 * time.Second)
		}
	})
}

// Nodes that do not answer take little time from the volumes, which do.
func TestNodesHang(t *testing.T) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := startOntap(t, network, 1)
		e.Break(appliancetest.Hangs(), func(r *http.Request) bool { return r.URL.Path != volumesPath })
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		start := time.Now()
		got := health(t, b, "v0")
		const info = "the nodes' states are not known: https://array1.test: GET /api/cluster/nodes: no answer within 5s"
		if took := time.Since(start); got.Status != volume.Healthy || got.Info != info || took > 10*time.Second {
			t.Errorf("%s %q after %v", got.Status, got.Info, took)
		}
	})
}

// What comes from the appliance is short and on one line.
func TestHealthIsBounded(t *testing.T) {
	long := strings.Repeat("very\nlong ", 10000)
	o := one(newVolume("svm_ai", "v", 1, 100, 10))
	o.volumes[0].fields["status"] = []string{long, long}
	o.volumes[0].fields["style"] = long
	o.nodes[0]["name"], o.nodes[0]["state"] = long, long
	with(t, o, []string{"v"}, func(t *testing.T, b volume.Backend) {
		volumetest.Explained(t, health(t, b, "v"), longestInfo, longestFact)
	})
}
