package netapp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/volumetest"
)

// replay answers with samples: by what was asked, the file.
type replay struct {
	volumes, members, nodes string
	date                    string // of the appliance's clock; empty for ours
}

func (s *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file := map[string]string{volumesPath: s.volumes, nodesPath: s.nodes, aboutPath: "cluster.json"}[r.URL.Path]
	if r.URL.Query().Get("is_constituent") == "true" {
		file = s.members
	}
	if s.volumes == "volumes_page1.json" && r.URL.Query().Has("start.uuid") {
		file = "volumes_page2.json"
	}
	at := time.Now()
	if s.date != "" {
		at, _ = http.ParseTime(s.date)
	}
	if file == "" {
		file = "error_403.json"
	}
	if status := map[string]string{"error_400": "400 ", "error_401": "401 ", "error_403": "403 ", "error_404": "404 ", "error_bus": "503 "}[file[:min(len(file), 9)]]; status != "" {
		file = status + file
	}
	appliancetest.Samples{At: at, Otherwise: file, Asked: func(*http.Request) string { return "" }}.ServeHTTP(w, r)
}

// with runs a backend for volumes of those names on an appliance, in a bubble.
func with(t *testing.T, handler http.Handler, names []string, f func(t *testing.T, b volume.Backend)) {
	t.Helper()
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := appliancetest.NewEmulator(t, network, handler, "netapp", "netapp_ontap_endpoint", names, func(_ int, name string) map[string]any {
			svm, bare, found := strings.Cut(name, "/")
			if !found {
				svm, bare = "", name
			}
			return map[string]any{"netapp_ontap_user": "reader", "netapp_ontap_password": password, "netapp_volume_name": bare, "netapp_svm_name": svm}
		})
		for _, cfg := range e.Volumes {
			cfg.Options["netapp_ontap_endpoint"] = e.URL + "/api/" // the path does no harm
		}
		f(t, volumetest.Open[volume.Backend](t, Kind(network.Dial), e.Volumes...))
	})
}

// performance is one volume's.
func performance(t *testing.T, b volume.Backend, name string) volume.Result[volume.Performance] {
	t.Helper()
	all, err := b.Performance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all[name]
}

func health(t *testing.T, b volume.Backend, name string) volume.Health {
	t.Helper()
	all, err := b.Health(t.Context())
	if err == nil {
		err = all[name].Err
	}
	if err != nil {
		status, info := volume.Diagnose(err)
		return volume.Health{Status: status, Info: info}
	}
	return all[name].Value
}

// expected is what a sample's computation is to come to.
func expected(t *testing.T, file string) volume.Performance {
	t.Helper()
	var e struct {
		IOPSRead     *float64 `json:"iops_read"`
		IOPSWrite    *float64 `json:"iops_write"`
		BytesRead    *float64 `json:"read_bytes_per_sec"`
		BytesWrite   *float64 `json:"write_bytes_per_sec"`
		LatencyRead  *float64 `json:"read_latency_us"`
		LatencyWrite *float64 `json:"write_latency_us"`
	}
	if err := json.Unmarshal(volumetest.Sample(t, file), &e); err != nil {
		t.Fatal(err)
	}
	return volume.Performance{
		IOPSRead: e.IOPSRead, IOPSWrite: e.IOPSWrite, BytesRead: e.BytesRead, BytesWrite: e.BytesWrite,
		LatencyReadUsec: e.LatencyRead, LatencyWriteUsec: e.LatencyWrite,
	}
}

