package dellemc

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// seeds are the samples with that in their name.
func seeds(f *testing.F, part string) {
	files, _ := filepath.Glob("testdata/*" + part + "*")
	if len(files) == 0 {
		f.Fatal("no samples")
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
}

func possible(t *testing.T, p volume.Performance, err error) {
	t.Helper()
	if (err == nil) == (p == volume.Performance{}) {
		t.Errorf("%+v, %v", p, err)
	}
	for _, v := range []*float64{p.IOPSRead, p.IOPSWrite, p.BytesRead, p.BytesWrite, p.LatencyReadUsec, p.LatencyWriteUsec} {
		if v != nil && (*v < 0 || math.IsNaN(*v) || math.IsInf(*v, 0)) {
			t.Errorf("%v", *v)
		}
	}
	if p.LatencyReadUsec != nil && p.IOPSRead != nil && *p.IOPSRead == 0 {
		t.Error("a latency without operations")
	}
}

func FuzzProtocols(f *testing.F) {
	seeds(f, "summary_protocol_totalby")
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := decodeTraffic(&rest.Answer{Body: body})
		if err != nil {
			return
		}
		p, _, err := ofProtocols(rows, nil)
		possible(t, p, err)
		p, _, err = ofProtocols(rows, []string{"nfs3"})
		possible(t, p, err)
	})
}

func FuzzWorkloads(f *testing.F) {
	seeds(f, "summary_workload")
	f.Add([]byte(`{"workload":[{"path":"/ifs/a","bytes_in":1,"bytes_out":1e308,"latency_read":-1},{"path":"/ifs/b"},7]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := decodeWorkloads(&rest.Answer{Body: body})
		if err != nil {
			return
		}
		p, _, err := ofPath(rows, "/ifs")
		possible(t, p, err)
	})
}

func FuzzUsage(f *testing.F) {
	seeds(f, "statistics_current")
	seeds(f, "quota")
	f.Fuzz(func(t *testing.T, body []byte) {
		a := &rest.Answer{Body: body}
		var all []volume.Usage
		if s, err := decodeStatistics(a); err == nil {
			if u, err := clusterUsage(s); err == nil {
				all = append(all, u)
			}
		}
		quotas, _, _ := decodeQuotas(a)
		for _, q := range quotas {
			if u, err := quotaUsage(q, nil); err == nil {
				all = append(all, u)
			}
		}
		for _, u := range all {
			if u.CapacityBytes == nil || *u.CapacityBytes == 0 || u.AvailableBytes != nil && *u.AvailableBytes > *u.CapacityBytes {
				t.Errorf("%+v", u)
			}
		}
	})
}

func FuzzHealth(f *testing.F) {
	for _, part := range []string{"cluster_config", "storagepool_status", "eventgroup", "statistics_current"} {
		seeds(f, part)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := &rest.Answer{Body: body}
		var o observed
		o.statisticsErr = a.Decode(&o.cluster)
		o.statistics, _ = decodeStatistics(a)
		o.pools, _ = decodePools(a)
		o.events, _, _ = decodeEvents(a)
		got := o.judge()
		info := got.info()
		if got.Status() != volume.Healthy && info == "" || len([]rune(info)) > longestInfo || strings.ContainsAny(info, "\n\x00") {
			t.Errorf("%s: %q", got.Status(), info)
		}
		if got.Status() == volume.Healthy && !o.statistics.values[keyHealth].Valid && !o.cluster.Quorum.Valid {
			t.Error("healthy without a word")
		}
		for key, fact := range o.metadata(volumeOptions{path: "/ifs"}) {
			if len([]rune(fact)) > longestFact {
				t.Errorf("%s is %q", key, fact)
			}
		}
	})
}
