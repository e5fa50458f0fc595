package cephfs

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
)

// from reads a client's tables.
func from(t *testing.T, name string) rates.Sample {
	t.Helper()
	s := rates.Sample{Identity: client}
	takeTables(&s, []byte(testdata(t, name)))
	return s
}

func both(t *testing.T, dir string) rates.Sample {
	t.Helper()
	s := from(t, dir+"/latency")
	takeTables(&s, []byte(testdata(t, dir+"/size")))
	return s
}

func madeAt(s rates.Sample, at time.Time) rates.Sample {
	s.At = at
	return s
}

// The samples of every layout give what is expected of them.
func TestRates(t *testing.T) {
	var expected struct {
		Seconds    float64
		IOPSRead   float64 `json:"iops_read"`
		IOPSWrite  float64 `json:"iops_write"`
		BytesRead  float64 `json:"bytes_read_per_s"`
		BytesWrite float64 `json:"bytes_write_per_s"`
		LatRead    float64 `json:"lat_read_usec"`
		LatWrite   float64 `json:"lat_write_usec"`
	}
	if err := json.Unmarshal([]byte(testdata(t, "expected_delta.json")), &expected); err != nil {
		t.Fatal(err)
	}
	want := volume.Performance{
		IOPSRead: &expected.IOPSRead, IOPSWrite: &expected.IOPSWrite, BytesRead: &expected.BytesRead, BytesWrite: &expected.BytesWrite,
		LatencyReadUsec: &expected.LatRead, LatencyWriteUsec: &expected.LatWrite,
	}
	unsized := want
	unsized.BytesRead, unsized.BytesWrite = nil, nil
	for name, tt := range map[string]struct {
		t0, t1 rates.Sample
		want   volume.Performance
	}{
		"directory":      {both(t, "t0"), both(t, "t1"), want},
		"with copyfrom":  {both(t, "t0"), both(t, "copyfrom"), want},
		"single file":    {from(t, "t0.metrics"), from(t, "t1.metrics"), want},
		"without a size": {from(t, "t0/latency"), from(t, "t1/latency"), unsized},
	} {
		t.Run(name, func(t *testing.T) {
			m, at := rates.NewMeter(10*time.Second, rates.CostsWindow), time.Now()
			if _, _, err := m.Next(madeAt(tt.t0, at)); !errors.Is(err, volume.ErrNoSample) {
				t.Fatal(err)
			}
			if _, _, err := m.Next(madeAt(tt.t1, at.Add(time.Millisecond))); !errors.Is(err, volume.ErrNoSample) {
				t.Fatal(err) // too early to tell
			}
			at = at.Add(time.Duration(expected.Seconds * float64(time.Second)))
			got, measured, err := m.Next(madeAt(tt.t1, at))
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || !measured.Equal(at) {
				t.Errorf("%v, at %v (-want +got):\n%s", err, measured, diff)
			}
			// Asked again at once, it is what was measured.
			again, measured, err := m.Next(madeAt(tt.t1, at.Add(time.Millisecond)))
			if diff := cmp.Diff(tt.want, again); diff != "" || err != nil || !measured.Equal(at) {
				t.Errorf("again: %v, at %v (-want +got):\n%s", err, measured, diff)
			}
			// Without any operation since, there is no latency.
			idle, _, err := m.Next(madeAt(tt.t1, at.Add(10*time.Second)))
			if err != nil || *idle.IOPSRead != 0 || idle.LatencyReadUsec != nil || idle.LatencyWriteUsec != nil {
				t.Errorf("idle: %v, %+v", err, idle)
			}
		})
	}
}

// Another client counts from another zero, also where its counters are larger;
// a mean that goes down is no reason to lose a window.
func TestBreaks(t *testing.T) {
	t0, t1 := both(t, "t0"), both(t, "t1")
	other := t1
	other.Identity = fsid + ".client4151"
	lower := t1
	lower.Read.Mean = new(uint64(400)) // 3000·400 < 1000·1500
	for name, tt := range map[string]struct {
		base, now rates.Sample
		later     time.Duration
		lost      bool
	}{
		"another client":   {t0, other, 10 * time.Second, true},
		"counters go back": {t1, t0, 10 * time.Second, true},
		"long ago":         {t0, t1, 200 * time.Second, true},
		"lower mean":       {t0, lower, 10 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, at := rates.NewMeter(10*time.Second, rates.CostsWindow), time.Now()
			_, _, _ = m.Next(madeAt(tt.base, at))
			p, _, err := m.Next(madeAt(tt.now, at.Add(tt.later)))
			if tt.lost != errors.Is(err, volume.ErrNoSample) {
				t.Fatalf("%+v, %v", p, err)
			}
			if !tt.lost && (*p.IOPSRead != 200 || p.LatencyReadUsec != nil || p.LatencyWriteUsec == nil) {
				t.Errorf("%+v", p)
			}
		})
	}
}
