package dellemc

import (
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

func FuzzProtocols(f *testing.F) {
	volumetest.Seed(f, "*summary_protocol_totalby*")
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := decodeTraffic(&rest.Answer{Body: body})
		if err != nil {
			return
		}
		p, _, err := ofProtocols(rows, nil)
		volumetest.PossibleOr(t, p, err)
		p, _, err = ofProtocols(rows, []string{"nfs3"})
		volumetest.PossibleOr(t, p, err)
	})
}

func FuzzWorkloads(f *testing.F) {
	volumetest.Seed(f, "*summary_workload*")
	f.Add([]byte(`{"workload":[{"path":"/ifs/a","bytes_in":1,"bytes_out":1e308,"latency_read":-1},{"path":"/ifs/b"},7]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := decodeWorkloads(&rest.Answer{Body: body})
		if err != nil {
			return
		}
		p, _, err := ofPath(rows, "/ifs")
		volumetest.PossibleOr(t, p, err)
	})
}

func FuzzUsage(f *testing.F) {
	volumetest.Seed(f, "*statistics_current*")
	volumetest.Seed(f, "*quota*")
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
		volumetest.Seed(f, "*"+part+"*")
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := &rest.Answer{Body: body}
		var o observed
		o.statisticsErr = a.Decode(&o.cluster)
		o.statistics, _ = decodeStatistics(a)
		o.pools, _ = decodePools(a)
		o.events, _, _ = decodeEvents(a)
		got := o.judge()
		volumetest.Explained(t, rest.Judged(got.Verdict, longestInfo, o.metadata(volumeOptions{path: "/ifs"})), longestInfo, longestFact)
		if got.Status() == volume.Healthy && !o.statistics.values[keyHealth].Valid && !o.cluster.Quorum.Valid {
			t.Error("healthy without a word")
		}
	})
}
