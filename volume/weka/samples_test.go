package weka

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// sampledAt is when the samples were taken, by the cluster's clock.
var sampledAt = time.Date(2025, 3, 4, 5, 6, 40, 0, time.UTC)

// good are the samples of a cluster that is well, by path; statistics by path and
// category. Weka may answer 400 where there is nothing.
func good() appliancetest.Samples {
	return appliancetest.Samples{At: sampledAt, Otherwise: "400 ", Asked: func(r *http.Request) string {
		return strings.TrimSpace(strings.TrimPrefix(r.URL.Path, "/api/v2") + " " + r.URL.Query().Get("category"))
	}, Replies: map[string]string{
		"/login": "login.json", "/cluster": "cluster.json", "/fileSystems": "fileSystems.json", "/alerts": "alerts.json",
		"/stats fs_stats": "stats_fs.json", "/stats ops": "stats_ops.json",
	}}
}

// open makes a backend of volumes that are named like their file systems.
func open(t testing.TB, handler http.Handler, names ...string) *backend {
	t.Helper()
	e := appliancetest.NewEmulator(t, nil, handler, "weka", "weka_endpoint", names, func(_ int, name string) map[string]any {
		return map[string]any{"weka_username": "u", "weka_password": "p", "weka_fs_name": name}
	})
	return volumetest.Open[*backend](t, Kind(nil), e.Volumes...)
}

func TestPerformanceOfSamples(t *testing.T) {
	busy := volume.Performance{
		IOPSRead: new(812.5), IOPSWrite: new(110.25), BytesRead: new(106496000.0), BytesWrite: new(14450688.0),
		LatencyReadUsec: new(402.7), LatencyWriteUsec: new(611.3),
	}
	idle := volume.Performance{IOPSRead: new(0.0), IOPSWrite: new(0.0), BytesRead: new(0.0), BytesWrite: new(0.0)}
	all := volume.Performance{
		IOPSRead: new(3010.2), IOPSWrite: new(1204.8), BytesRead: new(1262485504.0), BytesWrite: new(403701760.0),
		LatencyReadUsec: new(398.6), LatencyWriteUsec: new(702.1),
	}
	none := string(volumetest.Sample(t, "stats_empty.json"))
	fs := string(volumetest.Sample(t, "stats_fs.json"))
	tests := []struct {
		name    string
		replies appliancetest.Samples
		want    map[string]volume.Performance
		err     error // of a volume
		age     time.Duration
		scope   string
	}{
		{"by file system", good(), map[string]volume.Performance{"default": busy, "scratch": idle}, nil, 40 * time.Second, "volume"},
		{"login answers with a list", good().With("/login", "login_array_form.json"), map[string]volume.Performance{"default": busy}, nil, 40 * time.Second, "volume"},
		{"newest first", good().With("/stats fs_stats", strings.NewReplacer("05:05:00", "05:06:00", "05:06:00", "05:05:00").Replace(fs)), map[string]volume.Performance{
			"default": {IOPSRead: new(790.1), IOPSWrite: new(120.0), BytesRead: new(103559168.0), BytesWrite: new(15728640.0), LatencyReadUsec: new(410.0), LatencyWriteUsec: new(620.0)},
		}, nil, 40 * time.Second, "volume"},
		{"the open minute is empty", good().With("/stats fs_stats", `{"data": {"all": {"fs_stats": [
			{"stats": {"READS[fS: 0]": null, "WRITES[fS: 0]": null, "READ_BYTES[fS: 0]": null, "WRITE_BYTES[fS: 0]": null}, "timestamp": "2025-03-04T05:06:00Z"},
			{"stats": {"READS[fS: 0]": 7, "WRITES[fS: 0]": 0, "READ_BYTES[fS: 0]": 0, "WRITE_BYTES[fS: 0]": 0, "READ_LATENCY[fS: 0]": 3, "WRITE_LATENCY[fS: 0]": 0}, "timestamp": "2025-03-04T05:05:00Z"}
		]}}}`), map[string]volume.Performance{
			"default": {IOPSRead: new(7.0), IOPSWrite: new(0.0), BytesRead: new(0.0), BytesWrite: new(0.0), LatencyReadUsec: new(3.0)},
		}, nil, 100 * time.Second, "volume"},
		{"histograms and strangers", good().With("/stats fs_stats", `{"data": {"all": {"fs_stats": [{"stats": {
			"READS[fS: 0]": [{"value": 1, "start_range": 0}], "WRITES[fS: 0]": 5, "READS": 99, "READS[fS: 77]": 1, "READS[node: 0]": 9, "WRITES[fS: x]": 3
		}, "timestamp": "2025-03-04T05:06:00Z"}]}}}`), map[string]volume.Performance{"default": {IOPSWrite: new(5.0)}}, nil, 40 * time.Second, "volume"},
		{"category not known", good().With("/stats fs_stats", none), map[string]volume.Performance{"default": all, "scratch": all}, nil, 40 * time.Second, "cluster"},
		{"category refused", good().With("/stats fs_stats", ""), map[string]volume.Performance{"default": all}, nil, 40 * time.Second, "cluster"},
		{"parameter ignored", good().With("/stats fs_stats", strings.Replace(string(volumetest.Sample(t, "stats_ops.json")), `"ops"`, `"fs_stats"`, 1)), map[string]volume.Performance{"default": all}, nil, 40 * time.Second, "cluster"},
		{"idle cluster", good().With("/stats fs_stats", none).With("/stats ops", "stats_ops_idle.json"), map[string]volume.Performance{"default": idle}, nil, 40 * time.Second, "cluster"},
		{"spelt with the category", good().With("/stats fs_stats", none).With("/stats ops", `{"data": {"all": {"ops": [{"stats": {"ops.READS": 5}, "timestamp": "2025-03-04T05:06:00Z"}]}}}`),
			map[string]volume.Performance{"default": {IOPSRead: new(5.0)}}, nil, 40 * time.Second, "cluster"},
		{"nothing at all", good().With("/stats fs_stats", none).With("/stats ops", none), map[string]volume.Performance{"default": {}}, volume.ErrNoSample, 0, ""},
		{"old samples", good().With("/stats fs_stats", strings.ReplaceAll(fs, "T05:", "T04:")).With("/stats ops", none), map[string]volume.Performance{"default": {}}, volume.ErrNoSample, 0, "volume"},
		{"no time", good().With("/stats fs_stats", strings.ReplaceAll(fs, "2025-", "x")).With("/stats ops", none), map[string]volume.Performance{"default": {}}, volume.ErrNoSample, 0, "volume"},
		{"all file systems idle", good().With("/stats fs_stats", `{"data": {"all": {"fs_stats": [{"stats": {"READS[fS: 0]": null, "WRITES[fS: 0]": null}, "timestamp": "2025-03-04T05:06:00Z"}]}}}`),
			map[string]volume.Performance{"default": {}}, volume.ErrNoSample, 0, "volume"},
		{"the clock of the statistics is ahead", good().With("/stats fs_stats", strings.NewReplacer("05:05:00", "05:08:00", "05:06:00", "05:07:00").Replace(fs)), map[string]volume.Performance{
			"default": {IOPSRead: new(790.1), IOPSWrite: new(120.0), BytesRead: new(103559168.0), BytesWrite: new(15728640.0), LatencyReadUsec: new(410.0), LatencyWriteUsec: new(620.0)},
		}, nil, 0, "volume"},
		{"and in the other order", good().With("/stats fs_stats", strings.NewReplacer("05:05:00", "05:07:00", "05:06:00", "05:08:00").Replace(fs)), map[string]volume.Performance{"default": busy}, nil, 0, "volume"},
		{"not there", good(), map[string]volume.Performance{"nowhere": {}}, rest.ErrNotFound, 0, "volume"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var names []string
			for name := range tt.want {
				names = append(names, name)
			}
			b := open(t, tt.replies, names...)
			got, err := b.Performance(volumetest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range tt.want {
				if diff := cmp.Diff(want, got[name].Value); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				if !errors.Is(got[name].Err, tt.err) {
					t.Errorf("%s: %v, not %v", name, got[name].Err, tt.err)
				}
				if age := time.Since(got[name].SampledAt); tt.err == nil && (age < tt.age || age > tt.age+20*time.Second) {
					t.Errorf("%s: sampled %v ago, not %v", name, age, tt.age)
				}
			}
			if scope, _ := b.scope.get(); scope != tt.scope {
				t.Errorf("scope %q, not %q", scope, tt.scope)
			}
		})
	}
}

