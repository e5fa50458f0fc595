package mount

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"storage_exporter/block"
	"storage_exporter/volume"
)

// figures are the six in the order of the type; NaN stands for absent.
func figures(p volume.Performance) []float64 {
	var all []float64
	for _, f := range []*float64{p.IOPSRead, p.IOPSWrite, p.BytesRead, p.BytesWrite, p.LatencyReadUsec, p.LatencyWriteUsec} {
		if f == nil {
			all = append(all, math.NaN())
			continue
		}
		all = append(all, *f)
	}
	return all
}

func diffFigures(want []float64, got volume.Performance) string {
	return cmp.Diff(want, figures(got), cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-9, 0))
}

var none = math.NaN()

// blockSample reads a line of diskstats.
func blockSample(t testing.TB, line string) Sample {
	t.Helper()
	fields := strings.Fields(line)
	stat, err := block.ParseStat(strings.Join(fields[3:], " "))
	if err != nil {
		t.Fatal(err)
	}
	stat.Name = fields[2]
	return diskSample(stat)
}

func nfsBlock(t testing.TB, name, point string) Sample {
	t.Helper()
	s, ok := parseMountstats([]byte(readTestdata(t, name)), point)
	if !ok {
		t.Fatalf("no block of %s in %s", point, name)
	}
	return s
}

