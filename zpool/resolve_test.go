package zpool

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"storage_exporter/block"
	"storage_exporter/block/blocktest"
)

func storageHost(tb testing.TB) block.System {
	tr := blocktest.New(tb)
	type device = blocktest.Device
	disk := func(name string, address int, d device) {
		tr.AddDisk(blocktest.Disk{Name: name, Address: fmt.Sprintf("0:0:%d:0", address), Device: d})
	}
	disk("sda", 0, device{})
	disk("sdb", 1, device{Links: []string{"disk/by-id/ata-EXAMPLE_B", "disk/by-path/pci-0-ata-2"}})
	disk("sdc", 2, device{Number: "8:32"})
	disk("sdaa", 3, device{})
	disk("cciss!c0d0", 4, device{})
	tr.AddPart("sda", "sda1", device{Links: []string{"disk/by-id/wwn-0x5000c500aaaa0001-part1", "disk/by-vdev/A0-part1", "disk/by-partuuid/0a-1"}})
	tr.AddPart("sdb", "sdb1", device{Number: "8:17"})

	tr.AddNVMe(blocktest.NVMe{Name: "nvme2", Spaces: []blocktest.Space{{Number: 1, Name: "nvme7n1"}}})
	tr.AddNVMe(blocktest.NVMe{Name: "nvme0", Spaces: []blocktest.Space{{Number: 1}}})
	tr.AddPart("nvme0n1", "nvme0n1p2", device{})
	for _, name := range []string{"nvme6", "nvme5"} { // the kernel's own multipath
		tr.AddNVMe(blocktest.NVMe{Name: name, NQN: "nqn.x", Subsystem: new(4), Spaces: []blocktest.Space{{Number: 1}}})
	}

	// Multipath over two paths, a partition of it, crypt over that.
	tr.AddMapping("dm-0", "mpatha", "mpath-35000c500aaaa0009", device{Number: "254:0"}, "sdc", "sdaa")
	tr.AddMapping("dm-1", "mpatha-part1", "part1-mpath-35000c500aaaa0009", device{}, "dm-0")
	tr.AddMapping("dm-2", "", "CRYPT-LUKS2-1", device{}, "dm-1")
	// A volume over two drives.
	tr.AddMapping("dm-3", "", "LVM-1", device{}, "sda1", "sdb")
	// A loop that no kernel has.
	tr.AddVirtual("dm-9", device{}, "dm-9")

	tr.Symlink("dev/disk/by-id/dm-name-mpatha-part1", "../../mapper/mpatha-part1")
	tr.Symlink("dev/mapper/mpatha-part1", "/dev/dm-1")
	tr.Symlink("dev/loop-a", "loop-b")
	tr.Symlink("dev/loop-b", "loop-a")
	tr.Symlink("dev/out", "../../../etc/passwd")
	for _, gone := range []string{"sda", "sdc", "sdaa", "sdb1", "dm-2", "dm-3", "dm-9", "nvme7n1", "nvme4n1"} {
		tr.Remove("dev/" + gone)
	}
	tr.Record("8:17", "S:disk/by-vdev/B0-part1", "E:ID_WWN=0x1", "S:disk/by-id/ata-GONE-part1")
	tr.Record("8:32", "S:disk/by-id/wwn-0x5000c500aaaa0009")
	tr.Record("254:0", "S:disk/by-id/wwn-0x5000c500aaaa0009", "S:mapper/mpathz")
	return block.System{Sys: tr.Sys(), Dev: tr.Dev(), Udev: tr.Udev()}
}

