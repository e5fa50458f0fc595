package smart

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block"
	"storage_exporter/block/blocktest"
	"storage_exporter/smart/smartctl"
)

// at is a scanned device of a drive; an empty serial number is one that the
// system does not know.
func at(name, wwn, serial string) Device {
	return Device{Name: "/dev/" + name, Type: smartctl.Auto, Identity: block.Identity{WWN: wwn, Model: "EX", Serial: serial}}
}

func TestSelection(t *testing.T) {
	const one, two = "0x5000c50000000aaa", "0x5000c50000000bbb"
	scanned := []Device{{Name: "/dev/sda", Type: smartctl.Auto}, {Name: "/dev/sdb", Type: smartctl.Auto}, {Name: "/dev/nvme0", Type: "nvme"}, {Name: "/dev/sda", Type: "sat"}, {Name: "bad", Type: "sat"}}
	lun := func(name string) Device {
		return Device{Name: "/dev/" + name, Type: smartctl.Auto, Virtual: "iSCSI LUN"}
	}
	offline := at("sda", one, "A")
	offline.Offline = true
	otherModel := at("sdb", one, "A")
	otherModel.Identity.Model = "OTHER"
	nvme := func(name, nqn, serial string) Device {
		return Device{Name: "/dev/" + name, Type: "nvme", Identity: block.Identity{Serial: serial, Model: "EX", NQN: nqn}}
	}
	tests := []struct {
		name    string
		with    selection
		scanned []Device
		want    []string // label, type, other paths
		leftOut int
	}{
		{"all, each label once", selection{}, scanned, []string{"nvme0 nvme", "sda auto", "sdb auto"}, 0},
		{"include", selection{include: regexp.MustCompile("^sd")}, scanned, []string{"sda auto", "sdb auto"}, 0},
		{"exclude is unanchored", selection{exclude: regexp.MustCompile("b|me")}, scanned, []string{"sda auto"}, 0},
		{"configured devices are not filtered and come first", selection{
			exclude: regexp.MustCompile("sd"), devices: []Device{{Name: "/dev/sdb", Type: "sat"}},
		}, scanned, []string{"sdb sat", "nvme0 nvme"}, 0},

		{"two paths are one drive, by the name counted first", selection{}, []Device{at("sdq", one, "A"), at("sdb", two, "B"), at("sda", one, "A"), at("sdaa", one, "A")},
			[]string{"sda auto sda sdq sdaa", "sdb auto"}, 0},
		{"a configured path counts", selection{devices: []Device{at("sdq", one, "A")}}, []Device{at("sda", one, "A"), at("sdq", one, "A")}, []string{"sdq auto sda sdq"}, 0},
		{"both paths configured: the first", selection{devices: []Device{at("sdq", one, "A"), at("sda", one, "A")}}, nil, []string{"sdq auto sda sdq"}, 0},
		{"a path that is excluded is none", selection{exclude: regexp.MustCompile("^sda$")}, []Device{at("sda", one, "A"), at("sdq", one, "A")}, []string{"sdq auto"}, 0},
		{"a path that the kernel has given up comes last", selection{}, []Device{offline, at("sdq", one, "A")}, []string{"sdq auto sda sdq"}, 0},
		{"cheap drives share a WWN", selection{}, []Device{at("sda", one, "A"), at("sdb", one, "B")}, []string{"sda auto", "sdb auto"}, 0},
		{"also of different models", selection{}, []Device{at("sda", one, "A"), otherModel}, []string{"sda auto", "sdb auto"}, 0},
		{"a WWN without a serial number is not enough", selection{}, []Device{at("sda", one, ""), at("sdb", one, "")}, []string{"sda auto", "sdb auto"}, 0},
		{"nor a serial number without a WWN", selection{}, []Device{at("sda", "", "0123456789"), at("sdb", "", "0123456789")}, []string{"sda auto", "sdb auto"}, 0},
		{"two actuators are two", selection{}, []Device{at("sda", one, "A"), at("sdb", two, "A")}, []string{"sda auto", "sdb auto"}, 0},
		{"controllers of one NVMe subsystem", selection{}, []Device{nvme("nvme1", "nqn.x:A", "A"), nvme("nvme0", "nqn.x:A", "A"), nvme("nvme2", "nqn.x:C", "C")},
			[]string{"nvme0 nvme nvme0 nvme1", "nvme2 nvme"}, 0},
		{"NVMe drives that share a name", selection{}, []Device{nvme("nvme0", "nqn.x", "A"), nvme("nvme1", "nqn.x", "B")}, []string{"nvme0 nvme", "nvme1 nvme"}, 0},

		{"virtual disks", selection{}, []Device{lun("sdb"), at("sda", one, "A"), lun("sdc")}, []string{"sda auto"}, 2},
		{"a virtual disk that is configured", selection{devices: []Device{{Name: "/dev/sdb", Type: "scsi"}}}, []Device{lun("sdb"), lun("sdc")}, []string{"sdb scsi"}, 1},
		{"a virtual disk that is included", selection{include: regexp.MustCompile("^sdb")}, []Device{lun("sdb"), lun("sdc")}, []string{"sdb auto"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			chosen := tt.with.choose(tt.scanned, nil)
			for _, d := range chosen.set {
				line := d.Label() + " " + d.Type
				if len(d.others) > 0 {
					line += " " + strings.Join(d.ways(), " ")
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("chosen (-want +got):\n%s", diff)
			}
			if len(chosen.virtual) != tt.leftOut {
				t.Errorf("left out %v, want %d", chosen.virtual, tt.leftOut)
			}
		})
	}
	many := []Device{{Name: "/dev/x", Type: "sat"}}
	for i := range smartctl.MaxDevices + 10 {
		many = append(many, Device{Name: "/dev/" + blocktest.DiskName(i), Type: "sat"})
	}
	if got := (selection{}).choose(many, nil); len(got.set) != smartctl.MaxDevices || got.beyond != 11 {
		t.Errorf("%d drives and %d beyond the limit", len(got.set), got.beyond)
	}
}

// ways are the labels of all devices that lead to the drive, as people count.
func (c chosen) ways() []string {
	return slices.SortedFunc(slices.Values(append([]string{c.Label()}, c.others...)), block.CompareNames)
}
