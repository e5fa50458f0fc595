package block

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block/blocktest"
)

// host has every kind of block device.
func host(t testing.TB) *blocktest.Tree {
	tr := blocktest.New(t)
	for i, name := range []string{"sda", "sdb", "sdc", "sdaa"} {
		d := blocktest.Disk{Name: name, Address: fmt.Sprintf("0:0:%d:0", i), WWID: fmt.Sprintf("naa.5000c500aaaa000%d", i), Serial: fmt.Sprint("EX", i), Model: "EXAMPLE"}
		if name == "sdc" || name == "sdaa" { // two paths to one drive
			d.WWID, d.Serial, d.Links = "naa.5000c500aaaa0009", "EX9", []string{"disk/by-id/wwn-0x5000c500aaaa0009"}
		}
		d.Number = fmt.Sprint("8:", 16*i)
		tr.AddGeneric(fmt.Sprint("sg", i), tr.AddDisk(d))
	}
	tr.AddPart("sda", "sda1", blocktest.Device{Number: "8:1", Links: []string{"disk/by-vdev/A0-part1"}})
	tr.AddNVMe(blocktest.NVMe{Name: "nvme0", Serial: "NV0", NQN: "nqn.0", Spaces: []blocktest.Space{{Number: 1, WWID: "eui.0025385573900000"}}})
	tr.AddPart("nvme0n1", "nvme0n1p2", blocktest.Device{})
	tr.AddNVMe(blocktest.NVMe{Name: "nvme2", Serial: "NV2", NQN: "nqn.2", Spaces: []blocktest.Space{{Number: 1, Name: "nvme7n1"}, {Number: 2, Name: "nvme7n2"}}})
	for _, name := range []string{"nvme10", "nvme6"} { // the kernel's own multipath
		tr.AddNVMe(blocktest.NVMe{Name: name, Serial: "NV4", NQN: "nqn.4", Subsystem: new(4), Spaces: []blocktest.Space{{Number: 1, WWID: "eui.0025385573900004"}}})
	}
	tr.AddPart("nvme4n1", "nvme4n1p1", blocktest.Device{})
	tr.AddMapping("dm-0", "mpatha", "mpath-35000c500aaaa0009", blocktest.Device{Number: "254:0", Links: []string{"disk/by-id/wwn-0x5000c500aaaa0009"}}, "sdc", "sdaa")
	tr.AddMapping("dm-1", "mpatha-part1", "part1-mpath-35000c500aaaa0009", blocktest.Device{}, "dm-0")
	tr.AddMapping("dm-2", "", "CRYPT-LUKS2-1", blocktest.Device{}, "dm-1")
	tr.AddMapping("dm-3", "vg-lv", "LVM-1", blocktest.Device{}, "sda1", "sdb")
	tr.AddVirtual("md0", blocktest.Device{}, "dm-2", "nvme0n1p2")
	tr.AddVirtual("dm-9", blocktest.Device{}, "dm-9") // a loop that no kernel has
	tr.AddVirtual("dm-8", blocktest.Device{}, "gone")
	tr.Symlink("dev/loop-a", "loop-b")
	tr.Symlink("dev/loop-b", "loop-a")
	tr.Symlink("dev/out", "../../../etc/passwd")
	tr.Remove("dev/sdb")
	return tr
}

// From any name to the drives, who they are, and all that they are called.
func TestNames(t *testing.T) {
	s := system(host(t))
	const nvme4 = "nvme4c6n1 nvme4c10n1 nvme4n1 nvme6 nvme10"
	for _, tt := range []struct{ name, drives, identity, names string }{
		{"/dev/sda", "sda", "0x5000c500aaaa0000", "sda sg0"},
		{"/dev/sdb", "sdb", "0x5000c500aaaa0001", "sdb sg1"}, // no node in /dev
		{"sda1", "sda", "0x5000c500aaaa0000", "sda sg0"},
		{"/dev/disk/by-vdev/A0-part1", "sda", "0x5000c500aaaa0000", "sda sg0"},
		{"/dev/sg1", "sg1", "0x5000c500aaaa0001", "sg1"},
		{"/dev/nvme0", "nvme0", "eui.0025385573900000", "nvme0 nvme0n1"},
		{"/dev/nvme0n1p2", "nvme0", "eui.0025385573900000", "nvme0 nvme0n1"},
		{"/dev/nvme7n2", "nvme2", "NV2", "nvme2 nvme7n1 nvme7n2"}, // numbers that differ
		{"/dev/nvme4n1p1", "nvme6 nvme10", "eui.0025385573900004", nvme4},
		{"nvme4c10n1", "nvme10", "eui.0025385573900004", nvme4},
		{"/dev/nvme6", "nvme6", "eui.0025385573900004", nvme4},
		{"/dev/mapper/mpatha", "sdc sdaa", "0x5000c500aaaa0009", "sdc sdaa sg2 sg3"},
		{"/dev/mapper/mpatha-part1", "sdc sdaa", "0x5000c500aaaa0009", "sdc sdaa sg2 sg3"},
		{"/dev/dm-2", "sdc sdaa", "0x5000c500aaaa0009", "sdc sdaa sg2 sg3"},
		{"/dev/mapper/vg-lv", "- sda sdb", "", "sda sdb sg0 sg1"},
		{"/dev/md0", "- nvme0 sdc sdaa", "", "nvme0 nvme0n1 sdc sdaa sg2 sg3"},
		{"/dev/dm-9", "-", "", ""},
		{"/dev/dm-8", "-", "", ""},
		{"/dev/loop-a", "-", "", ""},
		{"/dev/out", "-", "", ""},
		{"/dev/../etc/passwd", "-", "", ""},
		{"../block/sda", "-", "", ""},
		{"..", "-", "", ""}, {".", "-", "", ""}, {"", "-", "", ""}, {"/", "-", "", ""}, {"/dev", "-", "", ""},
		{"/srv/sda", "-", "", ""},
		{"/dev/bus/0", "-", "", ""},
	} {
		drives, one := s.Drives(tt.name)
		got := strings.Join(drives, " ")
		if !one {
			got = strings.TrimSpace("- " + got)
		}
		if id := s.Identify(tt.name).String(); got != tt.drives || id != tt.identity {
			t.Errorf("%s: drives %q of %q, want %q of %q", tt.name, got, id, tt.drives, tt.identity)
		}
		if got := strings.Join(s.Names(tt.name), " "); got != tt.names {
			t.Errorf("%s: names %q, want %q", tt.name, got, tt.names)
		}
	}
}

