package vast

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

// sampledAt is when the samples were asked for, by the cluster's clock.
var sampledAt = time.Date(2025, 3, 4, 5, 7, 40, 0, time.UTC)

// good are the samples of a cluster that is well, by path.
func good() appliancetest.Samples {
	return appliancetest.Samples{At: sampledAt, Otherwise: `404 {"detail": "Not found."}`, Asked: func(r *http.Request) string {
		return strings.TrimPrefix(r.URL.Path, "/api/v2")
	}, Replies: map[string]string{
		"/token/": "token.json", "/clusters/1/": "cluster_by_id.json", "/views/": "views.json", "/quotas/": "quotas.json", "/alarms/": "[]", "/metrics/": "[]",
		statisticsPath: "ad_hoc_query_view.json",
	}}
}

// open makes a backend of volumes that are named like their views, or of the
// cluster where there is no name.
func open(t testing.TB, handler http.Handler, more map[string]any, names ...string) *backend {
	t.Helper()
	e := appliancetest.NewEmulator(t, nil, handler, "vast", "vast_endpoint", names, func(_ int, name string) map[string]any {
		options := map[string]any{"vast_username": "u", "vast_password": "p", "vast_view_path": name}
		maps.Copy(options, more)
		return options
	})
	return volumetest.Open[*backend](t, Kind(nil), e.Volumes...)
}

// of is one volume's part, whichever way it failed.
func of[T any](results map[string]volume.Result[T], err error, name string) volume.Result[T] {
	if err != nil {
		return volume.Result[T]{Err: err}
	}
	return results[name]
}

func TestClusterPerformanceOfSamples(t *testing.T) {
	busy := volume.Performance{
		IOPSRead: new(12034.0), IOPSWrite: new(6216.0), BytesRead: new(1577058304.0), BytesWrite: new(633339904.0),
		LatencyReadUsec: new(701.0), LatencyWriteUsec: new(1027.0),
	}
	tests := []struct {
		sample string
		want   volume.Performance
		err    error
	}{
		{"cluster_by_id.json", busy, nil},
		{"cluster_raid_degraded.json", busy, nil},
		{"cluster_rebalance.json", busy, nil},
		{"cluster_idle.json", volume.Performance{IOPSRead: new(0.0), IOPSWrite: new(0.0), BytesRead: new(0.0), BytesWrite: new(0.0)}, nil},
		{"cluster_unknown_nulls.json", volume.Performance{}, volume.ErrNoSample},
		{"cluster_offline.json", volume.Performance{}, volume.ErrNoSample}, // what it did before
		{"clusters_list.json", volume.Performance{}, rest.ErrBadAnswer},
		{"error_404.json", volume.Performance{}, rest.ErrBadAnswer},
	}
	for _, tt := range tests {
		t.Run(tt.sample, func(t *testing.T) {
			b := open(t, good().With("/clusters/1/", string(volumetest.Sample(t, tt.sample))), nil, "")
			results, err := b.Performance(volumetest.Within(t))
			got := of(results, err, "")
			if diff := cmp.Diff(tt.want, got.Value); diff != "" || !errors.Is(got.Err, tt.err) {
				t.Errorf("%v, not %v; -want +got\n%s", got.Err, tt.err, diff)
			}
			if age := time.Since(got.SampledAt); tt.err == nil && age > 20*time.Second {
				t.Errorf("sampled %v ago", age)
			}
		})
	}
}

// expected are the figures that belong to the sample of a view's statistics.
func expected(t *testing.T) volume.Performance {
	t.Helper()
	var e struct {
		IOPSRead  float64 `json:"iops_read"`
		IOPSWrite float64 `json:"iops_write"`
		Read      float64 `json:"read_bytes_per_sec"`
		Write     float64 `json:"write_bytes_per_sec"`
		ReadUsec  float64 `json:"read_latency_us"`
		WriteUsec float64 `json:"write_latency_us"`
	}
	if err := json.Unmarshal([]byte(string(volumetest.Sample(t, "ad_hoc_query_view_expected.json"))), &e); err != nil {
		t.Fatal(err)
	}
	return volume.Performance{
		IOPSRead: &e.IOPSRead, IOPSWrite: &e.IOPSWrite, BytesRead: &e.Read, BytesWrite: &e.Write,
		LatencyReadUsec: &e.ReadUsec, LatencyWriteUsec: &e.WriteUsec,
	}
}

