package gpfs

import (
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

func FuzzPerfmon(f *testing.F) {
	volumetest.Seed(f, "*perfmon*")
	f.Fuzz(func(t *testing.T, body []byte) {
		table, err := decodeTable(&rest.Answer{Body: body})
		if err != nil {
			return
		}
		compare(table, table)
		for fs := range table.columns {
			p, _, err := table.performance(fs, false)
			volumetest.PossibleOr(t, p, err)
		}
	})
}

func FuzzHealth(f *testing.F) {
	volumetest.Seed(f, "*health_states*")
	volumetest.Seed(f, "*nodes*")
	f.Add([]byte(`{"status":{},"states":[{"component":"FILESYSTEM","entityName":"fs1","state":[]},17,null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a := &rest.Answer{Body: body}
		states, _, _ := decodeList[state](a, "states")
		nodes, _, _ := decodeList[node](a, "nodes")
		filesystems, _, _ := decodeList[filesystem](a, "filesystems")
		o := observed{monitored: sortStates(states), nodes: nodes, filesystems: map[string]filesystem{}}
		for _, fs := range filesystems {
			o.filesystems["fs1"] = fs
		}
		h, err := o.judge(volumeOptions{filesystem: "fs1"})
		if err != nil {
			return
		}
		if h.Status == volume.Healthy && len(o.monitored.filesystems["fs1"]) == 0 {
			t.Error("healthy without a word")
		}
		volumetest.Explained(t, h, longestInfo, longestFact)
	})
}

func FuzzPools(f *testing.F) {
	volumetest.Seed(f, "*pool*")
	f.Fuzz(func(t *testing.T, body []byte) {
		pools, _, err := decodeList[pool](&rest.Answer{Body: body}, "storagePool")
		if err != nil {
			return
		}
		u, err := usageOf("fs1", pools)
		if err != nil {
			return
		}
		if *u.UsedBytes > *u.CapacityBytes || *u.UsedBytes+*u.AvailableBytes != *u.CapacityBytes || *u.CapacityBytes%1024 != 0 {
			t.Errorf("%d, %d, %d", *u.CapacityBytes, *u.UsedBytes, *u.AvailableBytes)
		}
	})
}
