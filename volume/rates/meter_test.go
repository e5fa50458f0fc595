package rates

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
)

func TestMeterWindows(t *testing.T) {
	steps := []struct {
		name string
		at   time.Duration
		ops  uint64
		want float64 // NaN: no sample
	}{
		{"first", 0, 100, math.NaN()},
		{"too soon, nothing before", 400 * time.Millisecond, 1000, math.NaN()},
		{"the base was kept", 10 * time.Second, 1100, 100},
		{"too soon: the last rates", 10*time.Second + 499*time.Millisecond, 9000, 100},
		{"the base was kept again", 20 * time.Second, 1200, 10},
		{"half a second is enough", 20*time.Second + 500*time.Millisecond, 1300, 200},
		{"too long ago", 121 * time.Second, 9300, math.NaN()},
		{"goes on from there", 131 * time.Second, 9310, 1},
		{"reset", 141 * time.Second, 5, math.NaN()},
		{"no last rates after a reset", 141*time.Second + time.Millisecond, 6, math.NaN()},
		{"goes on after a reset", 151 * time.Second, 15, 1},
	}
	m := NewMeter(10*time.Second, CostsWindow)
	for _, step := range steps {
		got, _, err := m.Next(Sample{Identity: "sda", At: start.Add(step.at), Read: Counters{Ops: &step.ops}})
		switch {
		case math.IsNaN(step.want):
			if !errors.Is(err, volume.ErrNoSample) {
				t.Fatalf("%s: %v, want no sample", step.name, err)
			}
		case err != nil:
			t.Fatalf("%s: %v", step.name, err)
		case math.Abs(*got.IOPSRead-step.want) > 1e-9:
			t.Fatalf("%s: %v/s, want %v", step.name, *got.IOPSRead, step.want)
		}
	}
}

func TestMeterRemount(t *testing.T) {
	m := NewMeter(10*time.Second, CostsWindow)
	_, _, _ = m.Next(Sample{At: start, Age: 1000, Read: Counters{Ops: new(uint64(10))}})
	if _, _, err := m.Next(Sample{At: start.Add(10 * time.Second), Age: 3, Read: Counters{Ops: new(uint64(500))}}); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("a new mount with larger counters gave %v, want no sample", err)
	}
}

// What comes and goes by itself does not break the figures of the others; time that
// is counted of other operations makes a latency of those.
func TestCostsSample(t *testing.T) {
	m := NewMeter(10*time.Second, CostsSample)
	share := func(id string, seconds int, ops, timed, usec uint64) Sample {
		return Sample{Identity: id, At: start.Add(time.Duration(seconds) * time.Second), Read: Counters{Ops: &ops, Timed: &timed, Time: &usec}}
	}
	for _, step := range []struct {
		name         string
		samples      []Sample
		ops, latency float64 // NaN: none
	}{
		{"the first", []Sample{share("a", 0, 10, 0, 0)}, math.NaN(), math.NaN()},
		{"b comes", []Sample{share("b", 10, 500, 0, 0), share("a", 10, 20, 5, 100)}, 1, 20},
		{"both", []Sample{share("a", 20, 30, 6, 110), share("b", 20, 600, 4, 200)}, 11, 42},
		{"a begins anew", []Sample{share("a", 30, 3, 0, 0), share("b", 30, 700, 4, 200)}, 10, math.NaN()},
		{"b goes", []Sample{share("a", 40, 13, 0, 0)}, 1, math.NaN()},
		{"nobody", nil, math.NaN(), math.NaN()},
	} {
		p, _, err := m.Next(step.samples...)
		if errors.Is(err, volume.ErrNoSample) != math.IsNaN(step.ops) {
			t.Fatalf("%s: %v", step.name, err)
		}
		if err == nil && *p.IOPSRead != step.ops || (p.LatencyReadUsec == nil) != math.IsNaN(step.latency) || p.LatencyReadUsec != nil && *p.LatencyReadUsec != step.latency {
			t.Errorf("%s: %+v", step.name, p)
		}
	}
}