func TestViewPerformanceOfSamples(t *testing.T) {
	const view = "/ai/data"
	want := expected(t)
	sample := string(volumetest.Sample(t, "ad_hoc_query_view.json"))
	without := func(change func(*volume.Performance)) volume.Performance {
		p := want
		change(&p)
		return p
	}
	silent := without(func(p *volume.Performance) { p.LatencyReadUsec, p.LatencyWriteUsec = nil, nil })
	says := func(unit string) string {
		return `[{"fqn": "ViewMetrics,read_latency__num_samples", "units": "ns"}, {"fqn": "ViewMetrics,qos_wait__sum", "units": "ns"}, ` + unit + `]`
	}
	nano := without(func(p *volume.Performance) { p.LatencyReadUsec, p.LatencyWriteUsec = new(0.7), new(1.1) })
	first := func(old, now string) string { return strings.Replace(sample, old, now, 1) } // in the newest row
	tests := []struct {
		name    string
		replies appliancetest.Samples
		view    string
		want    volume.Performance
		err     error
		age     time.Duration
	}{
		{"as expected", good(), view, want, nil, 40 * time.Second},
		{"views in pages", good().With("/views/", "views_paged_envelope.json"), view, want, nil, 40 * time.Second},
		{"nulls alone", good(), "/scratch", volume.Performance{}, volume.ErrNoSample, 0},
		{"no such view", good(), "/nowhere", volume.Performance{}, rest.ErrNotFound, 0},
		{"oldest first", good().With(statisticsPath, reversed(t, sample)), view, want, nil, 40 * time.Second},
		{"columns in another order", good().With(statisticsPath, mirrored(t, sample)), view, want, nil, 40 * time.Second},
		{"ids as text", good().With(statisticsPath, strings.NewReplacer("      7,", `      "7",`, "      8,", `      "8",`).Replace(sample)), view, want, nil, 40 * time.Second},
		{"of the cluster", good().With(statisticsPath, string(volumetest.Sample(t, "ad_hoc_query_cluster.json"))), view, volume.Performance{}, volume.ErrNoSample, 0},
		{"a counter went back", good().With(statisticsPath, first("16580608000", "16380608000")), view, volume.Performance{}, volume.ErrNoSample, 0},
		{"no latency counted", good().With(statisticsPath, strings.NewReplacer("742000000.0", "null", "700000000.0", "null", "556600000.0", "null", "550000000.0", "null").Replace(sample)), view, silent, nil, 40 * time.Second},
		{"nothing written", good().With(statisticsPath, strings.ReplaceAll(strings.ReplaceAll(first("16580608000", "16384000000"), "506000", "500000"), "556600000.0", "550000000.0")), view,
			without(func(p *volume.Performance) { p.IOPSWrite, p.BytesWrite, p.LatencyWriteUsec = new(0.0), new(0.0), nil }), nil, 40 * time.Second},
		{"one row", good().With(statisticsPath, strings.ReplaceAll(sample, "05:06:00", "05:07:00")), view, volume.Performance{}, volume.ErrNoSample, 0},
		{"old rows", good().With(statisticsPath, strings.ReplaceAll(sample, "T05:", "T04:")), view, volume.Performance{}, volume.ErrNoSample, 0},
		{"no time", good().With(statisticsPath, strings.ReplaceAll(sample, "2025-", "x")), view, volume.Performance{}, volume.ErrNoSample, 0},
		{"no metrics to ask", good().With("/metrics/", "403 {}"), view, want, nil, 40 * time.Second},
		{"unit not known now", good().With("/metrics/", "500 {}"), view, silent, nil, 40 * time.Second},
		{"nanoseconds", good().With("/metrics/", says(`{"fqn": "ViewMetrics,read_latency__sum", "units": "ns"}`)), view, nano, nil, 40 * time.Second},
		{"nanoseconds of the mean", good().With("/metrics/", says(`{"fqn": "ViewMetrics,read_latency__avg", "units": "nsec"}`)), view, nano, nil, 40 * time.Second},
		{"microseconds of the sum", good().With("/metrics/", says(`{"fqn": "ViewMetrics,read_latency__sum", "units": "usec"}, {"fqn": "ViewMetrics,read_latency__max", "units": "ns"}`)), view, want, nil, 40 * time.Second},
		{"shown as milliseconds", good().With("/metrics/", says(`{"fqn": "ViewMetrics,read_latency__sum", "units": "ms"}`)), view, want, nil, 40 * time.Second},
		{"no table", good().With(statisticsPath, `{"prop_list": ["a"], "data": []}`), view, volume.Performance{}, rest.ErrBadAnswer, 0},
		{"a short row", good().With(statisticsPath, strings.Replace(sample, `"data": [`, `"data": [["2025-03-04T05:07:30Z"], [], `, 1)), view, want, nil, 40 * time.Second},
		{"nanoseconds of something else", good().With("/metrics/", `[{"fqn": "ViewMetrics,read_latency__num_samples", "units": "ns"}, {"fqn": "ViewMetrics,qos_wait__sum", "units": "ns"}]`), view, want, nil, 40 * time.Second},
		{"no list of views", good().With("/views/", `{"count": 0}`), view, volume.Performance{}, rest.ErrBadAnswer, 0},
		{"a view without an id", good().With("/views/", `[{"path": "/ai/data"}]`), view, volume.Performance{}, rest.ErrBadAnswer, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, tt.replies, nil, tt.view)
			results, err := b.Performance(volumetest.Within(t))
			got := of(results, err, tt.view)
			if diff := cmp.Diff(tt.want, got.Value, cmpopts.EquateApprox(1e-12, 0)); diff != "" || !errors.Is(got.Err, tt.err) {
				t.Errorf("%v, not %v; -want +got\n%s", got.Err, tt.err, diff)
			}
			if age := time.Since(got.SampledAt); tt.err == nil && (age < tt.age || age > tt.age+20*time.Second) {
				t.Errorf("sampled %v ago, not %v", age, tt.age)
			}
		})
	}
}

