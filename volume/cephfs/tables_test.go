package cephfs

import (
	"fmt"
	"strings"
	"testing"

	"storage_exporter/volume/rates"
	"storage_exporter/volume/volumetest"
)

func TestTables(t *testing.T) {
	const (
		latency = "item          total       avg_lat(us)     min_lat(us)     max_lat(us)     stdev(us)\n-----\n"
		size    = "item          total       avg_sz(bytes)   min_sz(bytes)   max_sz(bytes)  total_sz(bytes)\n-----\n"
	)
	n := func(n uint64) *uint64 { return &n }
	for name, tt := range map[string]struct {
		content string
		want    rates.Sample
	}{
		"nothing":            {"", rates.Sample{}},
		"latency":            {latency + "read 10 20 1 2 3.5\nwrite 30 40 1 2 3\n", rates.Sample{Read: rates.Counters{Ops: n(10), Mean: n(20)}, Write: rates.Counters{Ops: n(30), Mean: n(40)}}},
		"size":               {size + "read 10 4 1 9 40\n", rates.Sample{Read: rates.Counters{Bytes: n(40)}}},
		"other order":        {"item avg_lat(us) new total\nread 20 7 10\n", rates.Sample{Read: rates.Counters{Ops: n(10), Mean: n(20)}}},
		"largest":            {latency + "read 18446744073709551615 0 0 0 0\n", rates.Sample{Read: rates.Counters{Ops: n(1<<64 - 1), Mean: n(0)}}},
		"no numbers":         {latency + "read -1 2e3 0 0 0\nwrite 18446744073709551616 1.5 0 0 0\n", rates.Sample{}},
		"rows of no table":   {"read 1 2 3 4 5\n", rates.Sample{}},
		"row is cut short":   {latency + "read 1 2 3\n", rates.Sample{}},
		"table of counts":    {"item total miss hit\nread 1 2 3\n", rates.Sample{}},
		"table is over":      {latency + "\nread 1 2 3 4 5\n", rates.Sample{}},
		"latency, not in us": {"item total avg_lat(ns)\nread 1 2\n", rates.Sample{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got rates.Sample
			takeTables(&got, []byte(tt.content))
			volumetest.Same(t, tt.want, got)
		})
	}
}

// Whatever else is in the file, a table of ours is read as it was written, and
// no figure comes from nowhere.
func FuzzTables(f *testing.F) {
	for _, name := range []string{"t0.metrics", "t1.metrics", "t1/caps", "t1/file", "copyfrom/latency"} {
		content := testdata(f, name)
		f.Add(content, uint64(3000), uint64(2500), uint64(12582912000))
		f.Add(content[:len(content)/2], uint64(0), uint64(1<<64-1), uint64(1))
	}
	f.Fuzz(func(t *testing.T, content string, ops, average, size uint64) {
		var s rates.Sample
		takeTables(&s, []byte(content))
		for _, d := range []rates.Counters{s.Read, s.Write} {
			for _, n := range []*uint64{d.Ops, d.Mean, d.Bytes} {
				if n != nil && !strings.ContainsAny(content, "0123456789") {
					t.Errorf("%d comes from nowhere", *n)
				}
			}
		}
		if len(content) > 1000 {
			return // the reader of lines may have ended
		}
		content += fmt.Sprintf("\n\nitem total avg_lat(us)\n---\nwrite %d %d\n\nitem total avg_sz(bytes) total_sz(bytes)\n---\nwrite %d 1 %d\n", ops, average, ops, size)
		takeTables(&s, []byte(content))
		want := rates.Counters{Ops: &ops, Mean: &average, Bytes: &size}
		volumetest.Same(t, want, s.Write)
	})
}
