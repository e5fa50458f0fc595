package smart

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block"
	"storage_exporter/block/blocktest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart/smartctl"
)

func system(tr *blocktest.Tree) block.System {
	return block.System{Sys: tr.Sys(), Dev: tr.Dev(), Udev: tr.Udev()}
}

// path is the kernel's view of one path to a drive.
func path(name, wwn, serial string) blocktest.Disk {
	return blocktest.Disk{Name: name, Address: name, WWID: "naa." + wwn, Model: "EXAMPLE 18TB", Serial: serial}
}

// An enclosure with two paths: each drive is read once, by the name counted first.
func TestDrivesMultipath(t *testing.T) {
	tr := blocktest.New(t)
	tr.AddDisk(path("sda", "5000c50000000aaa", "EXA1"))
	tr.AddDisk(path("sdb", "5000c50000000bbb", "EXA2"))
	tr.AddDisk(path("sdq", "5000c50000000aaa", "EXA1"))
	tr.AddDisk(path("sdr", "5000c50000000bbb", "EXA3")) // another drive with the WWN of sdb
	s := system(tr)
	r := newRig(t, []fleet.Drive{
		fleet.ATA("/dev/sdq", 1, 2), fleet.ATA("/dev/sda", 1, 2), fleet.ATA("/dev/sdb", 2, 2), fleet.ATA("/dev/sdr", 3, 2),
	}, func(c *DrivesConfig) { c.System, c.ScanInterval = s, time.Second })
	if got := r.labels(t); got != "sda sdb sdr" {
		t.Fatalf("drives %s", got)
	}
	if diff := cmp.Diff([]string{"sda", "sdq"}, r.drive(t, "sda").Paths()); diff != "" {
		t.Errorf("paths of sda (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"sdb"}, r.drive(t, "sdb").Paths()); diff != "" {
		t.Errorf("paths of sdb (-want +got):\n%s", diff)
	}
	reported(t, r.drive(t, "sda"))
	if _, reads := r.fleet.Runs(); reads["/dev/sdq"] != 0 {
		t.Errorf("the second path was read %d times", reads["/dev/sdq"])
	}
	// A path comes and goes: the drive stays the same one.
	before := r.drive(t, "sda")
	if err := r.fleet.Remove("/dev/sdq", "scsi"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one path is left", func() bool { return len(r.drive(t, "sda").Paths()) == 1 })
	if r.drive(t, "sda") != before {
		t.Error("the drive was made anew")
	}
	if err := r.fleet.Put(fleet.ATA("/dev/sdq", 1, 2)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the path is back", func() bool { return len(r.drive(t, "sda").Paths()) == 2 })
	// The first path fails: the other takes over.
	tr.Write("sys/class/block/sda/device/state", "offline\n")
	eventually(t, "the other path is read", func() bool { return r.labels(t) == "sdb sdq sdr" })
	if got := reported(t, r.drive(t, "sdq")).Value.SerialNumber; got != "EXA0000001" {
		t.Errorf("serial number %s", got)
	}
}

func TestDrivesWithoutVirtualDisks(t *testing.T) {
	tr := blocktest.New(t)
	tr.AddDisk(blocktest.Disk{Name: "sdb", Address: "0:0:1:0", Vendor: "NETAPP", Model: "LUN C-Mode"})
	tr.AddDisk(blocktest.Disk{Name: "sdc", Address: "0:0:2:0", Vendor: "DELL", Model: "PERC H740P"})
	tr.AddDisk(blocktest.Disk{Name: "sdd", Address: "0:0:3:0", Vendor: "QEMU", Model: "QEMU HARDDISK"})
	s := system(tr)
	drives := []fleet.Drive{fleet.ATA("/dev/sda", 1, 2), fleet.SCSI("/dev/sdb", 2), fleet.SCSI("/dev/sdc", 3), fleet.SCSI("/dev/sdd", 4)}
	r := newRig(t, drives, func(c *DrivesConfig) { c.System, c.ScanInterval = s, time.Second })
	scans, _ := r.fleet.Runs()
	if got := r.labels(t); got != "sda sdd" {
		t.Errorf("drives %s", got)
	}
	eventually(t, "three more scans", func() bool { n, _ := r.fleet.Runs(); return n >= scans+3 })
	if n := strings.Count(r.log.String(), "virtual disks left out"); n != 1 || !strings.Contains(r.log.String(), "devices=2 first=/dev/sdb which_is=\"NetApp LUN\"") {
		t.Errorf("logged %d times:\n%s", n, r.log)
	}
}

// A configured drive that is exchanged, or that comes later, is made anew once,
// not with each scan.
func TestDrivesConfiguredAndExchanged(t *testing.T) {
	tr := blocktest.New(t)
	tr.AddDisk(path("sda", "5000c50000000aaa", "EXA1"))
	s := system(tr)
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, func(c *DrivesConfig) {
		c.System, c.ScanInterval, c.Scan, c.Devices = s, time.Second, true, []Device{{Name: "/dev/sda", Type: smartctl.Auto}}
	})
	reported(t, r.drive(t, "sda"))
	tr.Write("sys/class/block/sda/device/wwid", "naa.5000c50000000bbb\n")
	tr.Write("sys/class/block/sda/device/vpd_pg80", blocktest.SerialPage("EXA2"))
	eventually(t, "the new drive", func() bool { return r.drive(t, "sda").Device.Identity.Serial == "EXA2" })
	now := r.drive(t, "sda")
	scans, _ := r.fleet.Runs()
	eventually(t, "two more scans", func() bool { n, _ := r.fleet.Runs(); return n >= scans+3 })
	if r.drive(t, "sda") != now {
		t.Error("the drive was made anew although nothing changed")
	}
}
