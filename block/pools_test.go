package block

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block/blocktest"
)

// A file system on devices of its own is known by its members. One that is missing is
// counted, and the others go on; of one that has a device that is not known nothing is.
func TestPools(t *testing.T) {
	tr := blocktest.New(t)
	tr.AddDisk(blocktest.Disk{Name: "sda", Address: "0:0:0:0", Device: blocktest.Device{Number: "8:0", Stat: still}})
	tr.AddMapping("dm-0", "vg-btr", "LVM-1", blocktest.Device{Number: "253:0", Stat: still})
	tr.AddVirtual("dm-1", blocktest.Device{})
	tr.AddBtrfs("11-22", "sda", "dm-0")
	tr.AddBtrfs("33-44", "dm-1", "sda")
	tr.AddBtrfs("55-66", "sda")
	tr.Link("sys/fs/btrfs/55-66/devices/sdz", "sys/block/sdz") // went while it was mounted
	tr.Write("sys/fs/btrfs/55-66/devinfo/1/missing", "0\n")
	tr.Write("sys/fs/btrfs/55-66/devinfo/2/missing", "1\n")
	tr.Write("sys/fs/btrfs/55-66/devinfo/3/missing", "0\n")
	tr.Dir("sys/fs/btrfs/features")
	tr.Link("sys/fs/bcachefs/77-88/dev-0/block", "sys/block/sda")
	tr.Dir("sys/fs/bcachefs/77-88/dev-1")
	type pool struct {
		UUID    string
		Devices []string
		Disks   int
		Lacks   int
	}
	shown := func(pools []Pool) (all []pool) {
		for _, p := range pools {
			s := pool{p.UUID, nil, p.Disks, p.Lacks}
			for _, d := range p.Devices {
				s.Devices = append(s.Devices, d.Name)
			}
			all = append(all, s)
		}
		return all
	}
	btrfs := system(tr).Btrfs()
	want := []pool{{"11-22", []string{"dm-0", "sda"}, 0, 0}, {"33-44", nil, 0, 0}, {"55-66", []string{"sda"}, 3, 2}}
	if diff := cmp.Diff(want, shown(btrfs)); diff != "" {
		t.Errorf("btrfs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]pool{{"77-88", []string{"sda"}, 0, 0}}, shown(system(tr).Bcachefs())); diff != "" {
		t.Errorf("bcachefs (-want +got):\n%s", diff)
	}
	if d := btrfs[0].Devices; !d[0].Called("vg-btr") || !d[1].Called("sda") || d[1].Called("") || !btrfs[0].Has(d[1]) || btrfs[2].Has(d[0]) {
		t.Errorf("%+v", btrfs)
	}
}

// The identities that statfs says of real file systems.
func TestPoolIDs(t *testing.T) {
	p := Pool{UUID: "01fd67a6-a52e-4f08-804d-bfbf679a61de"}
	for subvolume, want := range map[uint64][2]uint32{5: {0x81b0d819, 0xc2b42ed3}, 256: {0x81b0d819, 0xc2b42fd6}} {
		if id, ok := p.BtrfsID(subvolume); !ok || uint32(id[0]) != want[0] || uint32(id[1]) != want[1] {
			t.Errorf("subvolume %d is %x", subvolume, id)
		}
	}
	if id, ok := (Pool{UUID: "00000000-0000-0000-0100-000002000000"}).BcachefsID(); !ok || id != [2]int32{1, 2} {
		t.Errorf("bcachefs is %x", id)
	}
	for _, uuid := range []string{"", "11-22", "01fd67a6-a52e-4f08-804d-bfbf679a61", "01fd67a6-a52e-4f08-804d-bfbf679a61de00", "x1fd67a6-a52e-4f08-804d-bfbf679a61de"} {
		if _, ok := (Pool{UUID: uuid}).BtrfsID(5); ok {
			t.Errorf("%q is a UUID", uuid)
		}
	}
}
