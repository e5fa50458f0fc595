package overview

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/enclosure"
	"storage_exporter/smart/assess"
	"storage_exporter/zpool"
)

// randomParts are parts that hang together as little as the seed says: few
// names, WWNs and serial numbers for many drives and slots.
func randomParts(seed uint64, drives, slots, vdevs uint8) Parts {
	r := rand.New(rand.NewPCG(seed, 1))
	few := max(int(drives), 1)
	name := func() string {
		switch r.IntN(4) {
		case 0:
			return fmt.Sprintf("nvme%dn1", r.IntN(few))
		default:
			return fmt.Sprintf("sd%c", 'a'+r.IntN(min(few, 26)))
		}
	}
	maybe := func(s string) string {
		if r.IntN(3) == 0 {
			return ""
		}
		return s
	}
	some := func() []string {
		var names []string
		for range r.IntN(3) {
			names = append(names, name())
		}
		return names
	}
	var p Parts
	for i := range drives {
		m := drive(fmt.Sprintf("drive%d", i), maybe(wwn(r.IntN(few))), maybe(serial(r.IntN(few))))
		if r.IntN(2) == 0 {
			m.Label = fmt.Sprintf("sd%c%d", 'a'+i%26, i/26)
		}
		m.Paths = some()
		m.Assessment.Verdict = assess.Verdicts[r.IntN(len(assess.Verdicts))]
		if r.IntN(4) == 0 {
			unreadable(&m)
		}
		p.Drives = append(p.Drives, m)
	}
	enclosures := []enclosure.Enclosure{enclosed("a"), enclosed("b"), enclosed("a")}
	for i := range slots {
		s := slot(int(i), some(), maybe(wwn(r.IntN(few))), maybe(serial(r.IntN(few))))
		if r.IntN(5) == 0 {
			s = empty(int(i))
		}
		e := &enclosures[r.IntN(len(enclosures))]
		e.Slots = append(e.Slots, s)
	}
	p.Enclosures = snapshot(enclosures, 0)
	pools := []zpool.Pool{{Name: "a", State: "ONLINE"}, {Name: "b", State: "DEGRADED"}}
	for i := range vdevs {
		v := leaf(fmt.Sprint("v", i), "", name(), zpool.Data, "ONLINE")
		v.Devices = append(v.Devices, some()...)
		pool := &pools[r.IntN(len(pools))]
		pool.Vdevs = append(pool.Vdevs, v)
	}
	p.Pools = snapshot(pools, 0)
	if r.IntN(8) == 0 {
		p.Enclosures.Err = ErrNotObserved
	}
	return p
}

// FuzzBuild: each monitored drive is shown exactly once, all counts add up, and
// the same parts make the same overview.
func FuzzBuild(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(8), uint8(8))
	f.Add(uint64(2), uint8(0), uint8(3), uint8(3))
	f.Add(uint64(3), uint8(30), uint8(0), uint8(0))
	f.Add(uint64(4), uint8(60), uint8(90), uint8(70))
	f.Fuzz(func(t *testing.T, seed uint64, drives, slots, vdevs uint8) {
		o := Build(randomParts(seed, drives, slots, vdevs))
		shown := make(map[string]int)
		verdicts := make(map[assess.Verdict]int)
		for d := range o.Each {
			if !d.NotMonitored {
				shown[d.Device]++
				verdicts[d.Assessment.Verdict]++
			}
		}
		for _, m := range randomParts(seed, drives, slots, vdevs).Drives {
			if shown[m.Label] != 1 {
				t.Errorf("%s is shown %d times", m.Label, shown[m.Label])
			}
		}
		c := o.Counts.Drives
		if len(shown) != int(drives) || c.Total != int(drives) || c.InSlots+c.Outside != c.Total || c.InSlots < 0 {
			t.Errorf("%d drives, shown %d, counted %+v", drives, len(shown), c)
		}
		total := 0
		for v, n := range c.ByVerdict {
			total += n
			if n != verdicts[v] {
				t.Errorf("%d are %s, counted %d", verdicts[v], v, n)
			}
		}
		if total != c.Total {
			t.Errorf("the verdicts add up to %d of %d", total, c.Total)
		}
		if s := o.Counts.Slots; s != nil && (s.Total != int(slots) || s.Populated+s.Empty > s.Total) {
			t.Errorf("%d slots, counted %+v", slots, *s)
		}
		first, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(Build(randomParts(seed, drives, slots, vdevs)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(first), string(second)); diff != "" {
			t.Errorf("two overviews of the same parts:\n%s", diff)
		}
	})
}

func benchmarkParts(drives int) Parts {
	var p Parts
	var enclosures []enclosure.Enclosure
	pool := zpool.Pool{Name: "tank", State: "ONLINE"}
	for i := range drives {
		if i%26 == 0 {
			enclosures = append(enclosures, enclosed(fmt.Sprintf("0x50030480%08x", i)))
			pool.Vdevs = append(pool.Vdevs, group(fmt.Sprintf("raidz2-%d", i/26), zpool.Data, "ONLINE"))
		}
		name := fmt.Sprintf("sd%d", i)
		p.Drives = append(p.Drives, drive(name, wwn(i), serial(i)))
		e := &enclosures[len(enclosures)-1]
		e.Slots = append(e.Slots, slot(i%26, []string{name}, wwn(i), serial(i)))
		pool.Vdevs = append(pool.Vdevs, leaf(name+"1", fmt.Sprintf("raidz2-%d", i/26), name, zpool.Data, "ONLINE"))
	}
	p.Enclosures, p.Pools = snapshot(enclosures, 0), snapshot([]zpool.Pool{pool}, 0)
	return p
}

// BenchmarkBuild is linear in the number of drives.
func BenchmarkBuild(b *testing.B) {
	for _, drives := range []int{78, 250, 1000} {
		p := benchmarkParts(drives)
		b.Run(fmt.Sprint(drives), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Build(p)
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	o := Build(benchmarkParts(78))
	for b.Loop() {
		raw, err := json.Marshal(o)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(raw)))
	}
}
