package dellemc

import (
	"encoding/json"
	"errors"
	"net/http"
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

func TestSampleProtocols(t *testing.T) {
	var want volumetest.Recorded
	if err := json.Unmarshal(sample(t, "summary_protocol_totalby_class.expected.json").Body, &want); err != nil {
		t.Fatal(err)
	}
	rows, err := decodeTraffic(sample(t, "summary_protocol_totalby_class.json"))
	if err != nil {
		t.Fatal(err)
	}
	got, at, err := ofProtocols(rows, []string{"nfs3", "nfs4"})
	if diff := cmp.Diff(volume.Performance(want), got); diff != "" || err != nil || at.Unix() != 1768000000 {
		t.Errorf("%v, at %v (-want +got):\n%s", err, at, diff)
	}
}

func TestProtocols(t *testing.T) {
	row := func(protocol, class, rate, mean string) string {
		return `{"protocol": "` + protocol + `", "class": "` + class + `", "operation_rate": ` + rate + `, "in": 10, "out": 20, "time_avg": ` + mean + `}`
	}
	tests := []struct {
		name, rows string
		protocols  []string
		want       volume.Performance
		err        error
	}{
		{name: "no rows", err: volume.ErrNoSample},
		{name: "no row of a class", rows: row("nfs3", "read", "4", "100"), want: volume.Performance{
			IOPSRead: new(4.0), BytesRead: new(20.0), LatencyReadUsec: new(100.0), IOPSWrite: new(0.0), BytesWrite: new(0.0),
		}},
		{name: "other classes alone", rows: row("nfs3", "create", "4", "100"), err: volume.ErrNoSample},
		{name: "weighed", rows: row("nfs3", "read", "1", "100") + "," + row("nfs4", "read", "3", "200"), want: volume.Performance{
			IOPSRead: new(4.0), BytesRead: new(40.0), LatencyReadUsec: new(175.0), IOPSWrite: new(0.0), BytesWrite: new(0.0),
		}},
		{name: "one protocol", protocols: []string{"nfs4"}, rows: row("nfs3", "read", "1", "100") + "," + row("NFS4", "read", "3", "200"), want: volume.Performance{
			IOPSRead: new(3.0), BytesRead: new(20.0), LatencyReadUsec: new(200.0), IOPSWrite: new(0.0), BytesWrite: new(0.0),
		}},
		{name: "no operations", rows: row("nfs3", "write", "0", "0"), want: volume.Performance{
			IOPSRead: new(0.0), BytesRead: new(0.0), IOPSWrite: new(0.0), BytesWrite: new(10.0),
		}},
		{name: "no mean of nothing", rows: row("nfs3", "read", "0", "null") + "," + row("nfs4", "read", "3", "200"), want: volume.Performance{
			IOPSRead: new(3.0), BytesRead: new(40.0), LatencyReadUsec: new(200.0), IOPSWrite: new(0.0), BytesWrite: new(0.0),
		}},
		{name: "a rate that is not there", rows: row("nfs3", "read", "null", "100") + "," + row("nfs4", "read", "3", "200"), want: volume.Performance{
			BytesRead: new(40.0), IOPSWrite: new(0.0), BytesWrite: new(0.0),
		}},
		{name: "a latency that is not there", rows: row("nfs3", "read", "1", "null") + "," + row("nfs4", "read", "3", "200"), want: volume.Performance{
			IOPSRead: new(4.0), BytesRead: new(40.0), IOPSWrite: new(0.0), BytesWrite: new(0.0),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := decodeTraffic(&rest.Answer{Body: []byte(`{"protocol": [` + tt.rows + `]}`)})
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := ofProtocols(rows, tt.protocols)
			if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// The samples of workloads are of a dataset without paths.
func TestSampleWorkloads(t *testing.T) {
	for _, name := range []string{"summary_workload.json", "summary_workload_empty.json"} {
		rows, err := decodeWorkloads(sample(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if p, _, err := ofPath(rows, "/ifs"); !errors.Is(err, volume.ErrNoSample) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	rows, err := decodeWorkloads(sample(t, "summary_workload.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		rows[i].Path = rest.Text([]string{"/ifs/a", "/ifs/a/b", "/ifs/ab", "/ifs/a/b"}[i])
	}
	for _, tt := range []struct {
		path string
		want volume.Performance
	}{
		{"/ifs/a", volume.Performance{BytesRead: new(5200936960.0), BytesWrite: new(314572800.0)}}, // two workloads
		// One besides a special one.
		{"/ifs/a/b", volume.Performance{BytesRead: new(0.0), BytesWrite: new(0.0), LatencyReadUsec: new(1002.0)}},
	} {
		got, at, err := ofPath(rows, tt.path)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || at.Unix() != 1768000000 {
			t.Errorf("%s: %v, at %v (-want +got):\n%s", tt.path, err, at, diff)
		}
	}
}

func TestSampleStatistics(t *testing.T) {
	s, err := decodeStatistics(sample(t, "statistics_current.json"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := clusterUsage(s)
	want := volume.Usage{CapacityBytes: new(uint64(3e14)), UsedBytes: new(uint64(12e13)), AvailableBytes: new(uint64(171e12))}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if h := s.values[keyHealth]; !h.Valid || h.Value != 0 || s.values[keyNodes].Value != 4 {
		t.Errorf("%+v", s.values)
	}
	wrong := `{"stats": [{"key": "a", "value": 1, "error": "no"}, {"key": "b", "value": 1, "error_code": 9}, {"key": "c", "value": 1}]}`
	if s, err = decodeStatistics(&rest.Answer{Body: []byte(wrong)}); err != nil || len(s.values) != 1 || !s.values["c"].Valid {
		t.Errorf("values in error: %v, %+v", err, s.values)
	}
	if s, err = decodeStatistics(sample(t, "statistics_current_key_error.json")); err != nil || len(s.values) != 1 {
		t.Errorf("keys in error: %v, %+v", err, s.values)
	}
}

func TestSampleQuota(t *testing.T) {
	quotas, resume, err := decodeQuotas(sample(t, "quota_single.json"))
	if err != nil || len(quotas) != 1 || resume != "" {
		t.Fatalf("%v, %+v, %q", err, quotas, resume)
	}
	for _, tt := range []struct {
		on         rest.Text
		room       *uint64
		used, left uint64
	}{
		{"fslogicalsize", nil, 10737418240, 96636764160},
		{"applogicalsize", nil, 10737000000, 96637182400},
		{"PhysicalSize", nil, 12884901888, 94489280512},
		{"", new(uint64(1000)), 10737418240, 1000},
	} {
		q := quotas[0]
		q.On = tt.on
		got, err := quotaUsage(q, tt.room)
		want := volume.Usage{CapacityBytes: new(uint64(107374182400)), UsedBytes: &tt.used, AvailableBytes: &tt.left, InodesUsed: new(uint64(4211))}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.on, err, diff)
		}
	}
}

func TestSampleSession(t *testing.T) {
	text := string(sample(t, "session_post_response.txt").Body)
	head, body, _ := strings.Cut(text, "\n\n")
	answer := &rest.Answer{Body: []byte(body), Header: http.Header{}}
	for line := range strings.Lines(head) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			answer.Header.Add(name, value)
		}
	}
	now := time.Now()
	token, err := tokenOf(answer, "https://onefs:8080", now)
	if err != nil {
		t.Fatal(err)
	}
	if len(token.Cookies) != 2 || token.Header.Get("X-CSRF-Token") != "<uuid>" || token.Header.Get("Referer") != "https://onefs:8080" || token.Expires != now.Add(4*time.Hour) {
		t.Errorf("%d cookies, %d headers, until %v", len(token.Cookies), len(token.Header), token.Expires)
	}
	answer.Header = http.Header{"Set-Cookie": {"isicsrf=x"}}
	if _, err := tokenOf(answer, "", now); !errors.Is(err, rest.ErrBadAnswer) {
		t.Errorf("no session: %v", err)
	}
}

// observedFrom are the samples, the cluster's with all nodes up.
func observedFrom(t testing.TB, statusSample string) observed {
	t.Helper()
	var o observed
	var err error
	if o.statistics, err = decodeStatistics(sample(t, "statistics_current.json")); err != nil {
		t.Fatal(err)
	}
	if err := sample(t, "cluster_config.json").Decode(&o.cluster); err != nil {
		t.Fatal(err)
	}
	o.cluster.Devices[3].Up.Value = true
	if o.pools, err = decodePools(sample(t, statusSample)); err != nil {
		t.Fatal(err)
	}
	return o
}
