package rates

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// counted is a reading so many seconds after noon.
func counted(id string, seconds float64, read, write Counters) Sample {
	return Sample{Identity: id, At: noon.Add(time.Duration(seconds * float64(time.Second))), Read: read, Write: write}
}

func n(ops, bytes, usec uint64) Counters {
	return Counters{Ops: &ops, Bytes: &bytes, Time: &usec}
}

func TestCostsFigure(t *testing.T) {
	all := volume.Performance{
		IOPSRead: new(100.0), BytesRead: new(4096.0), LatencyReadUsec: new(500.0), IOPSWrite: new(50.0), BytesWrite: new(512.0), LatencyWriteUsec: new(800.0),
	}
	readOnly := volume.Performance{IOPSRead: all.IOPSRead, BytesRead: all.BytesRead, LatencyReadUsec: all.LatencyReadUsec}
	first := counted("u", 0, n(10, 20, 30), n(1, 2, 3))
	second := counted("u", 60, n(6010, 245780, 3000030), n(3001, 30722, 2400003))
	twin := func(c Sample, id string) Sample { c.Identity = id; return c }
	tests := []struct {
		name     string
		readings [][]Sample
		want     *volume.Performance // of the last; nil for no sample
	}{
		{"the first", [][]Sample{{first}}, nil},
		{"two", [][]Sample{{first}, {second}}, &all},
		{"the same again", [][]Sample{{first}, {second}, {second}}, &all},
		{"the first again", [][]Sample{{first}, {first}}, nil},
		{"too soon keeps the base", [][]Sample{{first}, {counted("u", 0.4, n(11, 21, 31), n(1, 2, 3))}, {second}}, &all},
		{"time goes back", [][]Sample{{second}, {first}}, nil},
		{"another object", [][]Sample{{first}, {twin(second, "v")}}, nil},
		{"an object that came back", [][]Sample{{first}, {twin(second, "v")}, {second}}, nil},
		{"writes began anew", [][]Sample{{counted("u", 0, n(10, 20, 30), n(9000, 90000, 9000000))}, {second}}, &readOnly},
		{"writes were zero", [][]Sample{{counted("u", 0, n(10, 20, 30), n(0, 0, 0))}, {second}}, &readOnly},
		{"writes not told", [][]Sample{{counted("u", 0, n(10, 20, 30), Counters{})}, {second}}, &readOnly},
		{"nothing is good", [][]Sample{{counted("u", 0, n(9000000, 900000000, 900000000), n(0, 0, 0))}, {second}}, nil},
		{"idle", [][]Sample{{first}, {counted("u", 60, first.Read, first.Write)}}, &volume.Performance{
			IOPSRead: new(0.0), BytesRead: new(0.0), IOPSWrite: new(0.0), BytesWrite: new(0.0),
		}},
		{"too long ago", [][]Sample{{first}, {counted("u", 601, second.Read, second.Write)}}, nil},
		{"no counters", [][]Sample{{first}, {}}, nil},
		{"members, in any order", [][]Sample{{first, twin(first, "v")}, {twin(second, "v"), second}}, &volume.Performance{
			IOPSRead: new(200.0), BytesRead: new(8192.0), LatencyReadUsec: new(500.0), IOPSWrite: new(100.0), BytesWrite: new(1024.0), LatencyWriteUsec: new(800.0),
		}},
		{"a member is away", [][]Sample{{first, twin(first, "v")}, {second}}, nil},
		{"a member moved on alone", [][]Sample{{first, twin(first, "v")}, {second, twin(first, "v")}}, nil},
		{"members weigh by their operations", [][]Sample{
			{counted("a", 0, n(1, 1, 1), n(1, 1, 1)), counted("b", 0, n(1, 1, 1), n(1, 1, 1))},
			{counted("a", 10, n(91, 1, 90*100+1), n(1, 1, 1)), counted("b", 20, n(11, 1, 10*1100+1), n(1, 1, 1))},
		}, &volume.Performance{
			IOPSRead: new(9.5), BytesRead: new(0.0), LatencyReadUsec: new(200.0), IOPSWrite: new(0.0), BytesWrite: new(0.0),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			meters := NewMeters(time.Minute, CostsFigure)
			var got volume.Performance
			var at time.Time
			var err error
			for _, reading := range tt.readings {
				got, at, err = meters.Next("v", reading...)
			}
			if tt.want == nil {
				if !errors.Is(err, volume.ErrNoSample) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if diff := cmp.Diff(*tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if last := tt.readings[len(tt.readings)-1]; len(last) == 1 && !at.Equal(last[0].At) {
				t.Errorf("at %v, not %v", at, last[0].At)
			}
		})
	}
	meters := NewMeters(time.Minute, CostsFigure)
	_, _, _ = meters.Next("v", first)
	_, _, _ = meters.Next("other", first)
	meters.Drop("v")
	if _, _, err := meters.Next("v", second); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("a base that was dropped: %v", err)
	}
	if got, _, err := meters.Next("other", second); err != nil || *got.IOPSRead != 100 {
		t.Errorf("%v", err)
	}
}

// Two readings of any counters never make a rate that cannot be.
func FuzzRates(f *testing.F) {
	f.Add(uint64(1), uint64(2), int64(1000), uint64(3), uint64(4))
	f.Add(^uint64(0), uint64(0), int64(-1), uint64(0), ^uint64(0))
	f.Fuzz(func(t *testing.T, ops, usec uint64, millis int64, moreOps, moreUsec uint64) {
		meters := NewMeters(time.Minute, CostsFigure)
		_, _, _ = meters.Next("v", Sample{At: noon, Read: n(ops, ops, usec)})
		got, _, err := meters.Next("v", Sample{At: noon.Add(time.Duration(millis) * time.Millisecond), Read: n(moreOps, moreUsec, moreUsec)})
		if err != nil {
			return
		}
		for _, v := range []*float64{got.IOPSRead, got.BytesRead, got.LatencyReadUsec} {
			if v != nil && !(*v >= 0 && *v < 1e20) {
				t.Errorf("%v", *v)
			}
		}
		if got.IOPSWrite != nil || got.LatencyWriteUsec != nil {
			t.Error("writes were never counted")
		}
	})
}