// A container's /dev lacks devices and links: udev's records have the names.
func TestIndex(t *testing.T) {
	tr := host(t)
	tr.Remove("dev")
	tr.Record("254:0", "S:mapper/mpathz", "E:ID_WWN=0x1", "S:../../etc/passwd")
	s := system(tr)
	x := s.Index(t.Context())
	for name, want := range map[string]string{
		"/dev/disk/by-vdev/A0-part1":             "sda1",
		"/dev/disk/by-id/wwn-0x5000c500aaaa0009": "dm-0", // claimed by the paths, too
		"/dev/mapper/mpathz":                     "dm-0",
		"/dev/sdb":                               "sdb",
		"sdb":                                    "sdb",
		"/dev/disk/by-id/none":                   "",
		"disk/by-vdev/A0-part1":                  "",
		"/etc/passwd":                            "",
	} {
		if got := x.Node(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := s.Node("/dev/mapper/mpathz"); got != "" {
		t.Errorf("without udev: %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := s.Index(ctx).Node("/dev/mapper/mpathz"); got != "" {
		t.Errorf("found %s although udev may not be asked any more", got)
	}
}

// Whatever the kernel lists, the way down ends, and names come in order and once.
func TestNamesAreBounded(t *testing.T) {
	tr := blocktest.New(t)
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprint("dm-", i))
	}
	for _, name := range names { // each lies on all
		tr.AddVirtual(name, blocktest.Device{}, names...)
	}
	tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:0:0"})
	tr.Link("sys/devices/virtual/block/dm-39/slaves/sda", "sys/class/block/sda")
	s := system(tr)
	drives, one := s.Drives("dm-0")
	if one || len(drives) > 1 {
		t.Errorf("%v, %v", drives, one)
	}
}

func TestCompareNames(t *testing.T) {
	want := []string{
		"bus_0_megaraid_2", "bus_0_megaraid_10", "nvme0", "nvme2", "nvme10", "sda", "sdb", "sdz", "sdaa", "sdab", "sdba", "sdaaa", "sg1", "sg10",
	}
	got := slices.Clone(want)
	slices.Sort(got)
	slices.SortFunc(got, CompareNames)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func FuzzCompareNames(f *testing.F) {
	f.Add("sda", "sdaa", "sd10")
	f.Add("nvme01", "nvme1", "nvme001")
	f.Add("", "0", "00")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if (CompareNames(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q compare equal: %d", a, b, CompareNames(a, b))
		}
		if CompareNames(a, b) != -CompareNames(b, a) {
			t.Errorf("%q and %q: the order depends on who asks", a, b)
		}
		if CompareNames(a, b) < 0 && CompareNames(b, c) < 0 && CompareNames(a, c) >= 0 {
			t.Errorf("%q < %q < %q, but not the first and the last", a, b, c)
		}
	})
}

// What is read of udev's record are its own lines, as text.
func FuzzRecorded(f *testing.F) {
	f.Add([]byte("S:disk/by-id/x\nE:ID_WWN=0x5000\nG:systemd\n"))
	f.Add([]byte("S:\nE:=\nS:\xff\x00\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		for entry := range recorded(b, "S:") {
			n++
			if strings.ContainsAny(entry, "\n\x00") || strings.TrimSpace(entry) != entry {
				t.Errorf("%q", entry)
			}
		}
		if n > strings.Count("\n"+string(b), "\nS:") {
			t.Errorf("%d entries of %q", n, b)
		}
	})
}
