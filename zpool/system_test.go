package zpool

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// host makes a tree of dev/…, sys/… and udev/…; a value "-> x" is a link to x.
// Files below sys/class/block/NAME stand where the kernel's link leads.
func host(tb testing.TB, files map[string]string) System {
	tb.Helper()
	dir := tb.TempDir()
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	// The kernel's links first, then what lies below them.
	names := slices.SortedFunc(maps.Keys(files), func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
	})
	for _, name := range names {
		path := filepath.Join(dir, name)
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		target, link := strings.CutPrefix(files[name], "-> ")
		if !link {
			must(os.WriteFile(path, []byte(files[name]), 0o644))
			continue
		}
		must(os.Symlink(target, path))
		if strings.HasPrefix(name, "sys/class/block/") && strings.Count(name, "/") == 3 {
			must(os.MkdirAll(filepath.Join(dir, "sys/class/block", target), 0o755))
		}
	}
	return System{Dev: filepath.Join(dir, "dev"), Sysfs: filepath.Join(dir, "sys"), Udev: filepath.Join(dir, "udev")}
}

func storageHost(tb testing.TB) System {
	const ata, virtual = "-> ../../devices/pci0/ata1/block/", "-> ../../devices/virtual/block/"
	return host(tb, map[string]string{
		"sys/class/block/sda": ata + "sda", "sys/class/block/sda1": ata + "sda/sda1", "sys/class/block/sda1/partition": "1\n",
		"sys/class/block/sdb": ata + "sdb", "sys/class/block/sdb1": ata + "sdb/sdb1", "sys/class/block/sdb1/partition": "1\n",
		"sys/class/block/sdc": ata + "sdc", "sys/class/block/sdaa": ata + "sdaa",
		"sys/class/block/cciss!c0d0": ata + "cciss!c0d0",

		"sys/class/block/nvme7n1":   "-> ../../devices/pci0/nvme/nvme2/nvme7n1",
		"sys/class/block/nvme0n1":   "-> ../../devices/pci0/nvme/nvme0/nvme0n1",
		"sys/class/block/nvme0n1p2": "-> ../../devices/pci0/nvme/nvme0/nvme0n1/nvme0n1p2", "sys/class/block/nvme0n1p2/partition": "2\n",
		// The kernel's own multipath: subsystem 4 has the controllers 6 and 5.
		"sys/class/block/nvme4n1":                     "-> ../../devices/virtual/nvme-subsystem/nvme-subsys4/nvme4n1",
		"sys/class/nvme-subsystem/nvme-subsys4/nqn":   "nqn.x\n",
		"sys/class/nvme-subsystem/nvme-subsys4/nvme6": "-> x", "sys/class/nvme-subsystem/nvme-subsys4/nvme5": "-> x",
		"sys/class/nvme-subsystem/nvme-subsys4/nvme4n1": "-> x",

		// Multipath over two paths, a partition of it, crypt over that.
		"sys/class/block/dm-0": virtual + "dm-0", "sys/class/block/dm-0/dm/uuid": "mpath-35000c500aaaa0009\n",
		"sys/class/block/dm-0/slaves/sdc": "-> x", "sys/class/block/dm-0/slaves/sdaa": "-> x",
		"sys/class/block/dm-1": virtual + "dm-1", "sys/class/block/dm-1/dm/uuid": "part1-mpath-35000c500aaaa0009\n", "sys/class/block/dm-1/slaves/dm-0": "-> x",
		"sys/class/block/dm-2": virtual + "dm-2", "sys/class/block/dm-2/dm/uuid": "CRYPT-LUKS2-1\n", "sys/class/block/dm-2/slaves/dm-1": "-> x",
		// A volume over two drives.
		"sys/class/block/dm-3": virtual + "dm-3", "sys/class/block/dm-3/dm/uuid": "LVM-1\n",
		"sys/class/block/dm-3/slaves/sda1": "-> x", "sys/class/block/dm-3/slaves/sdb": "-> x",
		// A loop that no kernel has.
		"sys/class/block/dm-9": virtual + "dm-9", "sys/class/block/dm-9/slaves/dm-9": "-> x",

		"dev/sda1": "", "dev/sdb": "", "dev/dm-0": "", "dev/dm-1": "", "dev/nvme0n1p2": "", "dev/cciss/c0d0": "",
		"dev/disk/by-id/wwn-0x5000c500aaaa0001-part1": "-> ../../sda1",
		"dev/disk/by-id/ata-EXAMPLE_B":                "-> ../../sdb",
		"dev/disk/by-id/dm-name-mpatha-part1":         "-> ../../mapper/mpatha-part1",
		"dev/disk/by-vdev/A0-part1":                   "-> ../../sda1",
		"dev/disk/by-partuuid/0a-1":                   "-> ../../sda1",
		"dev/disk/by-path/pci-0-ata-2":                "-> ../../sdb",
		"dev/mapper/mpatha":                           "-> ../dm-0",
		"dev/mapper/mpatha-part1":                     "-> /dev/dm-1",
		"dev/loop-a":                                  "-> loop-b", "dev/loop-b": "-> loop-a",
		"dev/out": "-> ../../../etc/passwd",

		"sys/class/block/sdb1/dev": "8:17\n", "udev/b8:17": "S:disk/by-vdev/B0-part1\nE:ID_WWN=0x1\nS:disk/by-id/ata-GONE-part1\n",
		"sys/class/block/sdc/dev": "8:32\n", "udev/b8:32": "S:disk/by-id/wwn-0x5000c500aaaa0009\n",
		"sys/class/block/dm-0/dev": "254:0\n", "udev/b254:0": "S:disk/by-id/wwn-0x5000c500aaaa0009\nS:mapper/mpathz\n",
	})
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
			s.Resolve(t.Context(), pools)
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
	storageHost(t).Resolve(ctx, pools)
	if got := pools[0].Vdevs[0].Device; got != "" {
		t.Errorf("found %s although udev may not be asked any more", got)
	}
}

func TestByDevice(t *testing.T) {
	pools := []Pool{
		{Name: "a", Vdevs: []Vdev{{ID: "1"}, {ID: "2", Devices: []string{"sda", "sdb"}}, {ID: "3", Devices: []string{"nvme0"}}}},
		{Name: "b", Vdevs: []Vdev{{ID: "4", Devices: []string{"nvme0"}}}},
	}
	got := make(map[string][]string)
	for device, members := range ByDevice(pools) {
		for _, m := range members {
			got[device] = append(got[device], m.Pool.Name+m.Vdev.ID)
		}
	}
	want := map[string][]string{"sda": {"a2"}, "sdb": {"a2"}, "nvme0": {"a3", "b4"}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
