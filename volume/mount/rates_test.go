package mount

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/block"
	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/volumetest"
)

// parseMountstats reads the block of one mount point.
func parseMountstats(content []byte, point string) (rates.Sample, bool) {
	s, ok := parseNFSBlocks(content, func(listed string) bool { return listed == point })[point]
	return s, ok
}

var none = volumetest.None

// taken are samples of one moment.
func taken(at time.Time, samples ...rates.Sample) []rates.Sample {
	samples = slices.Clone(samples)
	for i := range samples {
		samples[i].At = at
	}
	return samples
}

// blockSample reads a line of diskstats.
func blockSample(t testing.TB, line string) rates.Sample {
	t.Helper()
	fields := strings.Fields(line)
	stat, err := block.ParseStat(strings.Join(fields[3:], " "))
	if err != nil {
		t.Fatal(err)
	}
	stat.Name = fields[2]
	return diskSample(stat)
}

func nfsBlock(t testing.TB, name, point string) rates.Sample {
	t.Helper()
	s, ok := parseMountstats([]byte(readTestdata(t, name)), point)
	if !ok {
		t.Fatalf("no block of %s in %s", point, name)
	}
	return s
}

// newNFSText is of a mount of NFS 4.2, by how many bytes it has read, in how many READ_PLUS.
func newNFSText(bytes, reads int) string {
	return fmt.Sprintf("device nas:/e mounted on /vfroot/nfs with fstype nfs4 statvers=1.1\n\tbytes:\t0 0 0 0 %d 0 0 0\n"+
		"\tREAD: 7 7 0 0 0 0 0 70 0\n\tREAD_PLUS: %d %d 0 0 0 0 0 %d 0\n\tWRITE: 9 9 0 0 0 0 0 90 0\n", bytes, reads, reads, 2*reads)
}

func newNFS(t testing.TB, bytes, reads int) []rates.Sample {
	t.Helper()
	s, ok := parseMountstats([]byte(newNFSText(bytes, reads)), "/vfroot/nfs")
	if !ok {
		t.Fatal("no block")
	}
	return []rates.Sample{s}
}

func TestRates(t *testing.T) {
	disk := func(line string) []rates.Sample { return []rates.Sample{blockSample(t, line)} }
	md := func(line string) []rates.Sample {
		s := blockSample(t, line)
		s.Untimed = true
		return []rates.Sample{s}
	}
	const dm0 = "253 3 dm-3 100000 2000 8000000 50000 40000 5000 6400000 160000 0 90000 210000 0 0 0 0 1200 300"
	const dm1 = "253 3 dm-3 102000 2010 12096000 53000 41000 5050 8448000 167000 1 90900 221000 0 0 0 0 1210 302"
	tests := []struct {
		name     string
		old, now []rates.Sample
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
		{"nfs", []rates.Sample{nfsBlock(t, "mountstats.t0", "/vfroot/nfs")}, []rates.Sample{nfsBlock(t, "mountstats.t1", "/vfroot/nfs")},
			[]float64{200, 100, 0, 0, 3000, 7000}},
		{"nfs 4.2", newNFS(t, 4096, 0), newNFS(t, 4505600, 20), []float64{2, 0, 450150.4, 0, 2000, none}},
		// As when a layout has the client read from the servers' disks itself.
		{"nfs, of which operations are not counted", newNFS(t, 4096, 0), newNFS(t, 4505600, 0), []float64{none, 0, 450150.4, 0, none, none}},
		{"xfs", []rates.Sample{parseXFS(readTestdata(t, "xfs_stats.t0"))}, []rates.Sample{parseXFS(readTestdata(t, "xfs_stats.t1"))},
			[]float64{300, 200, 103860000, 41300000, none, none}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, start := rates.NewMeter(10*time.Second, rates.CostsWindow), time.Now()
			if _, _, err := m.Next(taken(start, tt.old...)...); !errors.Is(err, volume.ErrNoSample) {
				t.Fatalf("the first reading gave %v, want no sample", err)
			}
			got, at, err := m.Next(taken(start.Add(10*time.Second), tt.now...)...)
			if volumetest.WantFigures(t, "the second reading", tt.want, got, err); err != nil {
				return
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
		{"reads of NFS 4.2", block + "\tREAD: 1 1 0 1 2 3 4 5 0\n\tWRITE: 9 9 0 1 2 3 4 9 0\n\tREAD_PLUS: 20 20 0 1 2 3 4 60 0\n", true, []any{21, nil, 65}},
		{"by nothing else", block + "\tREAD_PLUS: 20 20 0 1 2 3 4 60 0\n", true, []any{20, nil, 60}},
		{"one of both is no count", block + "\tREAD: 1 1 0 1 2 3 4 x 0\n\tREAD_PLUS: 20 20 0 1 2 3 4 60 0\n", true, []any{21, nil, nil}},
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
			volumetest.Same(t, tt.read, got)
		})
	}
	if _, ok := parseMountstats([]byte(tests[len(tests)-1].content), "/m x"); !ok {
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
func invariants(t *testing.T, old, now rates.Sample) {
	t.Helper()
	old.Identity, now.Identity = "x", "x"
	m, start := rates.NewMeter(10*time.Second, rates.CostsWindow), time.Now()
	_, _, _ = m.Next(taken(start, old)...)
	did, _, err := m.Next(taken(start.Add(10*time.Second), now)...)
	if err != nil {
		if !errors.Is(err, volume.ErrNoSample) {
			t.Fatal(err)
		}
		return
	}
	for i, f := range volumetest.Figures(did) {
		if f < 0 || math.IsInf(f, 0) {
			t.Fatalf("figure %d is %v for %+v after %+v", i, f, now, old)
		}
	}
	if did.LatencyReadUsec != nil && (did.IOPSRead == nil || *did.IOPSRead == 0) {
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
	f.Add(newNFSText(4096, 0), newNFSText(8192, 7))
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
		invariants(t, rates.Sample{Read: r0, Write: w0, ByteUnit: 1}, rates.Sample{Read: r1, Write: w1, ByteUnit: 1})
	})
}
