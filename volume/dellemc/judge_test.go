package dellemc

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

func TestJudge(t *testing.T) {
	events := func(severities ...string) func(*observed) {
		return func(o *observed) {
			for _, s := range severities {
				o.events = append(o.events, event{Severity: rest.Text(s), Causes: [][]rest.Text{{"HW_X", "It broke"}}})
			}
		}
	}
	value := func(key string, v int64) func(*observed) {
		return func(o *observed) { o.statistics.values[key] = rest.Int{Value: v, Valid: true} }
	}
	down := func(numbers ...int64) func(*observed) {
		return func(o *observed) {
			for i, d := range o.cluster.Devices {
				o.cluster.Devices[i].Up.Value = !slices.Contains(numbers, d.Number.Value)
			}
		}
	}
	tests := []struct {
		name   string
		change func(*observed)
		want   volume.Status
		info   string
	}{
		{"healthy", nil, volume.Healthy, ""},
		{"the sample's node", down(4), volume.Degraded, "1 of 4 nodes are down: node 4"},
		{"all nodes", down(1, 2, 3, 4), volume.Offline, "all 4 nodes are down"},
		{"nodes by number alone", func(o *observed) {
			o.cluster, o.clusterErr = cluster{}, errors.New("not today")
			value(keyNodesDown, 2)(o)
		}, volume.Degraded, "nodes that are down: 2; the nodes are not known: not today"},
		{"a node that does not tell", func(o *observed) { o.cluster.Devices[1].Up = rest.Flag{} }, volume.Degraded, "nodes that do not tell whether they are up: node 2"},
		{"no quorum", func(o *observed) { o.cluster.Quorum.Value = false }, volume.Offline, "the cluster has no quorum: bring its nodes back"},
		{"attention", value(keyHealth, 1), volume.Degraded, "the cluster says that it needs attention"},
		{"down, by the word of the nodes, too", func(o *observed) { value(keyHealth, 2)(o); o.cluster = cluster{} }, volume.Offline, "the cluster says that it is down"},
		{"down against the word of the nodes", value(keyHealth, 2), volume.Degraded, "the cluster says that it is down, but 4 of 4 nodes are up and have a quorum"},
		{"a new number", value(keyHealth, 7), volume.Degraded, "the cluster's health is 7, which is not known"},
		{"health not told", func(o *observed) { delete(o.statistics.values, keyHealth) }, volume.Healthy, ""},
		{"nothing told", func(o *observed) { *o = observed{} }, volume.Unavailable, "the cluster does not tell its health"},
		{"a critical event", events("critical"), volume.Degraded, "event of severity critical: It broke"},
		{"an emergency", events("Emergency", "information"), volume.Degraded, "event of severity emergency: It broke"},
		{"warnings", events("warning", "information"), volume.Healthy, ""},
		{"a new severity", events("sideways"), volume.Degraded, "event of severity sideways: It broke"},
		{"no severity", events(""), volume.Degraded, "event of severity unknown: It broke"},
		{"full", value(keyAvailable, 1000), volume.Degraded, "the cluster is full (0.0 % left): delete files or add nodes"},
		{"no right to events", func(o *observed) { o.eventsErr = errors.New("forbidden") }, volume.Healthy, "the events are not known: forbidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := observedFrom(t, "storagepool_status_healthy.json")
			if tt.change != nil {
				tt.change(&o)
			}
			got := o.judge()
			if got.Status() != tt.want || got.Words() != tt.info {
				t.Errorf("%s (%s)\nnot %s (%s)", got.Status(), got.Words(), tt.want, tt.info)
			}
		})
	}
}

func TestSampleHealth(t *testing.T) {
	o := observedFrom(t, "storagepool_status_unhealthy.json")
	var err error
	if o.events, _, err = decodeEvents(sample(t, "eventgroup_occurrences.json")); err != nil {
		t.Fatal(err)
	}
	got := o.judge()
	want := "disk pool pool_a:5 is not well: devices_down, missing_drives (drive in bay 7 of node 4 down); event of severity critical: Drive in bay 7 has failed"
	if got.Status() != volume.Degraded || got.Words() != want {
		t.Errorf("%s (%s)", got.Status(), got.Words())
	}
	facts := map[string]string{
		"performance_scope": "cluster", "ifs_path": "/ifs/data", "performance_protocols": "nfs3", "cluster_name": "onefs-a",
		"cluster_guid": "0050560000000000000000000000000000ab", "onefs_version": "v9.7.1.0", "nodes_total": "4", "nodes_down": "0", "open_events": "1",
	}
	volumetest.Same(t, facts, o.metadata(volumeOptions{path: "/ifs/data", protocols: []string{"nfs3"}}))
}

// What is shown stays short on a cluster with thousands of faults.
func TestJudgeIsShort(t *testing.T) {
	o := observedFrom(t, "storagepool_status_unhealthy.json")
	for i := range 5000 {
		long := rest.Text(strings.Repeat("x", i))
		o.pools = append(o.pools, o.pools[0])
		o.events = append(o.events, event{Severity: long, Causes: [][]rest.Text{{long}}})
		o.cluster.Devices = append(o.cluster.Devices, device{Number: rest.Int{Value: int64(i), Valid: true}, Up: rest.Flag{Valid: true}})
	}
	got := o.judge()
	volumetest.Explained(t, rest.Judged(got.Verdict, longestInfo, nil), longestInfo, longestFact)
	if n := strings.Count(got.Words(), "; ") + 1; n > 20 {
		t.Errorf("%d findings: %s", n, got.Words())
	}
}
