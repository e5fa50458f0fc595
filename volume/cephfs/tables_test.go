package cephfs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		want    reading
	}{
		"nothing":            {"", reading{}},
		"latency":            {latency + "read 10 20 1 2 3.5\nwrite 30 40 1 2 3\n", reading{read: direction{ops: n(10), average: n(20)}, write: direction{ops: n(30), average: n(40)}}},
		"size":               {size + "read 10 4 1 9 40\n", reading{read: direction{bytes: n(40)}}},
		"other order":        {"item avg_lat(us) new total\nread 20 7 10\n", reading{read: direction{ops: n(10), average: n(20)}}},
		"largest":            {latency + "read 18446744073709551615 0 0 0 0\n", reading{read: direction{ops: n(1<<64 - 1), average: n(0)}}},
		"no numbers":         {latency + "read -1 2e3 0 0 0\nwrite 18446744073709551616 1.5 0 0 0\n", reading{}},
		"rows of no table":   {"read 1 2 3 4 5\n", reading{}},
		"row is cut short":   {latency + "read 1 2 3\n", reading{}},
		"table of counts":    {"item total miss hit\nread 1 2 3\n", reading{}},
		"table is over":      {latency + "\nread 1 2 3 4 5\n", reading{}},
		"latency, not in us": {"item total avg_lat(ns)\nread 1 2\n", reading{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got reading
			got.takeTables([]byte(tt.content))
			volumetest.Same(t, tt.want, got, cmp.AllowUnexported(reading{}, direction{}))
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
		var r reading
		r.takeTables([]byte(content))
		for _, d := range []direction{r.read, r.write} {
			for _, n := range []*uint64{d.ops, d.average, d.bytes} {
				if n != nil && !strings.ContainsAny(content, "0123456789") {
					t.Errorf("%d comes from nowhere", *n)
				}
			}
		}
		if len(content) > 1000 {
			return // the reader of lines may have ended
		}
		content += fmt.Sprintf("\n\nitem total avg_lat(us)\n---\nwrite %d %d\n\nitem total avg_sz(bytes) total_sz(bytes)\n---\nwrite %d 1 %d\n", ops, average, ops, size)
		r.takeTables([]byte(content))
		want := direction{ops: &ops, average: &average, bytes: &size}
		volumetest.Same(t, want, r.write, cmp.AllowUnexported(direction{}))
	})
}
