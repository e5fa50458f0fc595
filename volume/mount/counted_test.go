package mount

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/block/blocktest"
	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

// counts are so many reads and writes of 4 KiB, of 2 and 3 ms each.
func counts(reads, writes int) string {
	return fmt.Sprintf("%d 0 %d %d %d 0 %d %d 0 0 0", reads, 8*reads, 2*reads, writes, 8*writes, 3*writes)
}

// neighbours is a host with devices upon each other.
type neighbours struct{ *blocktest.Tree }

func (n neighbours) disk(name, number, iostats string) {
	n.AddDisk(blocktest.Disk{Name: name, Address: name, Device: blocktest.Device{Number: number, Stat: counts(0, 0), IOStats: iostats}})
}

func (n neighbours) part(disk, name, number string) {
	n.AddPart(disk, name, blocktest.Device{Number: number, Stat: counts(0, 0)})
}

func (n neighbours) md(name, number, level, iostats string, members ...string) {
	place := n.AddVirtual(name, blocktest.Device{Number: number, Stat: counts(0, 0), IOStats: iostats}, members...)
	n.Attribute(place, "md/level", level)
}

func (n neighbours) dm(name, number, uuid, iostats string, slaves ...string) {
	n.AddMapping(name, "", uuid, blocktest.Device{Number: number, Stat: counts(0, 0), IOStats: iostats}, slaves...)
}

// head makes nvme0n1, or of another subsystem, with two paths.
func (n neighbours) head(subsystem int, number, iostats, paths string) {
	for i := range 2 {
		name := fmt.Sprint("nvme", 2*subsystem+i)
		n.AddNVMe(blocktest.NVMe{Name: name, NQN: fmt.Sprint("nqn.", subsystem), Subsystem: &subsystem, Spaces: []blocktest.Space{{
			Number: 1, Device: blocktest.Device{Number: number, Stat: counts(0, 0), IOStats: iostats},
		}}})
		path := fmt.Sprintf("sys/class/nvme/%s/nvme%dc%dn1", name, subsystem, 2*subsystem+i)
		n.Write(path+"/stat", counts(0, 0))
		n.Write(path+"/queue/iostats", paths+"\n")
	}
}

// figures are reads a second, bytes read a second, and microseconds of a read; the
// same of writes.
type figures struct{ iopsRead, bytesRead, usecRead, iopsWrite, bytesWrite, usecWrite float64 }

func of(reads, writes float64) figures {
	f := figures{reads, 4096 * reads, 2000, writes, 4096 * writes, 3000}
	if reads == 0 {
		f.usecRead = none
	}
	if writes == 0 {
		f.usecWrite = none
	}
	return f
}

var rests = of(0, 0)

