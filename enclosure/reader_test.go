package enclosure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block"
	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
)

func reader(tr *enclosuretest.Tree) *Reader {
	return NewReader(block.System{Sys: tr.Sys(), Udev: tr.Udev()}, nil, nil)
}

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
	tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000C500A0000001", Serial: "EX0001", Model: "EXAMPLE 18TB    ", SAS: "0x5000c500a0000002"})
	tr.AddEnclosure(enclosuretest.Enclosure{
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
			enclosure := enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x1"}
			for _, b := range tt.bays {
				enclosure.Bays = append(enclosure.Bays, enclosuretest.Bay{Name: b[0], Slot: b[1], Status: "OK"})
			}
			tr.AddEnclosure(enclosure)
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
	enclosure := enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x1"}
	for _, b := range [][2]string{{"x", "10"}, {"y", "9"}, {"Slot 10", "-1"}, {"Slot 9", "-1"}} {
		enclosure.Bays = append(enclosure.Bays, enclosuretest.Bay{Name: b[0], Slot: b[1], Status: "OK"})
	}
	tr.AddEnclosure(enclosure)
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
			tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:1:0"})
			tr.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x1", Bays: []enclosuretest.Bay{
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
		tr.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x1", Bays: []enclosuretest.Bay{{Name: "0", Slot: "0", Status: "OK", Fault: value}}})
		compare(t, one(t, tr), "0|OK|fault "+want+"|locate -|power -|populated -|||")
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
			tr.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:10:0", ID: tt.id, WWID: tt.wwid, SG: "sg3"})
			if e := one(t, tr); e.ID != tt.want || len(e.Slots) != 0 || e.Slots == nil {
				t.Errorf("got %s with %v, want %s", e.ID, e.Slots, tt.want)
			}
		})
	}
}

// The kernel matched the drive, but one of the two links is missing.
func TestLinks(t *testing.T) {
	bay := enclosuretest.BayPath("0:0:10:0", "Slot 01")
	disk := blocktest.SCSI("0:0:1:0")
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
			tr.RemoveDisk(blocktest.Disk{Name: "sda", Address: "0:0:1:0"})
		}, none},
		{"in a circle", func(tr *enclosuretest.Tree) {
			tr.RemoveDisk(blocktest.Disk{Name: "sda", Address: "0:0:1:0"})
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
			tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000c500a0000001"})
			tr.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x1", Bays: []enclosuretest.Bay{{Name: "Slot 01", Slot: "1", Status: "OK", Disk: "sda"}}})
			tt.do(tr)
			compare(t, one(t, tr), tt.want)
		})
	}
}

func TestGarbage(t *testing.T) {
	bay := func(file string) string { return enclosuretest.BayPath("0:0:10:0", "Slot 01") + "/" + file }
	fresh := func(t *testing.T) *enclosuretest.Tree {
		tr := enclosuretest.New(t)
		tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000c500a0000001"})
		tr.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x1", Vendor: "V\xffendor", Bays: []enclosuretest.Bay{
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
	t.Run("an enclosure that is gone", func(t *testing.T) {
		tr := fresh(t)
		tr.Link("sys/class/enclosure/1:0:0:0", "sys/devices/nowhere")
		one(t, tr)
	})
}

// A drive that is pulled, plugged in and matched late is seen so, although the
// enclosure's layout is remembered.
func TestHotPlug(t *testing.T) {
	tr := enclosuretest.New(t)
	disk := blocktest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000c500a0000001"}
	tr.AddDisk(disk)
	tr.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x1", Bays: []enclosuretest.Bay{{Name: "Slot 01", Slot: "1", Status: "OK", Disk: "sda"}}})
	r := reader(tr)
	bay := enclosuretest.BayPath("0:0:10:0", "Slot 01")
	step := func(want string) {
		t.Helper()
		compare(t, read(t, r)[0], want)
	}
	step("1|OK|fault -|locate -|power -|populated 1|sda|0x5000c500a0000001|")
	tr.RemoveDisk(disk)
	tr.Write(bay+"/status", "not installed\n")
	step("1|not installed|fault -|locate -|power -|populated 0|||")
	tr.Remove(bay + "/device")
	tr.Write(bay+"/status", "OK\n")
	disk = blocktest.Disk{Name: "sdb", Address: "0:0:2:0", WWID: "naa.5000c500a0000002"}
	tr.AddDisk(disk)
	step("1|OK|fault -|locate -|power -|populated -|||")
	tr.Link(bay+"/device", blocktest.SCSI("0:0:2:0"))
	step("1|OK|fault -|locate -|power -|populated 1|sdb|0x5000c500a0000002|")
	tr.RemoveEnclosure("0:0:10:0")
	if list := read(t, r); len(list) != 0 {
		t.Errorf("of an enclosure that is gone: %+v", list)
	}
}

// The link of a drive that was moved still stands in the slot that it left. What
// the enclosures say themselves counts.
func TestMovedDrive(t *testing.T) {
	for name, statuses := range map[string][3]string{
		"the new one says OK":         {"not installed", "OK", "0|not installed|fault -|locate -|power -|populated 0|||"},
		"both are taken":              {"OK", "OK", "0|OK|fault -|locate -|power -|populated 1|sda|0x5000c500a0000001|EX1"},
		"nobody has it":               {"not installed", "not installed", "0|not installed|fault -|locate -|power -|populated 1|sda|0x5000c500a0000001|EX1"},
		"the new one does not know":   {"not installed", "unknown", "0|not installed|fault -|locate -|power -|populated 0|||"},
		"the new one knows no status": {"not installed", "unsupported", "0|not installed|fault -|locate -|power -|populated 0|||"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:1:0", WWID: "naa.5000c500a0000001", Serial: "EX1"})
			for i, id := range []string{"0x5003048000000001", "0x5003048000000002"} {
				tr.AddEnclosure(enclosuretest.Enclosure{Address: fmt.Sprintf("0:0:%d:0", 10+i), ID: id, Vendor: "EX", Model: id, Bays: []enclosuretest.Bay{
					{Name: "Slot", Slot: "0", Status: statuses[i], Disk: "sda"}, {Name: "Slot 1", Slot: "1", Status: "OK"},
				}})
			}
			list := read(t, reader(tr))
			if len(list) != 2 {
				t.Fatalf("%d enclosures", len(list))
			}
			compare(t, Enclosure{Slots: list[0].Slots[:1]}, statuses[2])
			if list[1].Slots[0].Device != "sda" {
				t.Errorf("the new slot has %q", list[1].Slots[0].Device)
			}
		})
	}
}