// Each step is a minute after the one before; nil is no sample.
func TestSampleCounters(t *testing.T) {
	const one, two, reset, partial = "volumes_statistics_poll1.json", "volumes_statistics_poll2.json", "volumes_statistics_poll3_reset.json", "volumes_statistics_partial.json"
	rates := expected(t, "volumes_statistics_expected.json")
	type step struct {
		file string
		want *volume.Performance
	}
	tests := map[string][]step{
		"delta":           {{one, nil}, {two, &rates}},
		"the same again":  {{one, nil}, {two, &rates}, {two, &rates}},
		"reset":           {{one, nil}, {two, &rates}, {reset, nil}},
		"partial":         {{one, nil}, {two, &rates}, {partial, nil}},
		"partial between": {{one, nil}, {partial, nil}, {two, nil}},
		"back in time":    {{two, nil}, {one, nil}, {two, &rates}},
		"none":            {{one, nil}, {two, &rates}, {"volumes_empty.json", nil}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			s := &replay{date: "Tue, 04 Mar 2025 05:08:30 GMT"}
			with(t, s, []string{"vfroot01"}, func(t *testing.T, b volume.Backend) {
				for i, step := range steps {
					s.volumes = step.file
					got := performance(t, b, "vfroot01")
					switch {
					case step.want == nil && got.Err == nil:
						t.Errorf("step %d: %+v", i, got.Value)
					case step.want == nil && step.file != "volumes_empty.json" && !errors.Is(got.Err, volume.ErrNoSample):
						t.Errorf("step %d: %v", i, got.Err)
					case step.want != nil && got.Err != nil:
						t.Errorf("step %d: %v", i, got.Err)
					case step.want != nil:
						if diff := cmp.Diff(*step.want, got.Value); diff != "" {
							t.Errorf("step %d (-want +got):\n%s", i, diff)
						}
						// 05:07:00 by a clock that said 05:08:30.
						if age := time.Since(got.SampledAt); age != 90*time.Second {
							t.Errorf("step %d: the sample is %v old", i, age)
						}
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// The FlexGroup's own counters are in volumes_list.json and not used.
func TestSampleFlexGroup(t *testing.T) {
	s := &replay{volumes: "volumes_list.json", members: "flexgroup_constituents_poll1.json", date: "Tue, 04 Mar 2025 05:06:30 GMT"}
	with(t, s, []string{"vffg01", "vfroot01"}, func(t *testing.T, b volume.Backend) {
		first := performance(t, b, "vffg01")
		gauge := volume.Performance{
			IOPSRead: new(5100.0), IOPSWrite: new(900.0), BytesRead: new(334233600.0), BytesWrite: new(58982400.0),
			LatencyReadUsec: new(780.0), LatencyWriteUsec: new(910.0),
		}
		if diff := cmp.Diff(gauge, first.Value); diff != "" || time.Since(first.SampledAt) != 15*time.Second {
			t.Errorf("first, %v old (-want +got):\n%s", time.Since(first.SampledAt), diff)
		}
		time.Sleep(time.Minute)
		s.members, s.date = "flexgroup_constituents_poll2.json", "Tue, 04 Mar 2025 05:07:30 GMT"
		second := performance(t, b, "vffg01")
		if diff := cmp.Diff(expected(t, "flexgroup_constituents_expected.json"), second.Value); diff != "" || second.Err != nil {
			t.Errorf("%v (-want +got):\n%s", second.Err, diff)
		}
		// Members that may not be read leave what ONTAP says of the whole, if it is new.
		time.Sleep(time.Minute)
		s.members = ""
		s.date = "Tue, 04 Mar 2025 05:07:00 GMT"
		if got := performance(t, b, "vffg01"); got.Err != nil || reads(got) != 5100 {
			t.Errorf("%+v, %v", got.Value, got.Err)
		}
		time.Sleep(time.Minute)
		s.date = "Tue, 04 Mar 2025 05:08:00 GMT"
		if got := performance(t, b, "vffg01"); got.Err == nil {
			t.Errorf("an old mean is shown: %+v", got.Value)
		}
	})
}

func TestSampleUsage(t *testing.T) {
	tests := map[string]struct {
		file, volume string
		want         volume.Usage
	}{
		"online": {"volumes_list.json", "vfroot01", volume.Usage{
			CapacityBytes: new(uint64(10995116277760)), UsedBytes: new(uint64(4398046511104)), AvailableBytes: new(uint64(6597069766656)),
			Inodes: new(uint64(311276484)), InodesUsed: new(uint64(9231120)),
		}},
		"second page": {"volumes_page1.json", "vffg01", volume.Usage{
			CapacityBytes: new(uint64(109951162777600)), UsedBytes: new(uint64(54975581388800)), AvailableBytes: new(uint64(54975581388800)),
			Inodes: new(uint64(2147483632)), InodesUsed: new(uint64(120331120)),
		}},
		"offline": {"volumes_offline.json", "oldvol", volume.Usage{CapacityBytes: new(uint64(52428800))}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			with(t, &replay{volumes: tt.file}, []string{tt.volume}, func(t *testing.T, b volume.Backend) {
				all, err := b.Usage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				volumetest.Same(t, tt.want, all[tt.volume].Value)
			})
		})
	}
}

func TestSampleHealth(t *testing.T) {
	tests := map[string]struct {
		volumes, nodes, volume string
		want                   volume.Status
		info                   string
	}{
		"healthy":         {"volumes_list.json", "", "vfroot01", volume.Healthy, ""},
		"nearly full":     {"volumes_list.json", "", "vffg01", volume.Healthy, "Volume vffg01 is nearly full."},
		"a node is away":  {"volumes_list.json", "cluster_nodes.json", "vfroot01", volume.Degraded, "1 of 2 nodes of the cluster are up: ontap-a-02 taken_over"},
		"new":             {"volumes_no_statistics.json", "", "newvol", volume.Healthy, ""},
		"offline":         {"volumes_offline.json", "", "oldvol", volume.Offline, "the volume is offline; Volume oldvol is not online."},
		"not there":       {"volumes_empty.json", "", "nosuchvolume", volume.Unavailable, "volume nosuchvolume is not there: check its name, and that the account may see it"},
		"a member":        {"flexgroup_constituents_poll1.json", "", "vffg01__0001", volume.Unavailable, "volume vffg01__0001 is not there: check its name, and that the account may see it"},
		"another SVM's":   {"volumes_list.json", "", "svm_b/vfroot01", volume.Unavailable, "volume vfroot01 of SVM svm_b is not there: check its name, and that the account may see it"},
		"unknown field":   {"error_400_unknown_field.json", "", "x", volume.Unavailable, `GET array1.test/api/storage/volumes: HTTP 400: The value "statisticz" is invalid for field "fields" (<field,...>)`},
		"not authorized":  {"error_401.json", "", "x", volume.Unavailable, "array1.test refused the credentials (HTTP 401: not authorized for that command): check the user and the password or token"},
		"forbidden":       {"error_403.json", "", "x", volume.Unavailable, "GET array1.test/api/storage/volumes: the account may not do this (HTTP 403: not authorized for that command): give it the right to read"},
		"no such path":    {"error_404.json", "", "x", volume.Unavailable, "GET array1.test/api/storage/volumes: there is no such thing (HTTP 404: entry doesn't exist)"},
		"busy":            {"error_busy.json", "", "x", volume.Unavailable, "GET array1.test/api/storage/volumes: HTTP 503: There are too many requests already being processed. Retry after a short delay."},
		"not a list":      {"cluster.json", "", "x", volume.Unavailable, "ONTAP's answer has no records: check the endpoint"},
		"nodes not asked": {"volumes_list.json", "error_busy.json", "vfroot01", volume.Healthy, "the nodes' states are not known: GET array1.test/api/cluster/nodes: HTTP 503: There are too many requests already being processed. Retry after a short delay."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			with(t, &replay{volumes: tt.volumes, nodes: tt.nodes}, []string{tt.volume}, func(t *testing.T, b volume.Backend) {
				got := health(t, b, tt.volume)
				if got.Status != tt.want || got.Info != tt.info {
					t.Errorf("%s %q\nwant %s %q", got.Status, got.Info, tt.want, tt.info)
				}
			})
		})
	}
}

func TestSampleMetadata(t *testing.T) {
	with(t, &replay{volumes: "volumes_list.json", nodes: "cluster_nodes.json"}, []string{"svm_ai/vfroot01"}, func(t *testing.T, b volume.Backend) {
		want := map[string]string{
			"performance_scope": "volume", "volume_uuid": "5f3c1f0a-1111-11ef-9a00-d039ea000001",
			"svm": "svm_ai", "svm_uuid": "0aa0b0c0-aaaa-11ef-9a00-d039ea0000aa", "style": "flexvol", "type": "rw", "junction_path": "/vfroot01",
			"cluster": "ontap-a", "ontap_version": "NetApp Release 9.14.1P4: Mon Jun 03 09:21:44 UTC 2024", "nodes": "1 of 2 up",
		}
		volumetest.Same(t, want, health(t, b, "svm_ai/vfroot01").Metadata)
	})
}
