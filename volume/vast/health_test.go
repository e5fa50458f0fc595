package vast

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/volumetest"
)

func TestHealthStates(t *testing.T) {
	cluster := string(volumetest.Sample(t, "cluster_by_id.json"))
	says := func(old, now string) appliancetest.Samples {
		if !strings.Contains(cluster, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return good().With("/clusters/1/", strings.Replace(cluster, old, now, 1))
	}
	state := func(word string) appliancetest.Samples { return says(`"state": "ONLINE"`, `"state": "`+word+`"`) }
	sample := func(name string) appliancetest.Samples {
		return good().With("/clusters/1/", string(volumetest.Sample(t, name)))
	}
	quota := func(word string) appliancetest.Samples {
		return good().With("/quotas/", strings.Replace(string(volumetest.Sample(t, "quotas.json")), `"state": "OK"`, `"state": "`+word+`"`, 1))
	}
	type test struct {
		name    string
		replies appliancetest.Samples
		view    string
		want    volume.Status
		info    []string // parts of it; none is that there is nothing to say
	}
	tests := []test{
		{"well", good(), "", volume.Healthy, nil},
		{"a view that is well", good(), "/ai/data", volume.Healthy, nil},
		{"a view without a quota", good(), "/scratch", volume.Healthy, nil},
		{"idle", sample("cluster_idle.json"), "", volume.Healthy, nil},
		{"offline", sample("cluster_offline.json"), "", volume.Offline, []string{"the cluster is OFFLINE; the cluster is disabled"}},
		{"degraded RAID", sample("cluster_raid_degraded.json"), "", volume.Degraded, []string{"the NVRAM RAID is DEGRADED"}},
		{"rebalance", sample("cluster_rebalance.json"), "", volume.Healthy, []string{"the SSD RAID is REBALANCE at 42 %"}},
		{"no contact", sample("cluster_unknown_nulls.json"), "", volume.Unavailable, []string{"UNKNOWN"}},
		{"legacy word", state("healthy"), "", volume.Healthy, nil},
		{"lower case", state("online"), "", volume.Healthy, nil},
		{"unknown state", state("sideways\\n"), "", volume.Degraded, []string{`unknown cluster state "sideways"`}},
		{"no state", says(`"state": "ONLINE"`, `"state": null`), "", volume.Unavailable, []string{"does not say what state"}},
		{"disabled", says(`"enabled": true`, `"enabled": false`), "", volume.Offline, []string{"disabled"}},
		{"not told whether it is enabled", says(`"enabled": true`, `"enabled": null`), "", volume.Healthy, nil},
		{"leader down", says(`"leader_state": "UP"`, `"leader_state": "DOWN"`), "", volume.Degraded, []string{"leader"}},
		{"leader steady", says(`"leader_state": "UP"`, `"leader_state": "STEADY"`), "", volume.Healthy, nil},
		{"leader unknown", says(`"leader_state": "UP"`, `"leader_state": "UNKNOWN"`), "", volume.Healthy, []string{"leader is UNKNOWN"}},
		{"leader elsewhere", says(`"leader_state": "UP"`, `"leader_state": "AWAY"`), "", volume.Degraded, []string{`leader "AWAY"`}},
		{"RAID rebuilding", says(`"memory_raid_state": "HEALTHY"`, `"memory_raid_state": "REBUILDING"`), "", volume.Degraded, []string{"the memory RAID is REBUILDING"}},
		{"RAID not told", says(`"memory_raid_state": "HEALTHY"`, `"memory_raid_state": null`), "", volume.Healthy, nil},
		{"no drive may fail", says(`"raid_drives_can_fail": 4`, `"raid_drives_can_fail": 0`), "", volume.Degraded, []string{"not one more drive may fail"}},
		{"not told how many may", says(`"raid_drives_can_fail": 4`, `"raid_drives_can_fail": null`), "", volume.Healthy, nil},
		{"metadata low", says(`"md_usage_health": "HEALTHY"`, `"md_usage_health": "LOW_RESOURCES"`), "", volume.Degraded, []string{"metadata is LOW_RESOURCES"}},
		{"stripes empty", says(`"remaining_stripes_health": "HEALTHY"`, `"remaining_stripes_health": "EMPTY"`), "", volume.Degraded, []string{"stripes is EMPTY"}},
		{"stripes odd", says(`"remaining_stripes_health": "HEALTHY"`, `"remaining_stripes_health": "ODD"`), "", volume.Degraded, []string{`"ODD"`}},
		{"stripes unknown", says(`"remaining_stripes_health": "HEALTHY"`, `"remaining_stripes_health": "UNKNOWN"`), "", volume.Healthy, nil},
		{"upgrading", says(`"upgrade_state": "DONE"`, `"upgrade_state": "RUNNING"`), "", volume.Healthy, []string{"the upgrade is RUNNING"}},
		{"an alarm", good().With("/alarms/", "alarms.json"), "", volume.Healthy, []string{"alarms: 1 MAJOR (CNode cnode-9 is not active)"}},
		{"an acknowledged alarm", good().With("/alarms/", strings.Replace(string(volumetest.Sample(t, "alarms.json")), `"acknowledged": false`, `"acknowledged": true`, 1)), "", volume.Healthy, nil},
		{"the worst alarm is told", good().With("/alarms/", `[{"severity": "INFO"}, {"severity": "MINOR", "alarm_message": "a"}, {"severity": "critical", "alarm_message": "b"}, {"severity": "LOUD"}]`),
			"", volume.Healthy, []string{"alarms: 1 CRITICAL, 1 MINOR, 1 INFO, 1 other (b)"}},
		{"information is no alarm", good().With("/alarms/", `[{"severity": "INFO", "alarm_message": "a"}]`), "", volume.Healthy, nil},
		{"alarms are not for us", good().With("/alarms/", "403 {}"), "", volume.Healthy, nil},
		{"alarms ask for credentials", good().With("/alarms/", "401 error_401.json"), "", volume.Healthy, nil},
		{"alarms make no sense", good().With("/alarms/", "<html>"), "", volume.Healthy, nil},
		{"quotas are not for us", good().With("/quotas/", "403 {}"), "/ai/data", volume.Healthy, nil},
		{"quotas cannot be asked now", good().With("/quotas/", "500 {}"), "/ai/data", volume.Healthy, []string{"the quotas are not known"}},
		{"no such cluster", good().With("/clusters/1/", "404 error_404.json"), "", volume.Unavailable, []string{"cluster 1 (vast_cluster_id) is not there"}},
		{"no such API", good().With("/clusters/1/", "404 <html>"), "", volume.Unavailable, []string{"/api/v2/clusters/1/", "no such thing"}},
		{"no such view", good(), "/nowhere", volume.Unavailable, []string{`view "/nowhere" is not there`}},
		{"views are not for us", good().With("/views/", "403 {}"), "/ai/data", volume.Unavailable, []string{"the account may not do this"}},
		{"no views, but down", good().With("/views/", "500 {}").With("/clusters/1/", "cluster_offline.json"), "/ai/data", volume.Offline, []string{"OFFLINE"}},
		{"refused", good().With("/clusters/1/", "401 error_401.json"), "", volume.Unavailable, []string{"Given token not valid"}},
		{"worst first", good().With("/clusters/1/", "cluster_offline.json").With("/alarms/", "alarms.json"), "", volume.Offline, []string{"the cluster is OFFLINE", "alarms: 1 MAJOR"}},
		{"a quota's soft limit", quota("SOFT_EXCEEDED"), "/ai/data", volume.Healthy, []string{`the quota "q1" is SOFT_EXCEEDED`}},
		{"a quota failed", quota("FAILED"), "/ai/data", volume.Degraded, []string{"FAILED"}},
		{"a quota nobody knows", quota("ODD"), "/ai/data", volume.Degraded, []string{`unknown state "ODD"`}},
		{"a quota that is not the view's", quota("HARD_EXCEEDED"), "/scratch", volume.Healthy, nil},
	}
	for _, word := range []string{"HARD_EXCEEDED", "INODE_HARD_EXCEEDED", "HARD_BOTH_EXCEEDED", "GRACE_EXPIRED"} {
		tests = append(tests, test{word, quota(word), "/ai/data", volume.Degraded, []string{`the quota "q1" is ` + word + ": nothing more can be written"}})
	}
	for word, want := range map[string]volume.Status{
		"OFFLINE": volume.Offline, "FAILED": volume.Offline, "KILLED": volume.Offline, "KILLING": volume.Offline,
		"INIT": volume.Degraded, "ACTIVATING": volume.Degraded, "DEACTIVATING": volume.Degraded, "INSTALLING": volume.Degraded,
		"PREPARE": volume.Degraded, "INSTALLED": volume.Degraded, "BOOTSTRAP": volume.Degraded, "UNKNOWN": volume.Unavailable,
	} {
		tests = append(tests, test{word, state(word), "/ai/data", want, []string{word}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, tt.replies, nil, tt.view)
			results, err := b.Health(volumetest.Within(t))
			result := of(results, err, tt.view)
			got := result.Value
			if result.Err != nil {
				got.Status, got.Info = volume.Diagnose(result.Err)
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
			if len(tt.info) > 0 && !strings.HasPrefix(got.Info, strings.SplitN(tt.info[0], ";", 2)[0]) && tt.name == "worst first" {
				t.Errorf("%q does not begin with the worst", got.Info)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	common := map[string]string{
		"cluster_name": "vast-a", "cluster_guid": "127db70c-0000-5f4f-8af8-000000000001", "sw_version": "5.3.1.12", "state": "ONLINE",
		"leader_state": "UP", "ssd_raid_state": "HEALTHY", "nvram_raid_state": "HEALTHY", "memory_raid_state": "HEALTHY",
		"raid_drives_can_fail": "4", "upgrade_state": "DONE", "expansion_state": "NONE", "data_reduction": "1.76",
		"usable_capacity_bytes": "223001000000000", "free_usable_capacity": "93303000000000",
		"logical_space": "392810000000000", "logical_space_in_use": "227994000000000", "free_logical_space": "164351000000000.0",
		"alarms": "1 MAJOR", "performance_scope": "cluster",
	}
	of := map[string]map[string]string{"": common}
	view := map[string]string{
		"performance_scope": "view", "view_id": "7", "view_name": "ai-data", "tenant": "default",
		"view_logical_capacity": "120000000000000", "view_physical_capacity": "66000000000000",
		"quota_name": "q1", "quota_state": "OK", "quota_hard_limit": "150000000000000", "quota_soft_limit": "100000000000000",
	}
	scratch := map[string]string{"performance_scope": "view", "view_id": "8", "view_name": "scratch", "tenant": "default", "quota_state": "none"}
	for key, value := range common {
		if key != "performance_scope" {
			view[key], scratch[key] = value, value
		}
	}
	of["/ai/data"], of["/scratch"] = view, scratch
	for name, want := range of {
		b := open(t, good().With("/alarms/", "alarms.json"), nil, name)
		got, err := b.Health(volumetest.Within(t))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got[name].Value.Metadata); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// What cannot be asked is said to be unknown.
	b := open(t, good().With("/alarms/", "403 {}").With("/quotas/", "403 {}"), nil, "/ai/data")
	got, err := b.Health(volumetest.Within(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"alarms", "quota_state"} {
		if said := got["/ai/data"].Value.Metadata[key]; said != "unknown" {
			t.Errorf("%s is %q", key, said)
		}
	}
}
