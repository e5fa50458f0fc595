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

const still, moving = "1 0 8 1 2 0 8 1 0 0 0", "9 0 72 9 2 0 8 1 0 0 0"

// Whose counters count: a device that was switched off does not, but for
// device-mapper and md whose counters moved. One that does not speaks for all.
func TestCounting(t *testing.T) {
	tr := blocktest.New(t)
	tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:0:0", Device: blocktest.Device{Number: "8:0", Stat: still, IOStats: "1"}})
	tr.AddDisk(blocktest.Disk{Name: "sdb", Address: "0:0:1:0", Device: blocktest.Device{Number: "8:16", Stat: still, IOStats: "0"}})
	tr.AddPart("sdb", "sdb1", blocktest.Device{Number: "8:17", Stat: still})
	tr.AddVirtual("dm-0", blocktest.Device{Number: "253:0", Stat: still, IOStats: "0"})
	tr.AddVirtual("md0", blocktest.Device{Number: "9:0", Stat: still, IOStats: "0"})
	s := system(tr)
	tests := []struct {
		numbers, still, moved string // without and after movement of all
	}{
		{"8:0", "", ""},
		{"8:16", "sdb", "sdb"},
		{"8:17", "sdb1", "sdb1"},
		{"253:0", "dm-0", ""},
		{"9:0", "md0", ""},
		{"253:0 8:0", "dm-0", ""},
		{"253:0 8:16", "sdb", "sdb"},
	}
	counting := make([]Counting, len(tests))
	read := func(i int) string {
		t.Helper()
		var devices []Device
		for number := range strings.FieldsSeq(tests[i].numbers) {
			d, ok := s.Numbered(number)
			if !ok {
				t.Fatalf("%s is not there", number)
			}
			devices = append(devices, d)
		}
		stats, still, err := counting[i].Read(devices)
		if err != nil || len(stats) != len(devices) || !stats[0].Timed || stats[0].Untimed != (stats[0].Name == "md0") {
			t.Errorf("%s: %+v, %v", tests[i].numbers, stats, err)
		}
		return still
	}
	for range 2 {
		for i, tt := range tests {
			if got := read(i); got != tt.still {
				t.Errorf("%s: %q stands still, want %q", tt.numbers, got, tt.still)
			}
		}
	}
	for _, name := range []string{"sda", "sdb", "sdb1", "dm-0", "md0"} {
		tr.Write("sys/class/block/"+name+"/stat", moving)
	}
	for range 2 { // once moved, believed for good
		for i, tt := range tests {
			if got := read(i); got != tt.moved {
				t.Errorf("%s moved: %q stands still, want %q", tt.numbers, got, tt.moved)
			}
		}
	}
	// Another device under the number is another counter.
	tr.Link("sys/dev/block/253:0", "sys/class/block/md0")
	if got := read(3); got != "md0" {
		t.Errorf("another device: %q stands still", got)
	}
	tr.Remove("sys/class/block/sda/stat")
	if _, ok := s.Numbered("8:0"); ok {
		t.Error("a device without counters is found")
	}
	if _, ok := s.Numbered("../../8:0"); ok {
		t.Error("a number leads anywhere")
	}
}
