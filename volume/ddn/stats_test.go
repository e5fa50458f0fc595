package ddn

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

var none = volumetest.None

// at makes a statistics file that was taken so many seconds after the start.
func at(seconds float64, lines ...string) string {
	return fmt.Sprintf("snapshot_time %.9f secs.nsecs\n", 1768000000+seconds) + strings.Join(lines, "\n") + "\n"
}

func TestRates(t *testing.T) {
	const started = "start_time 1767000000.000000000 secs.nsecs"
	read := func(n, bytes int) string { return fmt.Sprintf("read_bytes %d samples [bytes] 1 9 %d", n, bytes) }
	write := func(n, bytes int) string { return fmt.Sprintf("write_bytes %d samples [bytes] 1 9 %d", n, bytes) }
	took := func(n, usec int) string { return fmt.Sprintf("read %d samples [usec] 1 9 %d 9", n, usec) }
	tests := []struct {
		name     string
		old, now string
		want     []float64 // nil: no sample
	}{
		{"2.15", sample(t, "t0_llite_stats_2.15.txt"), sample(t, "t1_llite_stats_2.15.txt"),
			[]float64{200, 100, 838860800, 419430400, 3000, 7000}},
		{"2.10 counts no times", at(0, read(10, 1000), write(20, 2000), "open 5 samples [regs]"), at(10, read(30, 5000), write(20, 2000)),
			[]float64{2, 0, 400, 0, none, none}},
		{"a line without times, of 2.10", at(0, read(10, 1000), "read 10 samples [regs]"), at(10, read(30, 5000), "read 30 samples [regs]"),
			[]float64{2, 0, 400, 0, none, none}},
		{"calls that move nothing take time", at(0, read(10, 1000), took(20, 100)), at(10, read(20, 2000), took(40, 700)),
			[]float64{1, 0, 100, 0, 30, none}},
		{"bytes are not counted, times are", at(0, took(20, 100)), at(10, took(40, 700)), []float64{2, 0, none, 0, 30, none}},
		{"idle", at(0, "statfs 4 samples [usecs] 0 1 2 3"), at(10, "statfs 4 samples [usecs] 0 1 2 3"),
			[]float64{0, 0, 0, 0, none, none}},
		{"the first reads", at(0), at(10, read(10, 1000), took(10, 500)), []float64{1, 0, 100, 0, 50, none}},
		{"nothing new", at(0, read(1, 1), took(1, 9)), at(10, read(1, 1), took(1, 9)), []float64{0, 0, 0, 0, none, none}},
		{"a damaged line is not zero", at(0, "read_bytes x samples [bytes] 1 9 y", write(1, 10)), at(10, "read_bytes", write(11, 20)),
			[]float64{none, 1, none, 1, none, none}},
		{"bytes in another unit", at(0, "read_bytes 1 samples [pages] 1 1 1"), at(10, "read_bytes 11 samples [pages] 1 1 11"),
			[]float64{1, 0, none, 0, none, none}},
		{"the file's own time counts", at(0, read(0, 0)), at(10.25, read(41, 41)), []float64{4, 0, 4, 0, none, none}},
		{"somebody set the clock back", at(0, read(0, 0)), at(-3600, read(40, 40)), []float64{4, 0, 4, 0, none, none}},
		{"cleared", at(0, read(10, 1000)), at(10, read(1, 10)), nil},
		{"cleared, and nothing since", at(0, read(10, 1000)), at(10), nil},
		{"cleared, and more than before since", at(0, started, read(10, 1000)),
			at(10, "start_time 1768000001.000000000 secs.nsecs", read(1000, 100000)), nil},
		{"cleared, with a colon", at(0, "elapsed_time: 500.1 secs.nsecs", read(10, 1000)),
			at(10, "elapsed_time: 9.1 secs.nsecs", read(1000, 100000)), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, start := newMeter(10*time.Second), time.Now()
			next := func(content string, after time.Duration) (volume.Performance, time.Time, error) {
				s, err := parseStats([]byte(content))
				if err != nil {
					t.Fatal(err)
				}
				return m.next([]reading{{"exa1-ff", s}}, start.Add(after))
			}
			if _, _, err := next(tt.old, 0); !errors.Is(err, volume.ErrNoSample) {
				t.Fatalf("the first reading: %v", err)
			}
			got, when, err := next(tt.now, 10*time.Second)
			if volumetest.WantFigures(t, "the second reading", tt.want, got, err); err != nil {
				return
			}
			if off := when.Sub(start.Add(10 * time.Second)).Abs(); off > maxDrift {
				t.Errorf("measured %v off", off)
			}
		})
	}
}

