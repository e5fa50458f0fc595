package vast

import (
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

// cells are a row's counters in the order of counters; -1 is null.
func cells(minute int, counts ...int64) row {
	r := row{at: sampledAt.Add(time.Duration(minute) * time.Minute)}
	for i, c := range counts {
		if c >= 0 {
			r.counts[i] = new(uint64(c))
		}
	}
	return r
}

func TestSampleOfRows(t *testing.T) {
	const no = -1
	full := volume.Performance{
		IOPSRead: new(1.0), IOPSWrite: new(2.0), BytesRead: new(10.0), BytesWrite: new(20.0), LatencyReadUsec: new(5.0), LatencyWriteUsec: new(6.0),
	}
	bare := full
	bare.LatencyReadUsec, bare.LatencyWriteUsec = nil, nil
	third := cells(3, 180, 360, 1800, 3600, 900, 180, 2160, 360)
	second := cells(2, 120, 240, 1200, 2400, 600, 120, 1440, 240)
	first := cells(1, 60, 120, 600, 1200, 300, 60, 720, 120)
	holes := cells(3, 180, no, no, no, no, no, no, no)
	tests := []struct {
		name   string
		rows   []row
		want   volume.Performance
		at     int // minute; 0 for no sample
		window time.Duration
	}{
		{"the newest two", []row{first, third, second}, full, 3, time.Minute},
		{"the open minute has holes", []row{holes, second, first}, full, 2, time.Minute},
		{"the one before has holes", []row{third, cells(2, 120, no, no, no, no, no, no, no), first}, full, 3, 2 * time.Minute},
		{"only reads are counted", []row{cells(3, 180, no, 1800, no, 900, 180, no, no), cells(2, 120, no, 1200, no, 600, 120, no, no)},
			volume.Performance{IOPSRead: new(1.0), BytesRead: new(10.0), LatencyReadUsec: new(5.0)}, 3, time.Minute},
		{"writes are new", []row{third, cells(2, 120, no, 1200, no, 600, 120, no, no)},
			volume.Performance{IOPSRead: new(1.0), BytesRead: new(10.0), LatencyReadUsec: new(5.0)}, 3, time.Minute},
		{"a latency without operations", []row{cells(3, 120, 240, 1200, 2400, 900, 180, 2160, 360), second},
			volume.Performance{IOPSRead: new(0.0), IOPSWrite: new(0.0), BytesRead: new(0.0), BytesWrite: new(0.0)}, 3, time.Minute},
		{"bytes without operations", []row{cells(3, 120, 240, 1800, 3600, 900, 180, 2160, 360), second},
			volume.Performance{BytesRead: new(10.0), BytesWrite: new(20.0)}, 3, time.Minute},
		{"operations that were not timed", []row{cells(3, 180, 360, 1800, 3600, 600, 120, 1440, 240), second}, bare, 3, time.Minute},
		{"one went back", []row{cells(3, 180, 360, 1800, 3600, 900, 180, 2160, 200), second}, volume.Performance{}, 0, 0},
		{"nothing in common", []row{cells(3, 180, no, no, no, no, no, no, no), cells(2, no, 2, no, no, no, no, no, no)}, volume.Performance{}, 0, 0},
		{"latencies alone", []row{cells(3, no, no, no, no, 900, 180), cells(2, no, no, no, no, 600, 120)}, volume.Performance{}, 0, 0},
		{"the same minute twice", []row{third, third, second}, full, 3, time.Minute},
		{"one", []row{third}, volume.Performance{}, 0, 0},
		{"none", nil, volume.Performance{}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := sampleOf(tt.rows, microseconds)
			if ok != (tt.at > 0) {
				t.Fatalf("%v: %+v", ok, got)
			}
			volumetest.Same(t, tt.want, got.performance)
			if ok && (got.window != tt.window || !got.at.Equal(cells(tt.at).at)) {
				t.Errorf("%v, ending at %v", got.window, got.at)
			}
		})
	}
}
