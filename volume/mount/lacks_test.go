package mount

import (
	"strings"
	"testing"
	"time"

	"storage_exporter/block/blocktest"
	"storage_exporter/volume"
)

// A volume on a software RAID that lacks a disk is served, and degraded; so is
// one that lies on it through a partition and LVM.
func TestDegradedArray(t *testing.T) {
	tests := map[string]struct {
		mounted, degraded, action string
		want                      volume.Status
		says                      string
	}{
		"all disks":         {"9:0", "0\n", "idle\n", volume.Healthy, ""},
		"one lacks":         {"9:0", "1\n", "idle\n", volume.Degraded, "RAID md0 lacks 1 of its 2 disks"},
		"rebuild":           {"9:0", "1\n", "recover\n", volume.Degraded, "a rebuild is under way"},
		"through LVM":       {"253:3", "1\n", "idle\n", volume.Degraded, "RAID md0 lacks 1"},
		"LVM, all disks":    {"253:3", "0\n", "idle\n", volume.Healthy, ""},
		"no array at all":   {"8:1", "", "", volume.Healthy, ""},
		"garbage in sysfs":  {"9:0", "many\n", "\x00", volume.Healthy, ""},
		"negative in sysfs": {"9:0", "-1\n", "", volume.Healthy, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tr := blocktest.New(t)
			device := func(number string) blocktest.Device {
				return blocktest.Device{Number: number, Stat: "1 0 8 1 1 0 8 1 0 1 1", IOStats: "1"}
			}
			md := tr.AddVirtual("md0", device("9:0"))
			tr.AddPart("md0", "md0p1", device("259:0"))
			tr.AddVirtual("dm-3", device("253:3"), "md0p1", "dm-3") // a ring must not be walked for ever
			tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:0:0", Device: device("8:1")})
			if tt.degraded != "" {
				tr.Write(md+"/md/degraded", tt.degraded)
				tr.Write(md+"/md/sync_action", tt.action)
				tr.Write(md+"/md/raid_disks", "2\n")
			}
			mounts(tr, "1 0 "+tt.mounted+" / / rw - ext4 /dev/x rw")
			p := hostOf(tr).NewPoint("/", time.Second)
			h := p.Look(t.Context()).Health(Want{})
			if h.Status != tt.want || !strings.Contains(h.Info, tt.says) {
				t.Errorf("%s %q, want %s %q", h.Status, h.Info, tt.want, tt.says)
			}
		})
	}
}

