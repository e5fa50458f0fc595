package rates

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// The latency of a window out of two means of everything before.
func TestMeans(t *testing.T) {
	of := func(ops, average uint64) Counters { return Counters{Ops: &ops, Mean: &average} }
	for name, tt := range map[string]struct {
		base, now Counters
		want      *float64
	}{
		"new mount":                  {of(0, 0), of(100, 500), new(500.0)},
		"changed":                    {of(1000, 1500), of(3000, 2500), new(3000.0)},
		"wrong by a tenth":           {of(1000, 1000), of(1020, 1000), new(1000.0)}, // 2020/20 µs
		"wrong by a fifth":           {of(1000, 505), of(1020, 505), new(505.0)},
		"wrong by more":              {of(1000, 504), of(1020, 504), nil},
		"old mount, few operations":  {of(1_000_000, 1500), of(1_000_010, 1500), nil},
		"old mount, many operations": {of(1_000_000, 1500), of(2_000_000, 1500), new(1500.0)},
		"rounded below zero":         {of(1_000_000_000, 1500), of(1_000_001_000, 1499), nil},
		"nothing done":               {of(1000, 1500), of(1000, 1500), nil},
		"fewer than before":          {of(1000, 1500), of(900, 1500), nil},
		"no mean":                    {Counters{Ops: new(uint64(1))}, Counters{Ops: new(uint64(2))}, nil},
		"no base":                    {Counters{}, of(100, 500), nil},
		"largest":                    {of(0, 0), of(1<<63, 1<<63), new(float64(1 << 63))},
	} {
		t.Run(name, func(t *testing.T) {
			got := between([]pair{{Sample{At: start, Read: tt.base}, Sample{At: start.Add(time.Second), Read: tt.now}}}, CostsWindow)
			if got == nil {
				got = &volume.Performance{}
			}
			if diff := cmp.Diff(tt.want, got.LatencyReadUsec); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
