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