// A device that a btrfs lacks, and a pool of ZFS, are judged as a disk of a RAID is.
func TestLostMember(t *testing.T) {
	const counts = "1 0 8 1 1 0 8 1 0 1 1"
	for name, tt := range map[string]struct {
		mounted string
		prepare func(*blocktest.Tree)
		want    volume.Status
		says    string
	}{
		"btrfs, missing when it was mounted": {"0:40 / / rw - btrfs /dev/sda rw,degraded", func(tr *blocktest.Tree) {
			tr.Write("sys/fs/btrfs/11-22/devinfo/2/missing", "1\n")
			tr.Write("sys/fs/btrfs/11-22/devinfo/1/missing", "0\n")
		}, volume.Degraded, "the btrfs at / lacks 1 of its 2 devices"},
		"btrfs, gone since": {"0:40 / / rw - btrfs /dev/sda rw", func(tr *blocktest.Tree) {
			tr.Link("sys/fs/btrfs/11-22/devices/sdb", "sys/block/sdb")
		}, volume.Degraded, "the btrfs at / lacks 1 of its devices"},
		"btrfs, none": {"0:40 / / rw - btrfs /dev/sda rw", func(tr *blocktest.Tree) {
			tr.Write("sys/fs/btrfs/11-22/devinfo/1/missing", "0\n")
		}, volume.Healthy, ""},
		"btrfs on an array": {"0:40 / / rw - btrfs /dev/md0 rw", func(tr *blocktest.Tree) {
			tr.Remove("sys/fs/btrfs/11-22")
			tr.AddBtrfs("33-44", "md0")
			tr.Write("sys/class/block/md0/md/degraded", "1\n")
		}, volume.Degraded, "RAID md0 lacks 1 of its 2 disks"},
		"an overlay on a btrfs": {"0:41 / / rw - overlay o rw,upperdir=/b/u\n2 1 0:40 / /b rw - btrfs /dev/sda rw", func(tr *blocktest.Tree) {
			tr.Write("sys/fs/btrfs/11-22/devinfo/2/missing", "1\n")
		}, volume.Degraded, "the btrfs at /b lacks 1 of its 1 devices"},
		"RAID 0": {"9:0 / / rw - ext4 /dev/md0 rw", func(tr *blocktest.Tree) {
			tr.Remove("sys/class/block/md0/md/degraded")
			tr.Write("sys/class/block/md0/md/array_state", "broken\n")
		}, volume.Degraded, "RAID md0 is broken: it has lost a disk that it cannot do without"},
		"a NAS": {"9:0 / / rw - ext4 /dev/md0 rw", func(tr *blocktest.Tree) {
			tr.Write("sys/class/block/md0/md/raid_disks", "32\n")
			tr.Write("sys/class/block/md0/md/degraded", "28\n")
		}, volume.Healthy, ""},
		"ZFS":            {"0:40 / / rw - zfs tank/a rw", func(*blocktest.Tree) {}, volume.Healthy, ""},
		"ZFS, online":    {"0:40 / / rw - zfs tank/a rw", state("ONLINE\n"), volume.Healthy, ""},
		"ZFS, degraded":  {"0:40 / / rw - zfs tank/a rw", state("DEGRADED\n"), volume.Degraded, "ZFS pool tank is DEGRADED: see zpool status"},
		"ZFS, suspended": {"0:40 / / rw - zfs tank rw", state("SUSPENDED\n"), volume.Offline, "ZFS pool tank is SUSPENDED"},
		"ZFS, odd":       {"0:40 / / rw - zfs tank/a rw", state("SIDEWAYS"), volume.Degraded, "is SIDEWAYS"},
		"ZFS, no pool":   {"0:40 / / rw - zfs ../a rw", state("DEGRADED\n"), volume.Healthy, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := blocktest.New(t)
			tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:0:0", Device: blocktest.Device{Number: "8:0", Stat: counts, IOStats: "1"}})
			place := tr.AddVirtual("md0", blocktest.Device{Number: "9:0", Stat: counts, IOStats: "1"})
			tr.Write(place+"/md/degraded", "0\n")
			tr.Write(place+"/md/raid_disks", "2\n")
			tr.Write(place+"/md/level", "raid1\n")
			tr.AddBtrfs("11-22", "sda")
			tt.prepare(tr)
			mounts(tr, "1 0 "+tt.mounted)
			h := hostOf(tr).NewPoint("/", time.Second).Look(t.Context()).Health(Want{})
			if tt.says == "" && strings.Contains(h.Info, "full") {
				t.Skip("skipped: this machine's disk is nearly full")
			}
			if h.Status != tt.want || !strings.Contains(h.Info, tt.says) {
				t.Errorf("%s %q, want %s %q", h.Status, h.Info, tt.want, tt.says)
			}
		})
	}
}

func state(text string) func(*blocktest.Tree) {
	return func(tr *blocktest.Tree) { tr.Write("proc/spl/kstat/zfs/tank/state", text) }
}

// The last disk of a NAS that is lost and taken out leaves what looks like a place
// that was never filled: it is missed while it is remembered.
func TestLastDiskTakenOut(t *testing.T) {
	tr := blocktest.New(t)
	md := tr.AddVirtual("md0", blocktest.Device{Number: "9:0", Stat: "1 0 8 1 1 0 8 1 0 1 1", IOStats: "1"})
	tr.Write(md+"/md/level", "raid1\n")
	tr.Write(md+"/md/raid_disks", "32\n")
	mounts(tr, "1 0 9:0 / / rw - ext4 /dev/md0 rw")
	host := hostOf(tr)
	p := host.NewPoint("/", time.Second)
	for i, step := range []struct {
		degraded string
		reload   bool
		says     string
	}{
		{"29", false, ""}, {"28", false, ""}, {"29", false, "RAID md0 lacks 1 of its 4 disks"}, {"30", false, "lacks 2 of its 4 disks"},
		{"28", false, ""}, {"29", false, "lacks 1"}, {"29", true, ""},
	} {
		tr.Write(md+"/md/degraded", step.degraded+"\n")
		if step.reload {
			host.Forget()
		}
		if info := p.Look(t.Context()).Health(Want{}).Info; strings.Contains(info, "RAID") != (step.says != "") || !strings.Contains(info, step.says) {
			t.Errorf("%d: %q, want %q", i, info, step.says)
		}
	}
}