// reversed has the rows in the other order, and mirrored the columns.
func reversed(t *testing.T, sample string) string { return turned(t, sample, true, false) }
func mirrored(t *testing.T, sample string) string { return turned(t, sample, false, true) }

func turned(t *testing.T, sample string, rows, columns bool) string {
	t.Helper()
	var table struct {
		Properties []any   `json:"prop_list"`
		Data       [][]any `json:"data"`
	}
	if err := json.Unmarshal([]byte(sample), &table); err != nil {
		t.Fatal(err)
	}
	if rows {
		turn(table.Data)
	}
	if columns {
		turn(table.Properties)
		for _, row := range table.Data {
			turn(row)
		}
	}
	text, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func turn[T any](list []T) {
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
}

func TestUsageOfSamples(t *testing.T) {
	whole := volume.Usage{
		CapacityBytes: new(uint64(282095000000000)), UsedBytes: new(uint64(163582000000000)), AvailableBytes: new(uint64(118513000000000)),
		InodesUsed: new(uint64(18203311)),
	}
	limited := volume.Usage{
		CapacityBytes: new(uint64(150000000000000)), UsedBytes: new(uint64(66000000000000)), AvailableBytes: new(uint64(84000000000000)),
		InodesUsed: new(uint64(1203311)),
	}
	unlimited := volume.Usage{CapacityBytes: whole.CapacityBytes, UsedBytes: new(uint64(120000000000000)), AvailableBytes: whole.AvailableBytes}
	const tighter = `{"path": "/ai/data", "tenant_id": 1, "hard_limit": 8, "used_capacity": 7}`
	tight := volume.Usage{CapacityBytes: new(uint64(8)), UsedBytes: new(uint64(7)), AvailableBytes: new(uint64(1))}
	quotas := string(volumetest.Sample(t, "quotas.json"))
	quota := func(old, now string) appliancetest.Samples {
		return good().With("/quotas/", strings.Replace(quotas, old, now, 1))
	}
	tests := []struct {
		name    string
		replies appliancetest.Samples
		view    string
		want    volume.Usage
		err     error
	}{
		{"cluster", good(), "", whole, nil},
		{"more used than there is", good().With("/clusters/1/", `{"state": "ONLINE", "physical_space": 5, "physical_space_in_use": 7}`), "",
			volume.Usage{CapacityBytes: new(uint64(5)), UsedBytes: new(uint64(7)), AvailableBytes: new(uint64(0))}, nil},
		{"cluster without sizes", good().With("/clusters/1/", `{"state": "ONLINE", "physical_space": -1}`), "", volume.Usage{}, rest.ErrBadAnswer},
		{"view with a quota", good(), "/ai/data", limited, nil},
		{"a quota's inodes", quota(`"hard_limit_inodes": null`, `"hard_limit_inodes": 2000000`), "/ai/data", volume.Usage{
			CapacityBytes: limited.CapacityBytes, UsedBytes: limited.UsedBytes, AvailableBytes: limited.AvailableBytes,
			Inodes: new(uint64(2000000)), InodesUsed: limited.InodesUsed,
		}, nil},
		{"two quotas of a path", good().With("/quotas/", "["+tighter+","+strings.TrimPrefix(strings.TrimSpace(quotas), "[")), "/ai/data", tight, nil},
		{"the same the other way round", good().With("/quotas/", `{"results": [`+tighter+`, {"path": "/ai/data", "tenant_id": 1, "hard_limit": 9, "used_capacity": 1}]}`), "/ai/data", tight, nil},
		{"and again", good().With("/quotas/", `{"results": [{"path": "/ai/data", "tenant_id": 1, "hard_limit": 9, "used_capacity": 1}, `+tighter+`]}`), "/ai/data", tight, nil},
		{"a quota without a hard limit", quota(`150000000000000`, `null`), "/ai/data", volume.Usage{
			CapacityBytes: unlimited.CapacityBytes, UsedBytes: unlimited.UsedBytes, AvailableBytes: unlimited.AvailableBytes, InodesUsed: limited.InodesUsed,
		}, nil},
		{"another tenant's quota", quota(`"tenant_id": 1`, `"tenant_id": 2`), "/ai/data", unlimited, nil},
		{"another tenant's quota, by name", good().With("/quotas/", strings.NewReplacer(`"tenant_id": 1`, `"tenant_id": null`, `"default"`, `"lab"`).Replace(quotas)), "/ai/data", unlimited, nil},
		{"another path's quota", quota(`"/ai/data"`, `"/ai"`), "/ai/data", unlimited, nil},
		{"view without a quota or a size", good(), "/scratch", volume.Usage{CapacityBytes: whole.CapacityBytes, AvailableBytes: whole.AvailableBytes}, nil},
		{"quotas are not for us", good().With("/quotas/", "403 {}"), "/ai/data", unlimited, nil},
		{"quotas cannot be asked now", good().With("/quotas/", "500 {}"), "/ai/data", volume.Usage{}, rest.ErrServer},
		{"with a quota, the cluster is not needed", good().With("/clusters/1/", "500 {}"), "/ai/data", limited, nil},
		{"without one, it is", good().With("/clusters/1/", "500 {}"), "/scratch", volume.Usage{}, rest.ErrServer},
		{"no such view", good(), "/nowhere", volume.Usage{}, rest.ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, tt.replies, nil, tt.view)
			results, err := b.Usage(volumetest.Within(t))
			got := of(results, err, tt.view)
			if diff := cmp.Diff(tt.want, got.Value); diff != "" || !errors.Is(got.Err, tt.err) {
				t.Errorf("%v, not %v; -want +got\n%s", got.Err, tt.err, diff)
			}
		})
	}
}

