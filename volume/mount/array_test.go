package mount

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

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
			tr := newTree(t)
			const stat = "1 0 8 1 1 0 8 1 0 1 1"
			tr.device("virtual/block/md0", "9:0", stat, "1")
			tr.device("virtual/block/md0/md0p1", "259:0", stat, "")
			tr.file("sys/devices/virtual/block/md0/md0p1/partition", "1\n")
			tr.device("virtual/block/dm-3", "253:3", stat, "1")
			tr.device("pci/sda", "8:1", stat, "1")
			tr.link("sys/devices/virtual/block/dm-3/slaves/md0p1", "../../md0/md0p1")
			tr.link("sys/devices/virtual/block/dm-3/slaves/dm-3", "../../dm-3") // a ring must not be walked for ever
			if tt.degraded != "" {
				tr.file("sys/devices/virtual/block/md0/md/degraded", tt.degraded)
				tr.file("sys/devices/virtual/block/md0/md/sync_action", tt.action)
				tr.file("sys/devices/virtual/block/md0/md/raid_disks", "2\n")
			}
			tr.file("proc/self/mountinfo", "1 0 "+tt.mounted+" / / rw - ext4 /dev/x rw\n")
			p := NewHost(Paths{Proc: filepath.Join(tr.root, "proc"), Sys: filepath.Join(tr.root, "sys")}, nil).NewPoint("/", time.Second)
			h := p.Look(t.Context()).Health(Want{})
			if h.Status != tt.want || !strings.Contains(h.Info, tt.says) {
				t.Errorf("%s %q, want %s %q", h.Status, h.Info, tt.want, tt.says)
			}
		})
	}
}
