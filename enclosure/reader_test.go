package enclosure

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/enclosure/enclosuretest"
)

func reader(tr *enclosuretest.Tree) *Reader { return NewReader(tr.Sysfs(), tr.Udev(), nil, nil) }

func read(t testing.TB, r *Reader) []Enclosure {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	list, err := r.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// one is the only enclosure of a tree.
func one(t testing.TB, tr *enclosuretest.Tree) Enclosure {
	t.Helper()
	list := read(t, reader(tr))
	if len(list) != 1 {
		t.Fatalf("%d enclosures, want one: %+v", len(list), list)
	}
	return list[0]
}

// brief is a slot in a line, with - for what is not known.
func brief(s Slot) string {
	flag := func(b *bool) string {
		switch {
		case b == nil:
			return "-"
		case *b:
			return "1"
		}
		return "0"
	}
	power := "-"
	if s.Power != nil {
		power = *s.Power
	}
	return fmt.Sprintf("%s|%s|fault %s|locate %s|power %s|populated %s|%s|%s|%s",
		s.Slot, s.Status, flag(s.Fault), flag(s.Locate), power, flag(s.Populated), strings.Join(s.Devices, ","), s.WWN, s.Serial)
}

func briefs(e Enclosure) []string {
	var lines []string
	for _, s := range e.Slots {
		lines = append(lines, brief(s))
	}
	return lines
}

func compare(t *testing.T, e Enclosure, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, briefs(e)); diff != "" {
		t.Errorf("slots of %s (-want +got):\n%s", e.ID, diff)
	}
}