// A counter that stands still while those move that carry the same I/O does not count.
func TestCounted(t *testing.T) {
	type step struct {
		counted map[string]string
		want    any // figures; words of why there are none; nil for no sample
	}
	steps := func(all ...step) []step { return append([]step{{nil, nil}}, all...) }
	members := func(a, b int) map[string]string { return map[string]string{"sda": counts(a, a), "sdb": counts(b, b)} }
	paths := func(a, b int) map[string]string {
		return map[string]string{"nvme0c0n1": counts(a, a), "nvme0c1n1": counts(b, b)}
	}
	twoDisks := func(n neighbours) { n.disk("sda", "8:0", "1"); n.disk("sdb", "8:16", "1") }
	for name, tt := range map[string]struct {
		build   func(neighbours)
		mounted string // as in mountinfo: number, root, ...
		steps   []step
	}{
		"RAID 0 that stands still": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid0", "1", "sda", "sdb") }, "9:0", steps(
			step{members(10, 30), of(40, 40)}, step{nil, rests}, step{members(20, 40), of(20, 20)},
		)},
		"RAID 0 that counts next to nothing": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid0", "1", "sda", "sdb") }, "9:0", steps(
			step{map[string]string{"sda": counts(1000, 0), "sdb": counts(1000, 7), "md0": counts(52, 0)}, figures{2000, 8192000, 2000, 7, 28672, 3000}},
			step{map[string]string{"sda": counts(1010, 0), "sdb": counts(1010, 7)}, of(20, 0)},
		)},
		"RAID 0 that counts": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid0", "1", "sda", "sdb") }, "9:0", steps(
			step{map[string]string{"sda": counts(20, 20), "sdb": counts(20, 20), "md0": counts(36, 36)}, of(36, 36)},
			step{members(21, 21), rests}, // read by others, as udev does
		)},
		"LVM that counts although it is off": {func(n neighbours) { twoDisks(n); n.dm("dm-0", "253:0", "LVM-12", "0", "sda") }, "253:0", steps(
			step{map[string]string{"sda": counts(9, 9), "dm-0": counts(9, 9)}, of(9, 9)}, step{members(99, 9), rests}, // read past it
			step{map[string]string{"sda": counts(999, 10), "dm-0": counts(10, 10)}, of(1, 1)},
		)},
		"RAID 0 that counts, until it is switched off": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid0", "1", "sda", "sdb") }, "9:0", steps(
			step{map[string]string{"sda": counts(20, 20), "sdb": counts(20, 20), "md0": counts(40, 40)}, of(40, 40)},
			step{map[string]string{"sda": counts(30, 30), "sdb": counts(30, 30), "md0/queue/iostats": "0"}, of(20, 20)},
		)},
		"linear": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "linear", "1", "sda", "sdb") }, "9:0", steps(step{members(10, 0), of(10, 10)})},
		"reads stand still": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid0", "1", "sda", "sdb") }, "9:0", steps(
			step{map[string]string{"sda": counts(5, 5), "sdb": counts(5, 5), "md0": counts(0, 10)}, of(10, 10)},
		)},
		"a mirror that stands still": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid1", "1", "sda", "sdb") }, "9:0", steps(
			step{nil, rests}, step{members(10, 10), "the kernel does not count what is done on md0"}, step{nil, rests},
		)},
		"a mirror that counts": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid1", "1", "sda", "sdb") }, "9:0", steps(
			step{map[string]string{"sda": counts(0, 10), "sdb": counts(0, 10), "md0": counts(0, 10)}, of(0, 10)},
			step{map[string]string{"sda": counts(500, 10), "sdb": counts(500, 10)}, rests}, // a check
		)},
		"RAID 5 that is switched off": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid5", "0", "sda", "sdb") }, "9:0", steps(
			step{members(10, 10), "md0: write 1 to /sys/block/md0/queue/iostats"},
		)},
		"a mirror that counts although it is off": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid1", "0", "sda", "sdb") }, "9:0", steps(
			step{nil, rests}, step{map[string]string{"sda": counts(0, 10), "sdb": counts(0, 10), "md0": counts(0, 10)}, of(0, 10)}, step{nil, rests},
		)},
		"RAID 0 of disks that are switched off": {func(n neighbours) {
			n.disk("sda", "8:0", "0")
			n.disk("sdb", "8:16", "1")
			n.md("md0", "9:0", "raid0", "0", "sda", "sdb")
		}, "9:0", steps(step{members(0, 10), "md0: write 1 to /sys/block/md0/queue/iostats"})},
		"a volume of a RAID container": {func(n neighbours) {
			twoDisks(n)
			n.md("md127", "9:127", "container", "1", "sda", "sdb")
			n.md("md126", "9:126", "raid0", "1", "sda", "sdb")
		}, "9:126", steps(step{members(10, 0), of(10, 10)})},
		"two volumes of a RAID container": {func(n neighbours) {
			twoDisks(n)
			n.md("md125", "9:125", "raid0", "1", "sda", "sdb")
			n.md("md126", "9:126", "raid0", "1", "sda", "sdb")
		}, "9:126", steps(step{members(10, 0), rests})}, // maybe the other's

		"an NVMe head of older kernels": {func(n neighbours) { n.head(0, "259:0", "0", "1") }, "259:0", steps(
			step{paths(10, 20), of(30, 30)}, step{nil, rests}, step{paths(11, 20), of(1, 1)},
		)},
		"an NVMe head of newer kernels": {func(n neighbours) { n.head(0, "259:0", "1", "1") }, "259:0", steps(
			step{map[string]string{"nvme0c0n1": counts(10, 10), "nvme0c1n1": counts(5, 5), "nvme0n1": counts(15, 15)}, of(15, 15)},
		)},
		"a path comes": {func(n neighbours) { n.head(0, "259:0", "0", "1"); n.Remove("sys/class/nvme/nvme1/nvme0c1n1/stat") }, "259:0", steps(
			step{map[string]string{"nvme0c0n1": counts(10, 10)}, "nvme0n1"}, // what is not to be read is not known
			step{map[string]string{"nvme0c0n1": counts(20, 20), "nvme0c1n1": counts(7, 7)}, nil},
			step{map[string]string{"nvme0c0n1": counts(30, 30), "nvme0c1n1": counts(9, 9)}, of(12, 12)},
		)},
		"an NVMe head whose paths are switched off": {func(n neighbours) { n.head(0, "259:0", "0", "0") }, "259:0", steps(
			step{paths(0, 0), "nvme0c0n1: write 1 to /sys/block/nvme0c0n1/queue/iostats"},
		)},
		"the partition of an NVMe head": {func(n neighbours) { n.head(0, "259:0", "0", "1"); n.part("nvme0n1", "nvme0n1p1", "259:1") }, "259:1", steps(
			step{paths(10, 20), of(30, 30)}, step{nil, rests},
		)},
		"one of several partitions": {func(n neighbours) {
			n.head(0, "259:0", "0", "1")
			n.part("nvme0n1", "nvme0n1p1", "259:1")
			n.part("nvme0n1", "nvme0n1p2", "259:2")
		}, "259:2", steps(step{nil, rests}, step{paths(10, 20), "the kernel does not count what is done on nvme0n1p2"})},
		"a partition of a head that counts": {func(n neighbours) {
			n.head(0, "259:0", "1", "1")
			n.part("nvme0n1", "nvme0n1p1", "259:1")
			n.part("nvme0n1", "nvme0n1p2", "259:2")
		}, "259:2", steps(step{map[string]string{"nvme0c0n1": counts(9, 9), "nvme0n1": counts(9, 9)}, rests})},
		"RAID 0 of NVMe heads": {func(n neighbours) {
			n.head(0, "259:0", "0", "1")
			n.head(1, "259:9", "0", "1")
			n.md("md0", "9:0", "raid0", "1", "nvme0n1", "nvme1n1")
		}, "9:0", steps(step{map[string]string{"nvme0c1n1": counts(3, 3), "nvme1c2n1": counts(4, 4)}, of(7, 7)})},

		"multipath that is switched off": {func(n neighbours) { twoDisks(n); n.dm("dm-0", "253:0", "mpath-3500", "0", "sda", "sdb") }, "253:0", steps(step{members(3, 4), of(7, 7)})},
		"its partition": {func(n neighbours) {
			twoDisks(n)
			n.dm("dm-0", "253:0", "mpath-3500", "0", "sda", "sdb")
			n.dm("dm-1", "253:1", "part1-mpath-3500", "0", "dm-0")
		}, "253:1", steps(step{members(3, 4), of(7, 7)})},
		"encryption":               {func(n neighbours) { twoDisks(n); n.dm("dm-0", "253:0", "CRYPT-LUKS2-1-x", "0", "sda") }, "253:0", steps(step{members(3, 9), of(3, 3)})},
		"integrity":                {func(n neighbours) { twoDisks(n); n.dm("dm-0", "253:0", "CRYPT-INTEGRITY-x", "1", "sda") }, "253:0", steps(step{members(3, 9), "does not count"})},
		"LVM on a disk of its own": {func(n neighbours) { twoDisks(n); n.dm("dm-0", "253:0", "LVM-12", "0", "sda") }, "253:0", steps(step{members(3, 9), of(3, 3)}, step{nil, rests})},
		"LVM beside another": {func(n neighbours) {
			twoDisks(n)
			n.dm("dm-0", "253:0", "LVM-12", "1", "sda")
			n.dm("dm-1", "253:1", "LVM-13", "1", "sda")
		}, "253:0", steps(step{members(3, 9), rests})},
		"the same, and off": {func(n neighbours) {
			twoDisks(n)
			n.dm("dm-0", "253:0", "LVM-12", "0", "sda")
			n.dm("dm-1", "253:1", "LVM-13", "1", "sda")
		}, "253:0", steps(
			step{members(3, 9), "write 1 to /sys/block/dm-0/queue/iostats"}, step{map[string]string{"dm-0": counts(1, 1)}, of(1, 1)}, step{nil, rests},
		)},
		"LVM's own RAID": {func(n neighbours) {
			twoDisks(n)
			n.dm("dm-0", "253:0", "LVM-12", "1", "sda")
			n.dm("dm-1", "253:1", "LVM-13", "1", "sdb")
			n.dm("dm-2", "253:2", "LVM-14", "1", "dm-0", "dm-1")
		}, "253:2", steps(step{map[string]string{"sda": counts(3, 3), "sdb": counts(3, 3), "dm-0": counts(3, 3), "dm-1": counts(3, 3)}, "does not count"})},
		"LVM on RAID 0, neither counts": {func(n neighbours) {
			twoDisks(n)
			n.md("md0", "9:0", "raid0", "1", "sda", "sdb")
			n.dm("dm-0", "253:0", "LVM-12", "0", "md0")
		}, "253:0", steps(step{members(3, 4), of(7, 7)})},

		"bcache": {func(n neighbours) { twoDisks(n); n.md("bcache0", "252:0", "", "0", "sda", "sdb") }, "252:0", steps(
			step{map[string]string{"sda": counts(3, 3), "bcache0": counts(9, 9)}, of(9, 9)}, step{nil, rests}, step{members(99, 99), rests},
		)},
		"bcache that stands still":    {func(n neighbours) { twoDisks(n); n.md("bcache0", "252:0", "", "1", "sda", "sdb") }, "252:0", steps(step{members(3, 4), "does not count"})},
		"a loop that is switched off": {func(n neighbours) { n.md("loop0", "7:0", "", "0") }, "7:0", steps(step{nil, "write 1 to /sys/block/loop0/queue/iostats"})},
		"a loop that rests":           {func(n neighbours) { n.md("loop0", "7:0", "", "1") }, "7:0", steps(step{nil, rests}, step{map[string]string{"loop0": counts(4, 4)}, of(4, 4)})},
		"a disk that is switched off": {func(n neighbours) { n.disk("sda", "8:0", "0") }, "8:0", steps(
			step{map[string]string{"sda": counts(3, 3)}, "the kernel counts nothing for sda: write 1 to /sys/block/sda/queue/iostats"},
			step{map[string]string{"sda": counts(5, 5), "sda/queue/iostats": "1"}, of(2, 2)},
		)},
		"its partition, which has its queue": {func(n neighbours) { n.disk("sda", "8:0", "0"); n.part("sda", "sda1", "8:1") }, "8:1", steps(
			step{nil, "the kernel counts nothing for sda1: write 1 to /sys/block/sda/queue/iostats"},
		)},
		"a disk beside a busy one": {twoDisks, "8:0", steps(step{map[string]string{"sdb": counts(9, 9)}, rests})},
		"btrfs on two":             {func(n neighbours) { twoDisks(n); n.AddBtrfs("11-22", "sda", "sdb") }, "0:40", steps(step{members(3, 4), of(7, 7)}, step{members(3, 5), of(1, 1)})},
		"btrfs on an NVMe head and a disk": {func(n neighbours) {
			n.disk("sda", "8:0", "1")
			n.head(0, "259:0", "0", "1")
			n.AddBtrfs("11-22", "sda", "nvme0n1")
		}, "0:40", steps(
			step{map[string]string{"sda": counts(3, 3), "nvme0c0n1": counts(4, 4)}, of(7, 7)},
		)},
		"btrfs, one switched off": {func(n neighbours) {
			n.disk("sda", "8:0", "1")
			n.disk("sdb", "8:16", "0")
			n.AddBtrfs("11-22", "sda", "sdb")
		}, "0:40", steps(
			step{members(3, 4), "sdb: write 1 to"},
		)},
		"a reset": {func(n neighbours) { twoDisks(n); n.md("md0", "9:0", "raid0", "1", "sda", "sdb") }, "9:0", steps(
			step{members(10, 10), of(20, 20)}, step{members(10, 3), nil}, step{members(11, 4), of(2, 2)},
		)},
	} {
		t.Run(name, func(t *testing.T) {
			n := neighbours{blocktest.New(t)}
			tt.build(n)
			synctest.Test(t, func(t *testing.T) {
				host := hostOf(n.Tree)
				p := host.NewPoint("/", time.Second)
				fstype := "ext4"
				if strings.HasPrefix(tt.mounted, "0:") {
					fstype = "btrfs"
				}
				mounts(n.Tree, "1 0 "+tt.mounted+" / / rw - "+fstype+" /dev/root rw")
				table, err := host.Mounts()
				if err != nil {
					t.Fatal(err)
				}
				for i, s := range tt.steps {
					for name, content := range s.counted {
						place := "sys/class/block/" + name + "/stat"
						if strings.Contains(name, "/") {
							place = "sys/class/block/" + name
						}
						n.Write(place, content+"\n")
					}
					did, _, err := p.rates(t.Context(), table[0], table)
					switch want := s.want.(type) {
					case nil:
						if !errors.Is(err, volume.ErrNoSample) && (i > 0 || !errors.Is(err, volume.ErrUnsupported)) {
							t.Errorf("%d: %+v, %v, want no sample", i, volumetest.Figures(did), err)
						}
					case string:
						if !errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), want) || strings.Contains(want, "does not count") && strings.Contains(err.Error(), "write 1") {
							t.Errorf("%d: %+v, %v, want %q", i, volumetest.Figures(did), err, want)
						}
					case figures:
						got := volumetest.Figures(did)
						expected := []float64{want.iopsRead, want.iopsWrite, want.bytesRead, want.bytesWrite, want.usecRead, want.usecWrite}
						if diff := cmp.Diff(fmt.Sprint(expected), fmt.Sprint(got)); diff != "" || err != nil {
							t.Errorf("%d: %v (-want +got):\n%s", i, err, diff)
						}
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
}
