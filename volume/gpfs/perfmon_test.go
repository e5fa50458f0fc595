package gpfs

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// tableOf has the reads of fs1, with the number of samples, in rows that are so many
// seconds long; the time of a row is its end.
func tableOf(seconds float64, last time.Time, reads, samples []float64) table {
	t := table{seconds: seconds, columns: map[string]map[string]int{"fs1": {readOps: 0}}}
	for i, v := range reads {
		age := float64(len(reads)-1-i) * seconds
		t.rows = append(t.rows, row{
			at:      last.Add(-time.Duration(age) * time.Second),
			values:  []rest.Float{{Value: v, Valid: samples[i] > 0}},
			samples: []rest.Float{{Value: samples[i], Valid: true}},
		})
	}
	return t
}

// The figures are of the newest bucket that all nodes have reported.
func TestNewest(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		samples []float64
		age     int // buckets; -1 for none
	}{
		{[]float64{8, 8, 8}, 0},
		{[]float64{8, 8, 0}, 1},
		{[]float64{8, 8, 5}, 1},
		{[]float64{8, 5, 2}, 2},
		{[]float64{8, 8, 6, 2, 0}, 3},
		{[]float64{8, 7, 7}, 0}, // a node is away for good
		{[]float64{8, 0, 5}, 0},
		{[]float64{0, 0}, -1},
	} {
		t.Run(fmt.Sprint(tt.samples), func(t *testing.T) {
			reads := make([]float64, len(tt.samples))
			p, at, err := tableOf(10, noon, reads, tt.samples).performance("fs1", false)
			if tt.age < 0 {
				if !errors.Is(err, volume.ErrNoSample) {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			if want := noon.Add(-time.Duration(10*tt.age) * time.Second); err != nil || !at.Equal(want) {
				t.Errorf("of %v, not %v: %v", at, want, err)
			}
		})
	}
}