func TestResolve(t *testing.T) {
	s := storageHost(t)
	disk := func(path, state string) Vdev {
		return Vdev{Leaf: true, Type: typeDisk, Name: path, Path: path, State: state}
	}
	with := func(v Vdev, devid, phys string) Vdev { v.DevID, v.PhysPath = devid, phys; return v }
	tests := []struct {
		name string
		vdev Vdev
		want string // the device, then the others
	}{
		{"kernel name of a partition", disk("/dev/sda1", online), "sda"},
		{"whole disk", disk("/dev/sdb", online), "sdb"},
		{"by-id", disk("/dev/disk/by-id/wwn-0x5000c500aaaa0001-part1", online), "sda"},
		{"by-vdev", disk("/dev/disk/by-vdev/A0-part1", online), "sda"},
		{"by-partuuid", disk("/dev/disk/by-partuuid/0a-1", online), "sda"},
		{"a name with a slash", disk("/dev/cciss/c0d0", online), "cciss_c0d0"},
		{"NVMe partition", disk("/dev/nvme0n1p2", online), "nvme0"},
		{"NVMe whose numbers differ", disk("/dev/nvme7n1", online), "nvme2"},
		{"NVMe with the kernel's multipath", disk("/dev/nvme4n1", online), "nvme5 nvme6"},
		{"multipath, sdc before sdaa", disk("/dev/mapper/mpatha", online), "sdc sdaa"},
		{"partition of multipath", disk("/dev/disk/by-id/dm-name-mpatha-part1", online), "sdc sdaa"},
		{"crypt over multipath", disk("/dev/dm-2", online), "sdc sdaa"},
		{"a volume over two drives is on neither", disk("/dev/dm-3", online), "- sda sdb"},
		{"no node in /dev", disk("/dev/sdc", online), "sdc"},
		{"no link in /dev, by udev", disk("/dev/disk/by-vdev/B0-part1", online), "sdb"},
		{"a name that udev gave to all paths", disk("/dev/disk/by-id/wwn-0x5000c500aaaa0009", online), "sdc sdaa"},
		{"mapper by udev", disk("/dev/mapper/mpathz", online), "sdc sdaa"},
		{"spare", disk("/dev/disk/by-vdev/A0-part1", avail), "sda"},
		{"not with -P", Vdev{Leaf: true, Type: typeDisk, Name: "A0-part1", State: online}, "sda"},
		{"not with -P, kernel name", Vdev{Leaf: true, Type: typeDisk, Name: "sda1", State: online}, "sda"},

		{"the path leads nowhere, devid does", with(disk("/dev/disk/by-vdev/X9", online), "ata-GONE-part1", ""), "sdb"},
		{"only the slot is known", with(disk("/dev/disk/by-vdev/X9", online), "", "pci-0-ata-2"), "sdb"},
		{"faulted: another disk may have the name", with(disk("/dev/sda1", "FAULTED"), "ata-EXAMPLE_B", ""), "sdb"},
		{"faulted, nothing else known", disk("/dev/sda1", "FAULTED"), "sda"},
		{"missing: another disk has the name", disk("/dev/sda1", unavail), "-"},
		{"missing: another disk is in the slot", with(disk("/dev/disk/by-vdev/A0-part1", removed), "", "pci-0-ata-2"), "-"},
		{"missing, but plugged in elsewhere", with(disk("/dev/sda1", removed), "ata-EXAMPLE_B", ""), "sdb"},
		{"missing, by-id", disk("/dev/disk/by-id/wwn-0x5000c500aaaa0001-part1", removed), "sda"},
		{"missing, of any state", Vdev{Leaf: true, Type: typeDisk, Name: "123", Path: "/dev/sda1", State: "FAULTED", NotPresent: true}, "-"},
		{"missing log", Vdev{Leaf: true, Type: typeMissing, Path: "/dev/sda1", State: online}, "-"},

		{"a state that is not known", disk("/dev/sda1", "REPLACED"), "sda"},
		{"nothing", disk("/dev/sdzz", online), "-"},
		{"file", Vdev{Leaf: true, Type: typeFile, Path: "/dev/sda1", State: online}, "-"},
		{"group", Vdev{Type: "mirror", Name: "mirror-0", State: online}, "-"},
		{"distributed spare", Vdev{Leaf: true, Type: typeDspare, Name: "draid2-0-0", State: avail}, "-"},
		{"links in a circle", disk("/dev/loop-a", online), "-"},
		{"layers in a circle", disk("/dev/dm-9", online), "-"},
		{"out of /dev", disk("/dev/../etc/passwd", online), "-"},
		{"a link out of /dev", disk("/dev/out", online), "-"},
		{"out by devid", with(disk("/dev/x", online), "../../sda1", "../by-vdev/A0-part1"), "-"},
		{"out by name", Vdev{Leaf: true, Type: typeDisk, Name: "../sda1", State: online}, "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pools := []Pool{{Vdevs: []Vdev{tt.vdev}}}
			Resolve(t.Context(), s, pools)
			v := pools[0].Vdevs[0]
			got := strings.Join(v.Devices, " ")
			if v.Device == "" {
				got = strings.TrimSpace("- " + got)
			} else if len(v.Devices) == 0 || v.Device != v.Devices[0] {
				t.Errorf("device %q of %q", v.Device, v.Devices)
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestResolveStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pools := []Pool{{Vdevs: []Vdev{{Leaf: true, Path: "/dev/disk/by-vdev/B0-part1", State: online}}}}
	Resolve(ctx, storageHost(t), pools)
	if got := pools[0].Vdevs[0].Device; got != "" {
		t.Errorf("found %s although udev may not be asked any more", got)
	}
}
