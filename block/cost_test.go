package block

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
)

// What is read grows with what is asked for, not with the host, and no slot's file,
// which would cost an SES command, is among it.
func TestCost(t *testing.T) {
	tr := enclosuretest.New(t)
	const slots = 40
	tr.DualEnclosure(1, slots, 0, "0x5003048000000a00", "0x5003048000000a00") // two disks for each slot but one
	for i := range 2 * (slots - 1) {
		number := fmt.Sprintf("%d:%d", 8+i/16, 16*(i%16))
		disk := tr.Resolve("sys/class/block/" + blocktest.DiskName(i))
		tr.AddDevice(disk, blocktest.Device{
			Number: number, Stat: still, IOStats: "1", Links: []string{fmt.Sprint("disk/by-vdev/A", i)}, Udev: []string{"ID_WWN=0x1"},
		})
		tr.AddPart(blocktest.DiskName(i), blocktest.DiskName(i)+"1", blocktest.Device{})
	}
	tr.AddNVMe(blocktest.NVMe{Name: "nvme0", Serial: "NV0", NQN: "nqn.0", Subsystem: new(0), Spaces: []blocktest.Space{{Number: 1}}})
	s := system(tr.Tree)
	opened := watch(t, tr.Tree)
	for _, tt := range []struct {
		name string
		most int
		only string // what all files lie in, where it is one device
		call func() bool
	}{
		{"all disks", 2*(slots-1)*9 + 20, "", func() bool { return len(s.Disks()) == 2*(slots-1)+2 }},
		{"one disk", 5, "1:0:5:0", func() bool { return s.Identify("/dev/sdf").Serial == "EX01S0005" }},
		{"a partition", 5, "1:0:5:0", func() bool { return s.Identify("/dev/sdf1").Serial == "EX01S0005" }},
		{"a namespace", 6, "nvme", func() bool { return s.Identify("/dev/nvme0n1").Serial == "NV0" }},
		{"its state", 1, "1:0:5:0", func() bool { return !s.Offline("/dev/sdf") }},
		{"its maker", 2, "1:0:5:0", func() bool { return s.Maker("/dev/sdf").Model != "" }},
		{"its names", 2, "1:0:5:0", func() bool { return len(s.Names("/dev/sdf1")) == 1 }},
		{"a link", 0, "", func() bool { return s.Index(t.Context()).Node("/dev/disk/by-vdev/A5") == "sdf" }},
		{"its counters", 2, "1:0:5:0", func() bool {
			d, ok := s.Numbered("8:80")
			c, err := s.Counter(d)
			return ok && err == nil && !c.Off
		}},
	} {
		if !tt.call() {
			t.Errorf("%s: not found", tt.name)
		}
		sum := 0
		for path, n := range opened.take() {
			sum += n
			switch filepath.Base(path) {
			case "status", "fault", "locate", "power_status", "active", "slot":
				t.Errorf("%s: opened %s", tt.name, path)
			}
			if !strings.Contains(path, tt.only) {
				t.Errorf("%s: opened %s", tt.name, path)
			}
		}
		if sum > tt.most || sum == 0 && tt.name == "all disks" {
			t.Errorf("%s: %d files opened, at most %d", tt.name, sum, tt.most)
		}
	}
}