// The list of clusters has the same record.
func TestClustersList(t *testing.T) {
	list, next, err := pageOf[cluster](&rest.Answer{Body: []byte(string(volumetest.Sample(t, "clusters_list.json")))})
	if err != nil || len(list) != 1 || next != "" {
		t.Fatal(list, next, err)
	}
	one, err := clusterOf(&rest.Answer{Body: []byte(string(volumetest.Sample(t, "cluster_by_id.json")))})
	if err != nil {
		t.Fatal(err)
	}
	volumetest.Same(t, *one, list[0])
}

// All that is read of a cluster is asked for.
func TestClusterFields(t *testing.T) {
	var record map[string]json.RawMessage
	if err := json.Unmarshal([]byte(string(volumetest.Sample(t, "cluster_by_id.json"))), &record); err != nil {
		t.Fatal(err)
	}
	asked := map[string]json.RawMessage{}
	for _, name := range clusterFields {
		if _, ok := record[name]; !ok {
			t.Errorf("no cluster has a field %s", name)
		}
		asked[name] = record[name]
	}
	trimmed, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	want, err := clusterOf(&rest.Answer{Body: []byte(string(volumetest.Sample(t, "cluster_by_id.json")))})
	if err != nil {
		t.Fatal(err)
	}
	got, err := clusterOf(&rest.Answer{Body: trimmed})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a field is read that is not asked for: -whole +trimmed:\n%s", diff)
	}
}