func TestRead(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.AddDisk(enclosuretest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000C500A0000001", Serial: "EX0001", Model: "EXAMPLE 18TB    ", SAS: "0x5000c500a0000002"})
	tr.AddShelf(enclosuretest.Shelf{
		Address: "0:0:10:0", ID: "0x5003048000000abc", Vendor: "EXAMPLE ", Model: "JBOD-2          ", Rev: "0104",
		Bays: []enclosuretest.Bay{
			{Name: "Slot 01", Slot: "1", Status: "OK", Fault: "4", Locate: "1", Power: "on", Disk: "sda"},
			{Name: "Slot 02", Slot: "2", Status: "not installed", Fault: "0", Locate: "0", Power: "off"},
		},
	})
	want := []Enclosure{{
		ID: "0x5003048000000abc", Vendor: "EXAMPLE", Model: "JBOD-2", Revision: "0104", Paths: []string{"0:0:10:0"}, AnsweredBy: "0:0:10:0",
		Slots: []Slot{
			{
				Slot: "1", Number: new(1), Name: "Slot 01", Status: OK, Fault: new(true), Locate: new(true), Power: new("on"), Populated: new(true),
				Device: "sda", Devices: []string{"sda"}, SASAddress: "0x5000c500a0000002",
				WWN: "0x5000c500a0000001", Model: "EXAMPLE 18TB", Serial: "EX0001",
			},
			{Slot: "2", Number: new(2), Name: "Slot 02", Status: NotInstalled, Fault: new(false), Locate: new(false), Power: new("off"), Populated: new(false)},
		},
	}}
	if diff := cmp.Diff(want, read(t, reader(tr))); diff != "" {
		t.Errorf("enclosures (-want +got):\n%s", diff)
	}
}

func TestReadHostWithoutEnclosures(t *testing.T) {
	tr := enclosuretest.New(t)
	for range 2 { // without the class, then with an empty one
		if list := read(t, reader(tr)); list == nil || len(list) != 0 {
			t.Errorf("got %v, want an empty list", list)
		}
		tr.Dir("sys/class/enclosure")
	}
	r := reader(tr)
	r.sysfs = tr.Path("elsewhere")
	if list, err := r.Read(t.Context()); err == nil {
		t.Errorf("no sysfs at all: got %v", list)
	}
	tr.Remove("sys/class/enclosure")
	tr.Write("sys/class/enclosure", "")
	if list, err := reader(tr).Read(t.Context()); err == nil {
		t.Errorf("a file in the class's place: got %v", list)
	}
}

// Vendors' habits with the names and numbers of slots.
func TestSlotLabels(t *testing.T) {
	type bays [][2]string // name, number
	tests := []struct {
		name string
		bays bays
		want string
	}{
		{"from zero", bays{{"Slot 00", "0"}, {"Slot 01", "1"}}, "0 1"},
		{"from one", bays{{"Slot 01", "1"}, {"Slot 02", "2"}, {"Slot 10", "10"}}, "1 2 10"},
		{"no numbers", bays{{"ArrayDevice00", ""}, {"ArrayDevice01", ""}}, "ArrayDevice00 ArrayDevice01"},
		{"minus one", bays{{"0", "-1"}, {"1", "-1"}, {"10", "-1"}, {"2", "-1"}}, "0 1 2 10"},
		{"blanks around", bays{{"SLOT 000  ", "-1"}, {"SLOT 001  ", "-1"}}, "SLOT 000|SLOT 001"},
		{"blanks and colons", bays{{"SLOT:  1 [A,1:2]", "-1"}}, "SLOT:  1 [A,1:2]"},
		{"repeated", bays{{"Disk A", "3"}, {"Disk B", "3"}, {"Disk C", "4"}}, "Disk A|Disk B|4"},
		{"a name like a number", bays{{"A", "1"}, {"1", "-1"}}, "1|1 #2"},
		{"names alike", bays{{"S 1", "-1"}, {"S 1 ", "-1"}}, "S 1|S 1 #2"},
		{"no text", bays{{"\xff\xfe", "-1"}, {"\x01", "-1"}}, "\uFFFD|unnamed"},
		{"no numbers but garbage", bays{{"a", "0x1"}, {"b", "99999999999999999999"}, {"c", "70000"}, {"d", "1.5"}}, "a b c d"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			shelf := enclosuretest.Shelf{Address: "0:0:10:0", ID: "0x1"}
			for _, b := range tt.bays {
				shelf.Bays = append(shelf.Bays, enclosuretest.Bay{Name: b[0], Slot: b[1], Status: "OK"})
			}
			tr.AddShelf(shelf)
			sep := " "
			if strings.Contains(tt.want, "|") || len(tt.bays) == 1 {
				sep = "|"
			}
			var got []string
			for _, s := range one(t, tr).Slots {
				got = append(got, s.Slot)
			}
			slices.Sort(got)
			want := strings.Split(tt.want, sep)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}

// Slots come in the order in which people count.
func TestSlotOrder(t *testing.T) {
	tr := enclosuretest.New(t)
	shelf := enclosuretest.Shelf{Address: "0:0:10:0", ID: "0x1"}
	for _, b := range [][2]string{{"x", "10"}, {"y", "9"}, {"Slot 10", "-1"}, {"Slot 9", "-1"}} {
		shelf.Bays = append(shelf.Bays, enclosuretest.Bay{Name: b[0], Slot: b[1], Status: "OK"})
	}
	tr.AddShelf(shelf)
	var got []string
	for _, s := range one(t, tr).Slots {
		got = append(got, s.Slot)
	}
	if diff := cmp.Diff([]string{"9", "10", "Slot 9", "Slot 10"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestPopulated(t *testing.T) {
	for _, tt := range []struct {
		status string
		empty  string // populated, with no drive
	}{
		{"unsupported", "-"}, {"OK", "-"}, {"critical", "1"}, {"non-critical", "1"}, {"unrecoverable", "1"},
		{"not installed", "0"}, {"unknown", "-"}, {"unavailable", "-"},
		{"melted", "-"}, {"", "-"},
	} {
		t.Run(tt.status, func(t *testing.T) {
			tr := enclosuretest.New(t)
			tr.AddDisk(enclosuretest.Disk{Name: "sda", Address: "0:0:1:0"})
			tr.AddShelf(enclosuretest.Shelf{Address: "0:0:10:0", ID: "0x1", Bays: []enclosuretest.Bay{
				{Name: "0", Slot: "0", Status: tt.status}, {Name: "1", Slot: "1", Status: tt.status, Disk: "sda"},
			}})
			for _, name := range []string{"0", "1"} {
				if tt.status == "" {
					tr.Write(enclosuretest.BayPath("0:0:10:0", name)+"/status", "")
				}
			}
			shown := tt.status
			if tt.status == "melted" {
				shown = ""
			}
			compare(t, one(t, tr),
				"0|"+shown+"|fault -|locate -|power -|populated "+tt.empty+"|||",
				"1|"+shown+"|fault -|locate -|power -|populated 1|sda||")
		})
	}
}

func TestFault(t *testing.T) {
	for value, want := range map[string]string{"0": "0", "2": "1", "4": "1", "6": "1", "1": "-", "8": "-", "-2": "-", "yes": "-"} {
		tr := enclosuretest.New(t)
		tr.AddShelf(enclosuretest.Shelf{Address: "0:0:10:0", ID: "0x1", Bays: []enclosuretest.Bay{{Name: "0", Slot: "0", Status: "OK", Fault: value}}})
		compare(t, one(t, tr), "0|OK|fault "+want+"|locate -|power -|populated -|||")
	}
}

// A shelf with two I/O modules is one shelf, by its id or by its drives.
func TestDualPath(t *testing.T) {
	for name, id2 := range map[string]string{"same id": "0x5003048000000a00", "ids that differ": "0x5003048000000a80", "second without id": ""} {
		t.Run(name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			tr.DualShelf(1, 3, 25, "0x5003048000000a00", id2)
			e := one(t, tr)
			if e.ID != "0x5003048000000a00" || !slices.Equal(e.Paths, []string{"1:0:99:0", "2:0:99:0"}) || e.AnsweredBy != "1:0:99:0" {
				t.Errorf("got %s by %v, answered by %s", e.ID, e.Paths, e.AnsweredBy)
			}
			compare(t, e,
				"0|OK|fault 0|locate 0|power on|populated 1|sdz,sdab|0x5000c50000010000|EX01S0000",
				"1|OK|fault 0|locate 0|power on|populated 1|sdaa,sdac|0x5000c50000010001|EX01S0001",
				"2|not installed|fault 0|locate 0|power off|populated 0|||")
			if e.Slots[0].SASAddress != "0x5000c50000011000" {
				t.Errorf("the address of the port that %s is reached by is %s", e.Slots[0].Device, e.Slots[0].SASAddress)
			}
		})
	}
}

// The name that stands for a drive is one that works.
func TestOfflinePath(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualShelf(1, 2, 0, "0x5003048000000a00", "0x5003048000000a00")
	for _, tt := range []struct{ sda, sdb, want string }{
		{"running", "running", "sda"}, {"offline", "running", "sdb"}, {"transport-offline", "running", "sdb"}, {"running", "offline", "sda"}, {"offline", "offline", "sda"},
	} {
		tr.Write(enclosuretest.DiskPath("1:0:0:0")+"/state", tt.sda+"\n")
		tr.Write(enclosuretest.DiskPath("2:0:0:0")+"/state", tt.sdb+"\n")
		if s := one(t, tr).Slots[0]; s.Device != tt.want || !slices.Equal(s.Devices, []string{"sda", "sdb"}) {
			t.Errorf("%s, %s: %s of %v, want %s", tt.sda, tt.sdb, s.Device, s.Devices, tt.want)
		}
	}
}

// The modules name their slots each in its way: the drives tell.
func TestDualPathWithOtherNames(t *testing.T) {
	tr := enclosuretest.New(t)
	for i, name := range []string{"Slot %d", "ArrayDevice%02d"} {
		s := enclosuretest.Shelf{Address: fmt.Sprintf("%d:0:9:0", i), ID: "0x5003048000000a00"}
		for n := range 3 {
			b := enclosuretest.Bay{Name: fmt.Sprintf(name, n), Slot: "-1", Status: "OK"}
			if n < 2 || i == 1 {
				b.Disk = enclosuretest.DiskName(3*i + n)
				tr.AddDisk(enclosuretest.Disk{Name: b.Disk, Address: fmt.Sprintf("%d:0:%d:0", i, n), WWID: fmt.Sprintf("naa.5000c500a000000%d", n)})
			}
			s.Bays = append(s.Bays, b)
		}
		tr.AddShelf(s)
	}
	compare(t, one(t, tr),
		"Slot 0|OK|fault -|locate -|power -|populated 1|sda,sdd|0x5000c500a0000000|",
		"Slot 1|OK|fault -|locate -|power -|populated 1|sdb,sde|0x5000c500a0000001|",
		"Slot 2|OK|fault -|locate -|power -|populated -|||",
		// The first path has not matched it with a slot (yet).
		"ArrayDevice02||fault -|locate -|power -|populated 1|sdf|0x5000c500a0000002|")
}

// Two shelves of one model stay two, whatever they have in common but drives.
func TestTwoShelves(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualShelf(1, 4, 0, "0x5003048000000a00", "0x5003048000000a80")
	tr.DualShelf(3, 4, 6, "0x5003048000000b00", "0x5003048000000b80")
	var ids []string
	for _, e := range read(t, reader(tr)) {
		ids = append(ids, e.ID)
	}
	if diff := cmp.Diff([]string{"0x5003048000000a00", "0x5003048000000b00"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// An id that the vendor gave to every shelf: their drives tell them apart.
func TestTwoShelvesOfOneID(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualShelf(1, 4, 0, "0x5003048000000a00", "0x5003048000000a00")
	tr.DualShelf(3, 4, 6, "0x5003048000000a00", "0x5003048000000a00")
	var got []string
	for _, e := range read(t, reader(tr)) {
		got = append(got, fmt.Sprint(e.ID, e.Paths))
	}
	if diff := cmp.Diff([]string{"0x5003048000000a00@1:0:99:0[1:0:99:0 2:0:99:0]", "0x5003048000000a00@3:0:99:0[3:0:99:0 4:0:99:0]"}, got); diff != "" {
		t.Errorf("shelves (-want +got):\n%s", diff)
	}
}

// While a drive is exchanged, the paths see it one after the other. That makes
// no second shelf.
func TestDriveExchangedOnOnePath(t *testing.T) {
	for name, id2 := range map[string]string{"same id": "0x5003048000000a00", "ids that differ": "0x5003048000000a80"} {
		t.Run(name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			tr.DualShelf(1, 5, 0, "0x5003048000000a00", id2)
			tr.Write(enclosuretest.DiskPath("2:0:0:0")+"/wwid", "naa.5000c500ffff0000\n")
			tr.Write(enclosuretest.DiskPath("2:0:0:0")+"/vpd_pg80", "\x00\x80\x00\x03NEW")
			e := one(t, tr)
			if got := brief(e.Slots[0]); got != "0|OK|fault 0|locate 0|power on|populated 1|sda|0x5000c50000010000|EX01S0000" {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestNoLogicalID(t *testing.T) {
	for name, tt := range map[string]struct{ id, wwid, want string }{
		"WWN of the SES device": {"0x0000000000000000", "naa.5003048000000abd", "0x5003048000000abd"},
		"nothing":               {"0xffffffffffffffff", "", "0:0:10:0"},
		"garbage":               {"\xff\xfe not a number", "t10.EXAMPLE", "0:0:10:0"},
		"too long":              {"0x50030480000000001", "", "0:0:10:0"},
		"short":                 {"0x3048000abc", "", "0x0000003048000abc"},
		"capitals, no 0x":       {"5003048000000ABC", "", "0x5003048000000abc"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			tr.AddShelf(enclosuretest.Shelf{Address: "0:0:10:0", ID: tt.id, WWID: tt.wwid, SG: "sg3"})
			if e := one(t, tr); e.ID != tt.want || len(e.Slots) != 0 || e.Slots == nil {
				t.Errorf("got %s with %v, want %s", e.ID, e.Slots, tt.want)
			}
		})
	}
}

// The kernel matched the drive, but one of the two links is missing.
func TestLinks(t *testing.T) {
	bay := enclosuretest.BayPath("0:0:10:0", "Slot 01")
	disk := enclosuretest.DiskPath("0:0:1:0")
	const there, none = "1|OK|fault -|locate -|power -|populated 1|sda|0x5000c500a0000001|", "1|OK|fault -|locate -|power -|populated -|||"
	for _, tt := range []struct {
		name string
		do   func(tr *enclosuretest.Tree)
		want string
	}{
		{"both", func(*enclosuretest.Tree) {}, there},
		{"from the bay only", func(tr *enclosuretest.Tree) { tr.Remove(disk + "/enclosure_device:Slot 01") }, there},
		{"from the drive only", func(tr *enclosuretest.Tree) { tr.Remove(bay + "/device") }, there},
		{"matched later", func(tr *enclosuretest.Tree) {
			tr.Remove(bay + "/device")
			tr.Remove(disk + "/enclosure_device:Slot 01")
		}, none},
		{"dangling", func(tr *enclosuretest.Tree) {
			tr.RemoveDisk(enclosuretest.Disk{Name: "sda", Address: "0:0:1:0"})
		}, none},
		{"in a circle", func(tr *enclosuretest.Tree) {
			tr.RemoveDisk(enclosuretest.Disk{Name: "sda", Address: "0:0:1:0"})
			tr.Remove(bay + "/device")
			tr.Link(bay+"/device", bay+"/device")
		}, none},
		{"no disk was made of it", func(tr *enclosuretest.Tree) {
			tr.Remove("sys/block/sda")
			tr.Remove(disk + "/block")
			tr.Write(disk+"/scsi_generic/sg1/x", "")
			tr.Link("sys/class/scsi_generic/sg1", disk+"/scsi_generic/sg1")
			tr.Link(disk+"/scsi_generic/sg1/device", disk)
		}, "1|OK|fault -|locate -|power -|populated 1||0x5000c500a0000001|"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			tr.AddDisk(enclosuretest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000c500a0000001"})
			tr.AddShelf(enclosuretest.Shelf{Address: "0:0:10:0", ID: "0x1", Bays: []enclosuretest.Bay{{Name: "Slot 01", Slot: "1", Status: "OK", Disk: "sda"}}})
			tt.do(tr)
			compare(t, one(t, tr), tt.want)
		})
	}
}

// Each path has its own name for a drive, also where only one path has a shelf.
func TestOtherPathsOfADrive(t *testing.T) {
	tr := enclosuretest.New(t)
	const clone = "naa.5000c500a0000009"
	for _, d := range []enclosuretest.Disk{
		{Name: "sda", Address: "0:0:0:0", WWID: "naa.5000c500a0000001", Serial: "A"},
		{Name: "sdaa", Address: "1:0:0:0", WWID: "naa.5000c500a0000001", Serial: "A"},
		// Two cheap drives with one WWN.
		{Name: "sdb", Address: "0:0:1:0", WWID: clone, Serial: "B"},
		{Name: "sdab", Address: "1:0:1:0", WWID: clone, Serial: "B"},
		{Name: "sdc", Address: "0:0:2:0", WWID: clone, Serial: "C"},
		{Name: "sdac", Address: "1:0:2:0", WWID: clone, Serial: "C"},
		// A placeholder names nothing, but there is a serial number.
		{Name: "sdd", Address: "0:0:3:0", WWID: "naa.5000000000000000", Serial: "D", Model: "M"},
		{Name: "sdad", Address: "1:0:3:0", WWID: "naa.5000000000000000", Serial: "D", Model: "M"},
		{Name: "sdae", Address: "1:0:4:0", WWID: "naa.5000000000000000", Serial: "D", Model: "other"},
		// Nothing is known of them, so nothing in common.
		{Name: "sde", Address: "0:0:5:0"},
		{Name: "sdf", Address: "1:0:5:0"},
	} {
		tr.AddDisk(d)
	}
	s := enclosuretest.Shelf{Address: "0:0:10:0", ID: "0x1"}
	for i, disk := range []string{"sda", "sdb", "sdc", "sdd", "sde"} {
		s.Bays = append(s.Bays, enclosuretest.Bay{Name: disk, Slot: fmt.Sprint(i), Status: "OK", Disk: disk})
	}
	tr.AddShelf(s)
	const state = "|OK|fault -|locate -|power -|populated 1|"
	compare(t, one(t, tr),
		"0"+state+"sda,sdaa|0x5000c500a0000001|A",
		"1"+state+"sdb,sdab|0x5000c500a0000009|B",
		"2"+state+"sdc,sdac|0x5000c500a0000009|C",
		"3"+state+"sdd,sdad||D",
		"4"+state+"sde||")
}

func TestGarbage(t *testing.T) {
	bay := func(file string) string { return enclosuretest.BayPath("0:0:10:0", "Slot 01") + "/" + file }
	fresh := func(t *testing.T) *enclosuretest.Tree {
		tr := enclosuretest.New(t)
		tr.AddDisk(enclosuretest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000c500a0000001"})
		tr.AddShelf(enclosuretest.Shelf{Address: "0:0:10:0", ID: "0x1", Vendor: "V\xffendor", Bays: []enclosuretest.Bay{
			{Name: "Slot 01", Slot: "1", Status: "OK", Fault: "0", Locate: "0", Power: "on", Disk: "sda"},
		}})
		return tr
	}
	files := []string{"slot", "status", "fault", "locate", "power_status"}
	for name, spoil := range map[string]func(tr *enclosuretest.Tree, path string){
		"noise": func(tr *enclosuretest.Tree, path string) { tr.Write(path, "\x00\xff\xfe1\n2") },
		"huge":  func(tr *enclosuretest.Tree, path string) { tr.Write(path, strings.Repeat("0123456789", 1<<17)) },
		"empty": func(tr *enclosuretest.Tree, path string) { tr.Write(path, "") },
		"error": func(tr *enclosuretest.Tree, path string) { tr.Dir(path) },
	} {
		t.Run(name, func(t *testing.T) {
			tr := fresh(t)
			for _, f := range files {
				spoil(tr, bay(f))
			}
			e := one(t, tr)
			compare(t, e, "Slot 01||fault -|locate -|power -|populated 1|sda|0x5000c500a0000001|")
			if e.Vendor != "V\uFFFDendor" {
				t.Errorf("vendor %q", e.Vendor)
			}
			if heard := e.AnsweredBy != ""; heard == (name == "error") {
				t.Errorf("answered by %q", e.AnsweredBy)
			}
		})
	}
	t.Run("one file fails", func(t *testing.T) {
		tr := fresh(t)
		tr.Dir(bay("status"))
		compare(t, one(t, tr), "1||fault 0|locate 0|power on|populated 1|sda|0x5000c500a0000001|")
	})
	t.Run("no slot", func(t *testing.T) {
		tr := fresh(t)
		tr.Write(bay("type"), "power supply\n")
		compare(t, one(t, tr))
	})
	t.Run("unreadable type", func(t *testing.T) {
		tr := fresh(t)
		tr.Dir(bay("type"))
		compare(t, one(t, tr), "1|OK|fault 0|locate 0|power on|populated 1|sda|0x5000c500a0000001|")
	})
	t.Run("a shelf that is gone", func(t *testing.T) {
		tr := fresh(t)
		tr.Link("sys/class/enclosure/1:0:0:0", "sys/devices/nowhere")
		one(t, tr)
	})
}

// counting notes what is read, by the file's name.
type counting struct {
	mu    sync.Mutex
	reads map[string]int
}

func count(r *Reader) *counting {
	c := &counting{reads: make(map[string]int)}
	read := r.read
	r.read = func(path string) ([]byte, error) {
		c.mu.Lock()
		c.reads[filepath.Base(path)]++
		c.mu.Unlock()
		return read(path)
	}
	return c
}

func (c *counting) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	reads := c.reads
	c.reads = make(map[string]int)
	return reads
}

// Each read of these costs an SES command, so each is read once a round and on
// one path; what does not change is read once.
func TestCost(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualShelf(1, 24, 0, "0x5003048000000a00", "0x5003048000000a00")
	r := reader(tr)
	c := count(r)
	costly := map[string]int{"status": 24, "fault": 24, "locate": 24, "power_status": 24}
	check := func(when string, slots int) {
		t.Helper()
		read(t, r)
		want := maps.Clone(costly)
		if slots > 0 {
			want["slot"], want["type"] = slots, slots
		}
		got := c.take()
		for _, name := range []string{"id", "vendor", "model", "rev", "sas_address", "state"} {
			delete(got, name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reads %s (-want +got):\n%s", when, diff)
		}
	}
	check("at first", 48)
	check("again", 0)
	tr.Remove(enclosuretest.BayPath("2:0:99:0", "Slot 23"))
	check("with a bay less on one path", 23)
	tr.Write(filepath.Dir(enclosuretest.BayPath("1:0:99:0", "x"))+"/id", "0x5003048000000a01\n")
	check("with another id at one path", 24)
}

// Nothing is ever written: locate and fault are switches.
func TestReadChangesNothing(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualShelf(1, 3, 0, "0x5003048000000a00", "0x5003048000000a80")
	before := contents(t, tr)
	read(t, reader(tr))
	if diff := cmp.Diff(before, contents(t, tr)); diff != "" {
		t.Errorf("the tree changed:\n%s", diff)
	}
}

func contents(t *testing.T, tr *enclosuretest.Tree) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(tr.Path(""), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			files[path] = fmt.Sprint(info.ModTime(), info.Mode(), string(b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
