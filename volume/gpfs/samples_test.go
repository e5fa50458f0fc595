package gpfs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

func sample(t testing.TB, name string) *rest.Answer {
	t.Helper()
	return &rest.Answer{Body: volumetest.Sample(t, name)}
}

func TestSamplePerformance(t *testing.T) {
	var want struct {
		At       int64 `json:"use_row_tstamp"`
		Fs1, Fs2 volumetest.Recorded
	}
	if err := json.Unmarshal(sample(t, "perfmon_fs_groupby.expected.json").Body, &want); err != nil {
		t.Fatal(err)
	}
	got, err := decodeTable(sample(t, "perfmon_fs_groupby.json"))
	if err != nil {
		t.Fatal(err)
	}
	for fs, w := range map[string]volume.Performance{"fs1": volume.Performance(want.Fs1), "fs2": volume.Performance(want.Fs2)} {
		p, at, err := got.performance(fs, false)
		if diff := cmp.Diff(w, p); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", fs, err, diff)
		}
		if at.Unix() != want.At {
			t.Errorf("%s: sampled at %v, not at %v", fs, at, time.Unix(want.At, 0))
		}
	}
}

func TestSamplesWithoutFigures(t *testing.T) {
	for _, name := range []string{"perfmon_all_null.json", "perfmon_no_such_metric_or_sensor_off.json", "perfmon_reference_query.json"} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeTable(sample(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if p, _, err := got.performance("fs1", false); !errors.Is(err, volume.ErrNoSample) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func sampleOf[T any](t testing.TB, name, key string) []T {
	t.Helper()
	items, _, err := decodeList[T](sample(t, name), key)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// observedFrom are the samples of a cluster, with these health states.
func observedFrom(t testing.TB, states string) observed {
	t.Helper()
	o := observed{
		monitored:   sortStates(sampleOf[state](t, states, "states")),
		nodes:       sampleOf[node](t, "nodes_fields_all.json", "nodes"),
		filesystems: map[string]filesystem{},
		pools:       map[string][]pool{"fs1": sampleOf[pool](t, "pools_list_fields_all.json", "storagePool")},
	}
	for _, fs := range sampleOf[filesystem](t, "filesystem.json", "filesystems") {
		o.filesystems[fs.Name.String()] = fs
	}
	if err := sample(t, "cluster.json").Decode(&o.cluster); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestSampleHealth(t *testing.T) {
	facts := map[string]string{
		"performance_scope": "volume", "filesystem": "fs1", "cluster_name": "scale-a.example.net", "cluster_id": "1234567890123456789",
		"filesystem_uuid": "0A0000015F6B7C10:01", "filesystem_version": "33.00", "filesystem_type": "local", "mount_point": "/gpfs/fs1",
		"nodes_mounted": "2", "nodes_total": "2", "nodes_active": "2",
		"metadata_capacity_bytes": "2199023255552", "metadata_free_bytes": "1649267441664",
	}
	tests := []struct {
		name, states, filesystem string
		want                     volume.Health
	}{
		{"healthy", "health_states_healthy.json", "fs1", volume.Health{Status: volume.Healthy, Metadata: facts}},
		{"degraded", "health_states_degraded.json", "fs1", volume.Health{
			Status:   volume.Degraded,
			Info:     "file system fs1 is DEGRADED on n1.example.net (stale_mount); disk nsd02 is DEPEND (disk_down)",
			Metadata: with(facts, "bad_components", "n1.example.net:FILESYSTEM:fs1=DEGRADED(stale_mount) n1.example.net:DISK:nsd02=DEPEND(disk_down) n1.example.net:NODE:n1.example.net=DEGRADED(disk_down) n1.example.net:CES:n1.example.net=UNKNOWN"),
		}},
		{"another's fault", "health_states_degraded.json", "fs2", volume.Health{
			Status: volume.Healthy,
			Metadata: map[string]string{
				"performance_scope": "volume", "filesystem": "fs2", "cluster_name": "scale-a.example.net", "cluster_id": "1234567890123456789",
				"nodes_total": "2", "nodes_active": "2",
				"bad_components": "n1.example.net:NODE:n1.example.net=DEGRADED(disk_down) n1.example.net:CES:n1.example.net=UNKNOWN",
			},
		}},
		{"failed", "health_states_failed.json", "fs1", volume.Health{
			Status:   volume.Offline,
			Info:     "file system fs1 is DEPEND on n2.example.net (unmounted_fs_check); GPFS is FAILED on n2.example.net (gpfs_down); NODE is FAILED on n2.example.net (gpfs_down)",
			Metadata: with(facts, "bad_components", "n2.example.net:FILESYSTEM:fs1=DEPEND(unmounted_fs_check) n2.example.net:NODE:n2.example.net=FAILED(gpfs_down) n2.example.net:GPFS:n2.example.net=FAILED(gpfs_down)"),
		}},
		{"no state", "health_states_empty_filter.json", "fs1", volume.Health{
			Status: volume.Unavailable, Info: "no health state is reported for file system fs1: check that the health monitor (mmhealth) runs", Metadata: facts,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := observedFrom(t, tt.states)
			got, err := o.judge(volumeOptions{filesystem: tt.filesystem})
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	o := observedFrom(t, "health_states_healthy.json")
	if _, err := o.judge(volumeOptions{filesystem: "fs3"}); !errors.Is(err, rest.ErrNotFound) {
		t.Errorf("a file system that is not there: %v", err)
	}
}

func with(facts map[string]string, key, value string) map[string]string {
	all := map[string]string{key: value}
	for k, v := range facts {
		all[k] = v
	}
	return all
}

func TestSampleUsage(t *testing.T) {
	for _, tt := range []struct {
		sample string
		want   volume.Usage
		bad    error
	}{
		{"pools_list_fields_all.json", volume.Usage{CapacityBytes: new(uint64(1099511627776000)), UsedBytes: new(uint64(439804651110400)), AvailableBytes: new(uint64(659706976665600))}, nil},
		{"pool_data.json", volume.Usage{CapacityBytes: new(uint64(1099511627776000)), UsedBytes: new(uint64(439804651110400)), AvailableBytes: new(uint64(659706976665600))}, nil},
		{"pools_list.json", volume.Usage{}, rest.ErrBadAnswer},
		{"health_states_empty_filter.json", volume.Usage{}, volume.ErrUnsupported},
	} {
		t.Run(tt.sample, func(t *testing.T) {
			got, err := usageOf("fs1", sampleOf[pool](t, tt.sample, "storagePool"))
			if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.bad) {
				t.Errorf("%v, not %v (-want +got):\n%s", err, tt.bad, diff)
			}
		})
	}
}

// Sizes that cannot be are not shown.
func TestUsageThatCannotBe(t *testing.T) {
	size := func(total, free int64) pool {
		return pool{TotalData: rest.Int{Value: total, Valid: true}, FreeData: rest.Int{Value: free, Valid: true}}
	}
	for name, pools := range map[string][]pool{
		"more free than there is": {size(10, 11)}, "too large": {size(maxKiB+1, 0)}, "too large together": {size(maxKiB, 0), size(1, 0)},
		"negative": {size(-1, -1)}, "nothing": {size(0, 0)}, "one that does not tell": {size(10, 5), {}},
	} {
		if u, err := usageOf("fs1", pools); !errors.Is(err, rest.ErrBadAnswer) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}

// Columns of something else, or of several file systems, are not taken for one's.
func TestColumns(t *testing.T) {
	const good = "n1|GPFSFilesystem|c|fs1|gpfs_fs_read_ops"
	for _, tt := range []struct {
		caption string
		keys    []rest.Text
		want    string
	}{
		{"sum(gpfs_fs_read_ops)", []rest.Text{good, "n2|GPFSFilesystem|c|fs1|gpfs_fs_read_ops"}, "fs1"},
		{"sum(gpfs_fs_read_ops)", []rest.Text{good, "n1|GPFSFilesystem|c|fs2|gpfs_fs_read_ops"}, ""},
		{"avg(gpfs_fs_read_ops)", []rest.Text{good}, ""},
		{"sum(gpfs_fs_write_ops)", []rest.Text{good}, ""},
		{"sum(gpfs_fs_read_ops)", nil, ""},
		{"sum(gpfs_fs_read_ops)", []rest.Text{"n1|GPFSNode|gpfs_fs_read_ops"}, ""},
	} {
		if fs, _ := columnOf(tt.caption, tt.keys); fs != tt.want {
			t.Errorf("%s of %v: %q, not %q", tt.caption, tt.keys, fs, tt.want)
		}
	}
	if got := mean(new(1e300), new(1e-300)); got != nil {
		t.Errorf("a mean of %v", *got)
	}
}

// A metric that a table has twice for a file system, as of two clusters, is neither's.
func TestColumnTwice(t *testing.T) {
	const column = `{"caption": "sum(gpfs_fs_read_ops)", "keys": ["n1|GPFSFilesystem|%s|fs1|gpfs_fs_read_ops"]}`
	for _, clusters := range [][2]any{{"a", "b"}, {"b", "a"}} {
		got, err := decodeTable(&rest.Answer{Body: fmt.Appendf(nil, `{"status": {"code": 200}, "performanceData": {"header": {"bsize": 10},
			"legend": [`+column+`, `+column+`, {"caption": "sum(gpfs_fs_write_ops)", "keys": ["n1|GPFSFilesystem|a|fs1|gpfs_fs_write_ops"]}],
			"rows": [{"tstamp": 1, "values": [10, 20, 30], "nsamples": [1, 1, 1]}]}}`, clusters[:]...)})
		if err != nil {
			t.Fatal(err)
		}
		if p, _, err := got.performance("fs1", false); err != nil || p.IOPSRead != nil || p.IOPSWrite == nil || *p.IOPSWrite != 3 {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// The next page is asked for where the sample says.
func TestSamplePaging(t *testing.T) {
	_, next, err := decodeList[node](sample(t, "nodes_fields_all.json"), "nodes")
	if err != nil || !strings.HasSuffix(next, "/scalemgmt/v2/nodes?lastId=1002&fields=:all:") {
		t.Errorf("%q, %v", next, err)
	}
}