// Two mounts of one file system add up; a new one, or a remount, is a new beginning.
func TestRatesOfMounts(t *testing.T) {
	reads := func(seconds float64, n int) stats {
		s, err := parseStats([]byte(at(seconds, fmt.Sprintf("read_bytes %d samples [bytes] 1 9 %d", n, 10*n),
			fmt.Sprintf("read %d samples [usec] 1 9 %d", n, 100*n))))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	m, start := newMeter(10*time.Second), time.Now()
	next := func(seconds int, r ...reading) []float64 {
		p, _, err := m.next(r, start.Add(time.Duration(seconds)*time.Second))
		if errors.Is(err, volume.ErrNoSample) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		return volumetest.Figures(p)
	}
	steps := []struct {
		readings []reading
		want     []float64
	}{
		{[]reading{{"exa1-1", reads(0, 10)}}, nil},
		{[]reading{{"exa1-1", reads(10, 20)}, {"exa1-2", reads(10, 0)}}, nil},
		{[]reading{{"exa1-1", reads(20, 30)}, {"exa1-2", reads(20, 30)}}, []float64{4, 0, 40, 0, 100, none}},
		{[]reading{{"exa1-1", reads(30, 31)}, {"exa1-3", reads(30, 40)}}, nil},
		{[]reading{{"exa1-1", reads(40, 32)}, {"exa1-3", reads(40, 40)}}, []float64{0.1, 0, 1, 0, 100, none}},
	}
	for i, step := range steps {
		if diff := cmp.Diff(step.want, next(10*i, step.readings...), cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-6, 0)); diff != "" {
			t.Errorf("reading %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestNoStats(t *testing.T) {
	for _, content := range []string{"", "healthy\n", "read_bytes 1 samples [bytes] 1 1 1\n", "snapshot_time x secs.nsecs\n", "snapshot_time -5.1 secs.nsecs\n",
		"snapshot_time 99999999999999999.1 secs.nsecs\n"} {
		if s, err := parseStats([]byte(content)); !errors.Is(err, errNoStats) {
			t.Errorf("%q is %+v, %v", content, s, err)
		}
	}
}

func FuzzStats(f *testing.F) {
	for _, name := range []string{"t0_llite_stats_2.15.txt", "llite_stats_2.10.txt", "llite_stats_idle_client.txt", "lctl_get_param_llite.txt", "osc_import_full.txt"} {
		f.Add([]byte(sample(f, name)))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := parseStats(content)
		if err != nil {
			return
		}
		if s.taken.IsZero() {
			t.Error("accepted without a time")
		}
		// The same reading twice: whatever is told is zero, and nothing is told that was not read.
		m, now := newMeter(10*time.Second), time.Now()
		if _, _, err := m.next([]reading{{"f-1", s}}, now); !errors.Is(err, volume.ErrNoSample) {
			t.Fatalf("the first reading: %v", err)
		}
		p, _, err := m.next([]reading{{"f-1", s}}, now.Add(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range volumetest.Figures(p) {
			if f != 0 && !math.IsNaN(f) {
				t.Errorf("figure %d is %v", i, f)
			}
		}
		if p.LatencyReadUsec != nil || p.LatencyWriteUsec != nil {
			t.Error("a latency without operations")
		}
		if !bytes.Contains(content, []byte("read")) && (p.IOPSRead == nil || p.BytesRead == nil) {
			t.Error("what never happened is zero")
		}
	})
}

func BenchmarkStats(b *testing.B) {
	content := []byte(sample(b, "t0_llite_stats_2.15.txt"))
	for b.Loop() {
		if _, err := parseStats(content); err != nil {
			b.Fatal(err)
		}
	}
}
