package block

import (
	"strings"
	"testing"

	"storage_exporter/block/blocktest"
)

func TestBadStat(t *testing.T) {
	for _, line := range []string{"", "1 2 3", "1 2 3 4 5", "1 2 x 4", "-1 0 0 0 0 0 0 0 0 0 0", "99999999999999999999 0 0 0 0 0 0 0 0 0 0"} {
		if s, err := ParseStat(line); err == nil {
			t.Errorf("%q is read as %+v", line, s)
		}
	}
}

// Times are read where there are any; what newer kernels add changes nothing.
func FuzzStat(f *testing.F) {
	f.Add("100000 2000 8000000 50000 40000 5000 6400000 160000 0 90000 210000 0 0 0 0 1200 300")
	f.Add("1 2 3 4")
	f.Fuzz(func(t *testing.T, line string) {
		s, err := ParseStat(line)
		if err != nil {
			return
		}
		n := len(strings.Fields(line))
		if s.Timed != (n >= 11) {
			t.Errorf("%q: %+v", line, s)
		}
		if later, err := ParseStat(line + " 7"); n >= 11 && (err != nil || later != s) {
			t.Errorf("%q: %+v, with one more field %+v, %v", line, s, later, err)
		}
	})
}

const still = "1 0 8 1 2 0 8 1 0 0 0"

// What a device's counters are compared with, and where they are switched on.
func TestCounter(t *testing.T) {
	tr := blocktest.New(t)
	on := func(number, iostats string) blocktest.Device {
		return blocktest.Device{Number: number, Stat: still, IOStats: iostats}
	}
	tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:0:0", Device: on("8:0", "1")})
	tr.AddDisk(blocktest.Disk{Name: "sdb", Address: "0:0:1:0", Device: on("8:16", "0")})
	tr.AddDisk(blocktest.Disk{Name: "sdc", Address: "0:0:2:0", Device: on("8:32", "1")})
	tr.AddDisk(blocktest.Disk{Name: "sdd", Address: "0:0:3:0", Device: on("8:48", "1")})
	tr.AddPart("sdb", "sdb1", on("8:17", ""))
	tr.AddNVMe(blocktest.NVMe{Name: "nvme0", Subsystem: new(0), Spaces: []blocktest.Space{{Number: 1, Device: on("259:0", "0")}}})
	tr.Write("sys/class/block/nvme0c0n1/stat", still)
	tr.AddPart("nvme0n1", "nvme0n1p1", on("259:1", ""))
	tr.Symlink("sys/class/block/nvme0n1/multipath/nvme0c7n1", tr.Path("sys/class/block/sda"))
	tr.AddNVMe(blocktest.NVMe{Name: "nvme1", Spaces: []blocktest.Space{{Number: 1, Device: on("259:2", "0")}}})
	tr.AddMapping("dm-0", "a", "LVM-1", on("253:0", "0"), "sdd")
	tr.AddMapping("dm-1", "b", "LVM-2", on("253:1", "1"), "dm-0")
	tr.AddVirtual("dm-2", on("253:2", "1"), "dm-2") // a ring must not be walked for ever
	tr.AddVirtual("dm-3", on("253:3", "1"), "sda")
	tr.AddVirtual("dm-4", on("253:4", "1"), "sda")     // which is another's too
	tr.AddVirtual("md1", on("9:1", "1"), "sdc", "sdz") // which is not there
	tr.AddVirtual("md0", on("9:0", "1"), "sdb1")
	tr.Write("sys/class/block/md0/md/level", "raid0\n")
	s := system(tr)
	for number, want := range map[string]string{
		"8:0":   "sda",
		"8:16":  "sdb off by /sys/block/sdb/queue/iostats",
		"8:17":  "sdb1 off by /sys/block/sdb/queue/iostats",
		"9:0":   "md0 virtual same(sdb1 off by /sys/block/sdb/queue/iostats)",
		"253:0": "dm-0 virtual off by /sys/block/dm-0/queue/iostats same(sdd)",
		"253:1": "dm-1 virtual (dm-0 virtual off by /sys/block/dm-0/queue/iostats same(sdd))",
		"253:2": "dm-2 virtual",
		"253:3": "dm-3 virtual",
		"9:1":   "md1 virtual (sdc)",
		"259:0": "nvme0n1 virtual off same(nvme0c0n1, nvme0c7n1)",
		"259:1": "nvme0n1p1 virtual off part same(nvme0n1 virtual off same(nvme0c0n1, nvme0c7n1))",
		"259:2": "nvme1n1 off by /sys/block/nvme1n1/queue/iostats",
	} {
		d, ok := s.Numbered(number)
		if !ok {
			t.Fatalf("%s is not there", number)
		}
		c, err := s.Counter(d)
		if got := shown(c); err != nil || got != want || !c.Timed || c.Untimed != strings.HasPrefix(d.Name, "md") {
			t.Errorf("%s: %s, %v, want %s", number, got, err, want)
		}
	}
	tr.Remove("sys/class/block/sdd/stat")
	if c, err := s.Counter(Device{Name: "dm-0", dir: s.sys("class/block/dm-0")}); err != nil || len(c.Below) > 0 {
		t.Errorf("on what does not count: %s, %v", shown(c), err)
	}
	if _, ok := s.Numbered("8:48"); ok {
		t.Error("a device without counters is found")
	}
	if _, ok := s.Numbered("../../8:0"); ok {
		t.Error("a number leads anywhere")
	}
}

func shown(c Counter) string {
	words := []string{c.Name}
	for _, word := range []struct {
		is   bool
		word string
	}{{c.Virtual, "virtual"}, {c.Off, "off"}, {c.Switch != "", "by " + c.Switch}, {c.Part, "part"}} {
		if word.is {
			words = append(words, word.word)
		}
	}
	if len(c.Below) == 0 {
		return strings.Join(words, " ")
	}
	var below []string
	for _, b := range c.Below {
		below = append(below, shown(b))
	}
	same := ""
	if c.Same {
		same = "same"
	}
	return strings.Join(words, " ") + " " + same + "(" + strings.Join(below, ", ") + ")"
}