func TestRates(t *testing.T) {
	disk := func(line string) []Sample { return []Sample{blockSample(t, line)} }
	md := func(line string) []Sample {
		s := blockSample(t, line)
		s.Untimed = true
		return []Sample{s}
	}
	const dm0 = "253 3 dm-3 100000 2000 8000000 50000 40000 5000 6400000 160000 0 90000 210000 0 0 0 0 1200 300"
	const dm1 = "253 3 dm-3 102000 2010 12096000 53000 41000 5050 8448000 167000 1 90900 221000 0 0 0 0 1210 302"
	tests := []struct {
		name     string
		old, now []Sample
		want     []float64 // nil: no sample
	}{
		{"device-mapper", disk(dm0), disk(dm1), []float64{200, 100, 209715200, 104857600, 1500, 7000}},
		{"times wrap at 32 bits",
			disk("8 0 sda 10 0 80 4294967290 5 0 40 4294967000 0 100 200"),
			disk("8 0 sda 30 0 240 14 15 0 120 704 0 130 260"),
			[]float64{2, 1, 8192, 4096, 1000, 100000}},
		{"a reset is no wrap",
			disk("8 0 sda 30 0 240 14 15 0 120 704 0 130 260"),
			disk("8 0 sda 3 0 24 2 1 0 8 1 0 3 3"), nil},
		{"a time wraps only from far up",
			disk("8 0 sda 30 0 240 1400 15 0 120 704 0 130 260"),
			disk("8 0 sda 40 0 240 14 15 0 120 704 0 130 260"), nil},
		{"nothing was done", disk(dm0), disk(dm0), []float64{0, 0, 0, 0, none, none}},
		{"a partition of an old kernel", disk("8 1 sda1 10 80 20 160"), disk("8 1 sda1 20 160 40 320"),
			[]float64{1, 2, 4096, 8192, none, none}},
		{"md without times", md("9 0 md0 10 0 80 0 20 0 160 0 0 0 0"), md("9 0 md0 20 0 160 0 40 0 320 0 0 0 0"),
			[]float64{1, 2, 4096, 8192, none, none}},
		{"md with times", md("9 0 md0 10 0 80 0 20 0 160 0 0 0 0"), md("9 0 md0 20 0 160 10 40 0 320 40 0 0 0"),
			[]float64{1, 2, 4096, 8192, 1000, 2000}},
		{"two devices add up",
			append(disk("8 0 sda 0 0 0 0 0 0 0 0 0 0 0"), disk("8 16 sdb 0 0 0 0 0 0 0 0 0 0 0")...),
			append(disk("8 0 sda 10 0 20 10 10 0 20 10 0 0 0"), disk("8 16 sdb 30 0 20 70 0 0 0 0 0 0 0")...),
			[]float64{4, 1, 2048, 1024, 2000, 1000}},
		{"one of two was reset",
			append(disk("8 0 sda 5 0 5 5 5 0 5 5 0 0 0"), disk("8 16 sdb 5 0 5 5 5 0 5 5 0 0 0")...),
			append(disk("8 0 sda 9 0 9 9 9 0 9 9 0 0 0"), disk("8 16 sdb 4 0 5 5 5 0 5 5 0 0 0")...), nil},
		{"another device of the same number", disk("253 3 dm-3 1 0 1 1 1 0 1 1 0 0 0"), disk("253 3 sdx 9 0 9 9 9 0 9 9 0 0 0"), nil},
		{"nfs", []Sample{nfsBlock(t, "mountstats.t0", "/vfroot/nfs")}, []Sample{nfsBlock(t, "mountstats.t1", "/vfroot/nfs")},
			[]float64{200, 100, 0, 0, 3000, 7000}},
		{"xfs", []Sample{parseXFS(readTestdata(t, "xfs_stats.t0"))}, []Sample{parseXFS(readTestdata(t, "xfs_stats.t1"))},
			[]float64{300, 200, 103860000, 41300000, none, none}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, start := NewMeter(10*time.Second), time.Now()
			if _, _, err := m.Next(tt.old, start); !errors.Is(err, volume.ErrNoSample) {
				t.Fatalf("the first reading gave %v, want no sample", err)
			}
			got, at, err := m.Next(tt.now, start.Add(10*time.Second))
			if tt.want == nil {
				if !errors.Is(err, volume.ErrNoSample) {
					t.Fatalf("got %v, %v; want no sample", figures(got), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := diffFigures(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !at.Equal(start.Add(10 * time.Second)) {
				t.Errorf("measured at %v", at.Sub(start))
			}
		})
	}
}

// The bytes that went over the wire, headers included, are the samples' other
// figure; ours are those of the payload.
func TestMountstatsPayload(t *testing.T) {
	s := nfsBlock(t, "mountstats.t1", "/vfroot/nfs")
	if *s.Read.Bytes != 1210214218 || *s.Write.Bytes != 520000 || s.Age != 13978 {
		t.Errorf("got %d, %d bytes at the age of %d s", *s.Read.Bytes, *s.Write.Bytes, s.Age)
	}
}

func TestMeterWindows(t *testing.T) {
	reading := func(ops uint64) []Sample {
		return []Sample{{Identity: "sda", Read: Counters{Ops: &ops}}}
	}
	start := time.Now()
	steps := []struct {
		name string
		at   time.Duration
		ops  uint64
		want float64 // NaN: no sample
	}{
		{"first", 0, 100, none},
		{"too soon, nothing before", 400 * time.Millisecond, 1000, none},
		{"the base was kept", 10 * time.Second, 1100, 100},
		{"too soon: the last rates", 10*time.Second + 499*time.Millisecond, 9000, 100},
		{"the base was kept again", 20 * time.Second, 1200, 10},
		{"half a second is enough", 20*time.Second + 500*time.Millisecond, 1300, 200},
		{"too long ago", 121 * time.Second, 9300, none},
		{"goes on from there", 131 * time.Second, 9310, 1},
		{"reset", 141 * time.Second, 5, none},
		{"no last rates after a reset", 141*time.Second + time.Millisecond, 6, none},
		{"goes on after a reset", 151 * time.Second, 15, 1},
	}
	m := NewMeter(10 * time.Second)
	for _, step := range steps {
		got, _, err := m.Next(reading(step.ops), start.Add(step.at))
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
	m, start := NewMeter(10*time.Second), time.Now()
	reading := func(age, ops uint64) []Sample {
		return []Sample{{Identity: "nfs", Age: age, Read: Counters{Ops: &ops}}}
	}
	_, _, _ = m.Next(reading(1000, 10), start)
	if _, _, err := m.Next(reading(3, 500), start.Add(10*time.Second)); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("a new mount with larger counters gave %v, want no sample", err)
	}
}

func TestMountstatsOddities(t *testing.T) {
	const block = "device nas:/e mounted on /m with fstype nfs4 statvers=1.1\n"
	tests := []struct {
		name, content string
		found         bool
		read          []any // operations, bytes, milliseconds; nil is not counted
	}{
		{"an unknown transport and short lines", block + "\txprt:\tquic 1 2\n\tbytes:\t1 2 3\n\tREAD: 7 7 0 1 2 3 4 5 0\n", true, []any{7, nil, 5}},
		{"counters below zero", block + "\tREAD: 7 7 0 1 2 18446743919241604546 4 18446743919241604546 0\n", true, []any{7, nil, nil}},
		{"over-mounted: the last block", block + "\tREAD: 1 1 0 1 2 3 4 5 0\n" + block + "\tREAD: 2 2 0 1 2 3 4 5 0\n", true, []any{2, nil, 5}},
		{"the next block is another's", block + "\tREAD: 1 1 0 1 2 3 4 5 0\n" +
			"device nas:/f mounted on /n with fstype nfs4 statvers=1.1\n\tREAD: 9 9 0 1 2 3 4 5 0\n", true, []any{1, nil, 5}},
		{"no device, of another type", "no device mounted on /m with fstype nfsd\n", false, nil},
		{"a local file system at the point", "device /dev/sda mounted on /m with fstype ext4\n", false, nil},
		{"an escaped space", "device nas:/a\\040b mounted on /m\\040x with fstype nfs statvers=1.0\n\tREAD: 7 7 0 1 2 3 4 5\n", false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, ok := parseMountstats([]byte(tt.content), "/m")
			if ok != tt.found {
				t.Fatalf("found: %v", ok)
			}
			if !ok {
				return
			}
			got := []any{plain(s.Read.Ops), plain(s.Read.Bytes), plain(s.Read.Time)}
			if diff := cmp.Diff(tt.read, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, ok := parseMountstats([]byte(tests[6].content), "/m x"); !ok {
		t.Error("an escaped mount point is not found")
	}
}

func plain(n *uint64) any {
	if n == nil {
		return nil
	}
	return int(*n)
}

// invariants are what no reading and no pair of readings may break.
func invariants(t *testing.T, old, now Sample) {
	t.Helper()
	old.Identity, now.Identity = "x", "x"
	m, start := NewMeter(10*time.Second), time.Now()
	_, _, _ = m.Next([]Sample{old}, start)
	rates, _, err := m.Next([]Sample{now}, start.Add(10*time.Second))
	if err != nil {
		if !errors.Is(err, volume.ErrNoSample) {
			t.Fatal(err)
		}
		return
	}
	for i, f := range figures(rates) {
		if f < 0 || math.IsInf(f, 0) {
			t.Fatalf("figure %d is %v for %+v after %+v", i, f, now, old)
		}
	}
	if rates.LatencyReadUsec != nil && (rates.IOPSRead == nil || *rates.IOPSRead == 0) {
		t.Fatal("a latency without operations")
	}
}

func FuzzStat(f *testing.F) {
	f.Add("100000 2000 8000000 50000 40000 5000 6400000 160000 0 90000 210000 0 0 0 0 1200 300",
		"102000 2010 12096000 53000 41000 5050 8448000 167000 1 90900 221000")
	f.Add("10 0 80 4294967290 5 0 40 4294967000 0 100 200", "1 2 3 4")
	f.Fuzz(func(t *testing.T, before, after string) {
		old, err1 := block.ParseStat(before)
		now, err2 := block.ParseStat(after)
		if err1 == nil && err2 == nil {
			invariants(t, diskSample(old), diskSample(now))
		}
	})
}

func FuzzMountstats(f *testing.F) {
	f.Add(readTestdata(f, "mountstats.t0"), readTestdata(f, "mountstats.t1"))
	f.Fuzz(func(t *testing.T, before, after string) {
		old, ok1 := parseMountstats([]byte(before), "/vfroot/nfs")
		now, ok2 := parseMountstats([]byte(after), "/vfroot/nfs")
		if ok1 && !strings.Contains(before, "nfs") {
			t.Fatal("found what is not there")
		}
		if ok1 && ok2 {
			invariants(t, old, now)
		}
	})
}

func FuzzXFS(f *testing.F) {
	f.Add(readTestdata(f, "xfs_stats.t0"), readTestdata(f, "xfs_stats.t1"))
	f.Fuzz(func(t *testing.T, before, after string) { invariants(t, parseXFS(before), parseXFS(after)) })
}

func FuzzObjset(f *testing.F) {
	const kstat = "31 1 0x01 7 2160 1 2\nname type data\ndataset_name 7 tank/vf\nwrites 4 10\nnwritten 4 4096\nreads 4 7\nnread 4 100\n"
	f.Add(kstat, kstat)
	f.Fuzz(func(t *testing.T, before, after string) {
		_, r0, w0 := parseObjset(before)
		_, r1, w1 := parseObjset(after)
		invariants(t, Sample{Read: r0, Write: w0, ByteUnit: 1}, Sample{Read: r1, Write: w1, ByteUnit: 1})
	})
}