func TestUsageOfSamples(t *testing.T) {
	got, err := open(t, good(), "default", "scratch", "nowhere").Usage(volumetest.Within(t))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]volume.Usage{
		"default": {CapacityBytes: new(uint64(10995116277760)), UsedBytes: new(uint64(4398046511104)), AvailableBytes: new(uint64(6597069766656))},
		"scratch": {CapacityBytes: new(uint64(1099511627776)), UsedBytes: new(uint64(104857600)), AvailableBytes: new(uint64(1099406770176))},
		"nowhere": {},
	}
	for name, u := range want {
		if diff := cmp.Diff(u, got[name].Value); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if err := got["nowhere"].Err; !errors.Is(err, rest.ErrNotFound) || !strings.Contains(err.Error(), `"nowhere"`) {
		t.Error(err)
	}
	empty, err := open(t, good().With("/fileSystems", "fileSystems_empty.json"), "default").Usage(volumetest.Within(t))
	if err != nil || !errors.Is(empty["default"].Err, rest.ErrNotFound) {
		t.Errorf("no file systems: %v, %v", empty, err)
	}
	if _, err := open(t, good().With("/fileSystems", `{"data": null}`), "default").Usage(volumetest.Within(t)); !errors.Is(err, rest.ErrBadAnswer) {
		t.Errorf("null for the list: %v", err)
	}
	for _, list := range []string{`%s, %s, %s`, `%[2]s, %[3]s, %[1]s`, `%[3]s, %[1]s, %[2]s`} { // of one name
		all := fmt.Sprintf(list, `{"name": "default", "total_budget": 9, "used_total": 9, "free_total": 0, "is_removing": true}`,
			`{"name": "default", "total_budget": 9, "used_total": 1, "free_total": 8}`, `{"name": "default", "total_budget": 5, "used_total": 3, "free_total": 2}`)
		got, err := open(t, good().With("/fileSystems", `{"data": [`+all+`]}`), "default").Usage(volumetest.Within(t))
		if free := got["default"].Value.AvailableBytes; err != nil || free == nil || *free != 2 {
			t.Errorf("%s: %+v, %v", all, got, err)
		}
	}
	bare, err := open(t, good().With("/fileSystems", `{"data": [{"name": "default", "total_budget": -1}]}`), "default").Usage(volumetest.Within(t))
	if err != nil || bare["default"].Err == nil {
		t.Errorf("no sizes: %+v, %v", bare, err)
	}
}
