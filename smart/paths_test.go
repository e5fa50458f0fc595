package smart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/internal/fakesmartctl/fleet"
)

// path is the kernel's view of one path to a drive.
func path(files map[string]string, name, wwn, serial string) {
	dir := "sys/class/block/" + name + "/device/"
	files[dir+"wwid"] = "naa." + wwn + "\n"
	files[dir+"model"] = "EXAMPLE 18TB\n"
	files[dir+"vpd_pg80"] = "\x00\x80\x00" + string(rune(len(serial))) + serial
}

// A shelf with two paths: each drive is read once, by the name counted first.
func TestDrivesMultipath(t *testing.T) {
	files := make(map[string]string)
	path(files, "sda", "5000c50000000aaa", "EXA1")
	path(files, "sdb", "5000c50000000bbb", "EXA2")
	path(files, "sdq", "5000c50000000aaa", "EXA1")
	path(files, "sdr", "5000c50000000bbb", "EXA3") // another drive with the WWN of sdb
	s := system(t, files)
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
	report(t, r.drive(t, "sda"))
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
	if err := os.WriteFile(filepath.Join(s.Sysfs, "class/block/sda/device/state"), []byte("offline\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other path is read", func() bool { return r.labels(t) == "sdb sdq sdr" })
	if got := report(t, r.drive(t, "sdq")).Value.SerialNumber; got != "EXA0000001" {
		t.Errorf("serial number %s", got)
	}
}

func TestDrivesWithoutVirtualDisks(t *testing.T) {
	s := system(t, map[string]string{
		"sys/class/block/sdb/device/vendor": "NETAPP\n", "sys/class/block/sdb/device/model": "LUN C-Mode\n",
		"sys/class/block/sdc/device/vendor": "DELL\n", "sys/class/block/sdc/device/model": "PERC H740P\n",
		"sys/class/block/sdd/device/vendor": "QEMU\n", "sys/class/block/sdd/device/model": "QEMU HARDDISK\n",
	})
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

func TestIdentifyNVMe(t *testing.T) {
	s := system(t, map[string]string{
		"sys/class/nvme/nvme0/serial": "NV0001\n", "sys/class/nvme/nvme0/model": "EX\n", "sys/class/nvme/nvme0/subsysnqn": "nqn.2014-08.org:NV0001\n",
		"sys/class/nvme/nvme0/nvme0n1/wwid":   "eui.0025385573900122\n",
		"sys/class/nvme/nvme0/nvme0n2/wwid":   "eui.0025385573900123\n",
		"sys/class/block/nvme0n2/wwid":        "eui.0025385573900123\n",
		"sys/class/nvme/nvme1/serial":         "NV0002\n",
		"sys/class/nvme/nvme1/nvme1c1n1/wwid": "eui.0025385573900124\n", // as native multipath names it
		"sys/class/block/nvme9n1/wwid":        "eui.0025385573900125\n", // the controller is not there
	})
	controller := s.Identify(Device{Name: "/dev/nvme0", Type: "nvme"})
	if want := (Identity{Model: "EX", Serial: "NV0001", NQN: "nqn.2014-08.org:NV0001"}); controller != want {
		t.Errorf("controller of two namespaces: %+v", controller)
	}
	if got := s.Identify(Device{Name: "/dev/nvme0n2", Type: "nvme"}); got != controller {
		t.Errorf("a namespace is its controller's drive: %+v", got)
	}
	if got := s.Identify(Device{Name: "/dev/nvme1", Type: "nvme"}).WWN; got != "eui.0025385573900124" {
		t.Errorf("WWN below a path: %s", got)
	}
	if got := s.Identify(Device{Name: "/dev/nvme9n1", Type: "nvme"}).WWN; got != "eui.0025385573900125" {
		t.Errorf("a namespace alone: %s", got)
	}
	for node, want := range map[string]string{"nvme0": "nvme0", "nvme12n3": "nvme12", "nvme0n1p2": "nvme0", "nvme0c1n1": "nvme0", "nvme": "nvme", "nvme-fabrics": "nvme-fabrics", "sda1": "sda1"} {
		if got := nvmeController(node); got != want {
			t.Errorf("%s: got %s, want %s", node, got, want)
		}
	}
}

// A configured drive that is exchanged, or that comes later, is made anew once,
// not with each scan.
func TestDrivesConfiguredAndExchanged(t *testing.T) {
	files := make(map[string]string)
	path(files, "sda", "5000c50000000aaa", "EXA1")
	s := system(t, files)
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, func(c *DrivesConfig) {
		c.System, c.ScanInterval, c.Scan, c.Devices = s, time.Second, true, []Device{{Name: "/dev/sda", Type: Auto}}
	})
	report(t, r.drive(t, "sda"))
	for name, content := range map[string]string{"wwid": "naa.5000c50000000bbb\n", "vpd_pg80": "\x00\x80\x00\x04EXA2"} {
		if err := os.WriteFile(filepath.Join(s.Sysfs, "class/block/sda/device", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the new drive", func() bool { return r.drive(t, "sda").Device.Identity.Serial == "EXA2" })
	now := r.drive(t, "sda")
	scans, _ := r.fleet.Runs()
	eventually(t, "two more scans", func() bool { n, _ := r.fleet.Runs(); return n >= scans+3 })
	if r.drive(t, "sda") != now {
		t.Error("the drive was made anew although nothing changed")
	}
}