// A figure that one of the parts does not report would be too small as a sum; an
// idle part has no latency, and takes none from the others.
func TestSum(t *testing.T) {
	none := math.NaN()
	p := func(ops, bytes, usec float64) pair {
		counters := func(sign float64) (c Counters) {
			of := func(n float64) *uint64 {
				if math.IsNaN(n) {
					return nil
				}
				return new(uint64(1000 + sign*n))
			}
			return Counters{Ops: of(ops), Bytes: of(bytes), Time: of(usec)}
		}
		return pair{Sample{At: start, Read: counters(0)}, Sample{At: start.Add(time.Second), Read: counters(1)}}
	}
	for name, tt := range map[string]struct {
		parts []pair
		want  []float64 // of the reads
	}{
		"one":            {[]pair{p(2, 20, 10)}, []float64{2, 20, 5}},
		"weighted":       {[]pair{p(1, 10, 100), p(9, 90, 1800)}, []float64{10, 100, 190}},
		"idle":           {[]pair{p(0, 0, 0), p(9, 90, 1800)}, []float64{9, 90, 200}},
		"idle, no time":  {[]pair{p(0, 0, none), p(9, 90, 1800)}, []float64{9, 90, 200}},
		"all idle":       {[]pair{p(0, 0, 0), p(0, 0, none)}, []float64{0, 0, none}},
		"bytes, no ops":  {[]pair{p(0, 10, 0), p(9, 90, 1800)}, []float64{none, 100, none}},
		"ops, no bytes":  {[]pair{p(2, 0, 10)}, []float64{2, 0, 5}},
		"ops not told":   {[]pair{p(none, 10, none), p(9, 90, 1800)}, []float64{none, 100, none}},
		"bytes not told": {[]pair{p(1, none, 100), p(1, 90, 200)}, []float64{2, none, 150}},
		"time not told":  {[]pair{p(1, 10, none), p(9, 90, 1800)}, []float64{10, 100, none}},
	} {
		t.Run(name, func(t *testing.T) {
			all := between(tt.parts, CostsSample)
			var got []float64
			for _, f := range []*float64{all.IOPSRead, all.BytesRead, all.LatencyReadUsec} {
				got = append(got, none)
				if f != nil {
					got[len(got)-1] = *f
				}
			}
			if diff := cmp.Diff(fmt.Sprint(tt.want), fmt.Sprint(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Sums of rates are as those of counters: latencies weigh by their operations, and
// what one does not know nobody knows.
func TestSumOfRates(t *testing.T) {
	p := func(ops, bytes, usec *float64) volume.Performance {
		return volume.Performance{IOPSRead: ops, BytesRead: bytes, LatencyReadUsec: usec, IOPSWrite: usec, BytesWrite: bytes, LatencyWriteUsec: ops}
	}
	for name, tt := range map[string]struct {
		parts []volume.Performance
		want  volume.Performance
	}{
		"nobody": {nil, volume.Performance{}},
		"one":    {[]volume.Performance{p(new(1.0), new(2.0), new(3.0))}, p(new(1.0), new(2.0), new(3.0))},
		"weighted": {[]volume.Performance{p(new(1.0), new(10.0), new(100.0)), p(new(9.0), new(90.0), new(200.0))}, volume.Performance{
			IOPSRead: new(10.0), BytesRead: new(100.0), LatencyReadUsec: new(190.0), IOPSWrite: new(300.0), BytesWrite: new(100.0), LatencyWriteUsec: new(1900.0 / 300),
		}},
		"one rests":         {[]volume.Performance{{IOPSRead: new(0.0), BytesRead: new(0.0)}, {IOPSRead: new(4.0), BytesRead: new(8.0), LatencyReadUsec: new(5.0)}}, volume.Performance{IOPSRead: new(4.0), BytesRead: new(8.0), LatencyReadUsec: new(5.0)}},
		"one knows less":    {[]volume.Performance{{IOPSRead: new(1.0)}, {IOPSRead: new(4.0), BytesRead: new(8.0), LatencyReadUsec: new(5.0)}}, volume.Performance{IOPSRead: new(5.0)}},
		"one knows nothing": {[]volume.Performance{{}, {IOPSRead: new(4.0), BytesRead: new(8.0)}}, volume.Performance{}},
	} {
		if diff := cmp.Diff(tt.want, Sum(tt.parts...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
