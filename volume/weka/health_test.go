package weka

import (
	"strings"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

func TestHealthStates(t *testing.T) {
	cluster := string(volumetest.Sample(t, "cluster.json"))
	list := string(volumetest.Sample(t, "fileSystems.json"))
	says := func(old, now string) string {
		if !strings.Contains(cluster, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(cluster, old, now, 1)
	}
	status := func(word string) string { return says(`"status": "OK"`, `"status": "`+word+`"`) }
	record := func(old, now string) string { return strings.Replace(list, old, now, 1) }
	tests := []struct {
		name          string
		cluster, list string
		want          volume.Status
		info          []string // parts of it
	}{
		{"well", cluster, list, volume.Healthy, nil},
		{"rebuilding", string(volumetest.Sample(t, "cluster_rebuilding.json")), list, volume.Degraded, []string{
			"REBUILDING", "4 % of the data with 1 failures", "rebuild at 37 %", "35 of 36 drives active", "alert: Drive is down (weka-03)",
		}},
		{"unavailable", string(volumetest.Sample(t, "cluster_unavailable.json")), list, volume.Offline, []string{"UNAVAILABLE", "11 % unavailable", "I/O is STOPPED"}},
		{"uninitialized", status("UNINITIALIZED"), list, volume.Offline, []string{"UNINITIALIZED"}},
		{"partially protected", status("PARTIALLY_PROTECTED"), list, volume.Degraded, []string{"PARTIALLY_PROTECTED"}},
		{"unprotected", status("UNPROTECTED"), list, volume.Degraded, []string{"UNPROTECTED"}},
		{"redistributing", status("redistributing"), list, volume.Degraded, []string{"REDISTRIBUTING"}},
		{"unknown to itself", status("UNKNOWN"), list, volume.Unavailable, []string{"UNKNOWN"}},
		{"unknown state", status("sideways\\n"), list, volume.Degraded, []string{`unknown cluster state "sideways"`}},
		{"no state", says(`"status": "OK"`, `"status": null`), list, volume.Unavailable, []string{"does not say what state"}},
		{"lower case", status("ok"), list, volume.Healthy, nil},
		{"I/O stopped", says(`"io_status": "STARTED"`, `"io_status": "STOPPED"`), list, volume.Offline, []string{"I/O is STOPPED"}},
		{"I/O unknown", says(`"io_status": "STARTED"`, `"io_status": "HALF"`), list, volume.Degraded, []string{`unknown I/O state "HALF"`}},
		{"I/O not told", says(`"io_status": "STARTED"`, `"io_status": ""`), list, volume.Healthy, nil},
		{"buckets", says(`"active": 156`, `"active": 150`), list, volume.Degraded, []string{"150 of 156 buckets active"}},
		{"a server less, but OK", says(`"active": 6`, `"active": 5`), list, volume.Healthy, []string{"5 of 6 backend servers active", "Drive is down"}},
		{"servers not told", strings.Replace(says(`"servers"`, `"serfs"`), `"active": 8`, `"active": 7`, 1), list, volume.Healthy, []string{"7 of 8 backend containers active"}},
		{"an old release", strings.NewReplacer(`"servers"`, `"serfs"`, `"containers"`, `"tins"`).Replace(cluster), list, volume.Healthy, nil},
		{"removing", cluster, record(`"is_removing": false`, `"is_removing": true`), volume.Offline, []string{"being removed"}},
		{"creating", cluster, record(`"status": "READY"`, `"status": "CREATING"`), volume.Degraded, []string{"being created"}},
		{"not ready", cluster, record(`"is_ready": true`, `"is_ready": false`), volume.Degraded, []string{"not ready"}},
		{"some other word, but ready", cluster, record(`"status": "READY"`, `"status": "SPLENDID"`), volume.Healthy, nil},
		{"not there", cluster, record(`"name": "default"`, `"name": "gone"`), volume.Unavailable, []string{`file system "default" is not there`}},
		{"no list, but down", string(volumetest.Sample(t, "cluster_unavailable.json")), `{"data": 5}`, volume.Offline, []string{"UNAVAILABLE"}},
		{"no list", cluster, `{"data": 5}`, volume.Unavailable, []string{"not what was expected"}},
		{"hidden", "403 " + string(volumetest.Sample(t, "error_401.json")), list, volume.Healthy, []string{"may not see the cluster"}},
		{"hidden, and a state nobody knows", "403 {}", strings.NewReplacer("is_ready", "was_ready", "READY", "SIDEWAYS").Replace(list), volume.Degraded, []string{`unknown file system state "SIDEWAYS"`}},
		{"refused", "401 " + string(volumetest.Sample(t, "error_401.json")), list, volume.Unavailable, []string{"refused the credentials"}},
		{"worst first", status("UNAVAILABLE"), record(`"is_ready": true`, `"is_ready": false`), volume.Offline, []string{"UNAVAILABLE", "not ready"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, good().With("/cluster", tt.cluster).With("/fileSystems", tt.list), "default")
			results, err := b.Health(volumetest.Within(t))
			if err == nil {
				err = results["default"].Err
			}
			got := results["default"].Value
			if err != nil {
				got.Status, got.Info = volume.Diagnose(err)
			}
			if got.Status != tt.want {
				t.Errorf("%s (%s), not %s", got.Status, got.Info, tt.want)
			}
			for _, part := range tt.info {
				if !strings.Contains(got.Info, part) {
					t.Errorf("%q does not say %q", got.Info, part)
				}
			}
			if len(tt.info) == 0 && got.Info != "" {
				t.Errorf("there is nothing to say, but it says %q", got.Info)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	b := open(t, good(), "scratch")
	ctx := volumetest.Within(t)
	if _, err := b.Performance(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := b.Health(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"performance_scope": "volume", "filesystem_id": "FSId<1>", "filesystem_uid": "cccccccc-0000-4000-8000-000000000001",
		"filesystem_group": "default", "filesystem_status": "READY",
		"cluster_name": "weka-a", "cluster_guid": "550c68b6-0000-4073-8086-000000000001", "cluster_release": "4.4.2.157",
		"cluster_status": "OK", "io_status": "STARTED", "licensing_mode": "Classic", "active_alerts": "3",
		"backend_servers": "6 of 6", "drives": "36 of 36", "io_nodes": "24 of 24", "buckets": "156 of 156",
	}
	volumetest.Same(t, want, got["scratch"].Value.Metadata)
}
