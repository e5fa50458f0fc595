package enclosure

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
)

// An enclosure with two I/O modules is one enclosure, by its id or by its drives.
func TestDualPath(t *testing.T) {
	for name, id2 := range map[string]string{"same id": "0x5003048000000a00", "ids that differ": "0x5003048000000a80", "second without id": ""} {
		t.Run(name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			tr.DualEnclosure(1, 3, 25, "0x5003048000000a00", id2)
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
	tr.DualEnclosure(1, 2, 0, "0x5003048000000a00", "0x5003048000000a00")
	for _, tt := range []struct{ sda, sdb, want string }{
		{"running", "running", "sda"}, {"offline", "running", "sdb"}, {"transport-offline", "running", "sdb"}, {"running", "offline", "sda"}, {"offline", "offline", "sda"},
	} {
		tr.Write(blocktest.SCSI("1:0:0:0")+"/state", tt.sda+"\n")
		tr.Write(blocktest.SCSI("2:0:0:0")+"/state", tt.sdb+"\n")
		port := map[string]string{"sda": "0x5000c50000011000", "sdb": "0x5000c50000012000"}[tt.want]
		if s := one(t, tr).Slots[0]; s.Device != tt.want || s.SASAddress != port || !slices.Equal(s.Devices, []string{"sda", "sdb"}) {
			t.Errorf("%s, %s: %s of %v by %s, want %s", tt.sda, tt.sdb, s.Device, s.Devices, s.SASAddress, tt.want)
		}
	}
}

// The modules name their slots each in its way: the drives decide.
func TestDualPathWithOtherNames(t *testing.T) {
	tr := enclosuretest.New(t)
	for i, name := range []string{"Slot %d", "ArrayDevice%02d"} {
		s := enclosuretest.Enclosure{Address: fmt.Sprintf("%d:0:9:0", i), ID: "0x5003048000000a00"}
		for n := range 3 {
			b := enclosuretest.Bay{Name: fmt.Sprintf(name, n), Slot: "-1", Status: "OK"}
			if n < 2 || i == 1 {
				b.Disk = blocktest.DiskName(3*i + n)
				tr.AddDisk(blocktest.Disk{Name: b.Disk, Address: fmt.Sprintf("%d:0:%d:0", i, n), WWID: fmt.Sprintf("naa.5000c500a000000%d", n)})
			}
			s.Bays = append(s.Bays, b)
		}
		tr.AddEnclosure(s)
	}
	compare(t, one(t, tr),
		"Slot 0|OK|fault -|locate -|power -|populated 1|sda,sdd|0x5000c500a0000000|",
		"Slot 1|OK|fault -|locate -|power -|populated 1|sdb,sde|0x5000c500a0000001|",
		"Slot 2|OK|fault -|locate -|power -|populated -|||",
		// The first path has not matched it with a slot (yet).
		"ArrayDevice02||fault -|locate -|power -|populated 1|sdf|0x5000c500a0000002|")
}

// Each module counts from its own side. What the first one says holds.
func TestDualPathMirrored(t *testing.T) {
	tr := enclosuretest.New(t)
	for i := range 2 {
		s := enclosuretest.Enclosure{Address: fmt.Sprintf("%d:0:9:0", i), ID: "0x5003048000000a00"}
		for n := range 2 {
			disk := blocktest.DiskName(2*i + n)
			tr.AddDisk(blocktest.Disk{Name: disk, Address: fmt.Sprintf("%d:0:%d:0", i, n), WWID: fmt.Sprintf("naa.5000c500a000000%d", n)})
			number := n
			if i == 1 {
				number = 1 - n
			}
			s.Bays = append(s.Bays, enclosuretest.Bay{Name: fmt.Sprint("Bay ", number), Slot: fmt.Sprint(number), Status: "OK", Disk: disk})
		}
		tr.AddEnclosure(s)
	}
	compare(t, one(t, tr),
		"0|OK|fault -|locate -|power -|populated 1|sda,sdc|0x5000c500a0000000|",
		"1|OK|fault -|locate -|power -|populated 1|sdb,sdd|0x5000c500a0000001|")
}

// A drive is in one slot, although the other module says another.
func TestDualPathDisagrees(t *testing.T) {
	tr := enclosuretest.New(t)
	for i, disk := range []string{"sda", "sdb"} {
		tr.AddDisk(blocktest.Disk{Name: disk, Address: fmt.Sprintf("%d:0:0:0", i), WWID: "naa.5000c500a0000001"})
		s := enclosuretest.Enclosure{Address: fmt.Sprintf("%d:0:9:0", i), ID: "0x5003048000000a00"}
		for n := range 2 {
			b := enclosuretest.Bay{Name: fmt.Sprint("Bay ", n), Slot: fmt.Sprint(n), Status: "OK"}
			if n == i {
				b.Disk = disk
			}
			s.Bays = append(s.Bays, b)
		}
		tr.AddEnclosure(s)
	}
	compare(t, one(t, tr),
		"0|OK|fault -|locate -|power -|populated 1|sda,sdb|0x5000c500a0000001|",
		"1|OK|fault -|locate -|power -|populated -|||")
}

// Two enclosures of one model stay two, whatever they have in common but drives.
func TestTwoEnclosures(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 4, 0, "0x5003048000000a00", "0x5003048000000a80")
	tr.DualEnclosure(3, 4, 6, "0x5003048000000b00", "0x5003048000000b80")
	var ids []string
	for _, e := range read(t, reader(tr)) {
		ids = append(ids, e.ID)
	}
	if diff := cmp.Diff([]string{"0x5003048000000a00", "0x5003048000000b00"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// An id that the vendor gave to every enclosure: their drives differ.
func TestTwoEnclosuresOfOneID(t *testing.T) {
	tr := enclosuretest.New(t)
	tr.DualEnclosure(1, 4, 0, "0x5003048000000a00", "0x5003048000000a00")
	tr.DualEnclosure(3, 4, 6, "0x5003048000000a00", "0x5003048000000a00")
	var got []string
	for _, e := range read(t, reader(tr)) {
		got = append(got, fmt.Sprint(e.ID, e.Paths))
	}
	if diff := cmp.Diff([]string{"0x5003048000000a00@1:0:99:0[1:0:99:0 2:0:99:0]", "0x5003048000000a00@3:0:99:0[3:0:99:0 4:0:99:0]"}, got); diff != "" {
		t.Errorf("enclosures (-want +got):\n%s", diff)
	}
}

// While a drive is exchanged, the paths see it one after the other. That makes
// no second enclosure.
func TestDriveExchangedOnOnePath(t *testing.T) {
	for name, tt := range map[string]struct {
		slots int
		id2   string
	}{"same id": {5, "0x5003048000000a00"}, "ids that differ": {5, "0x5003048000000a80"}, "the only drive": {2, "0x5003048000000a00"}} {
		t.Run(name, func(t *testing.T) {
			tr := enclosuretest.New(t)
			tr.DualEnclosure(1, tt.slots, 0, "0x5003048000000a00", tt.id2)
			tr.Write(blocktest.SCSI("2:0:0:0")+"/wwid", "naa.5000c500ffff0000\n")
			tr.Write(blocktest.SCSI("2:0:0:0")+"/vpd_pg80", "\x00\x80\x00\x03NEW")
			e := one(t, tr)
			if got := brief(e.Slots[0]); got != "0|OK|fault 0|locate 0|power on|populated 1|sda|0x5000c50000010000|EX01S0000" {
				t.Errorf("got %s", got)
			}
		})
	}
}

// Each path has its own name for a drive, also where only one path has an enclosure.
func TestOtherPathsOfADrive(t *testing.T) {
	tr := enclosuretest.New(t)
	const clone = "naa.5000c500a0000009"
	for _, d := range []blocktest.Disk{
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
	s := enclosuretest.Enclosure{Address: "0:0:10:0", ID: "0x1"}
	for i, disk := range []string{"sda", "sdb", "sdc", "sdd", "sde"} {
		s.Bays = append(s.Bays, enclosuretest.Bay{Name: disk, Slot: fmt.Sprint(i), Status: "OK", Disk: disk})
	}
	tr.AddEnclosure(s)
	const state = "|OK|fault -|locate -|power -|populated 1|"
	compare(t, one(t, tr),
		"0"+state+"sda,sdaa|0x5000c500a0000001|A",
		"1"+state+"sdb,sdab|0x5000c500a0000009|B",
		"2"+state+"sdc,sdac|0x5000c500a0000009|C",
		"3"+state+"sdd,sdad||D",
		"4"+state+"sde||")
}
