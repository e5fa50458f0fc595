package mount

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/block/blocktest"
	"storage_exporter/volume"
)

// hostOf is the host of a tree with proc/… and sys/….
func hostOf(tr *blocktest.Tree) *Host {
	return NewHost(Paths{Proc: tr.Path("proc"), Sys: tr.Sys()}, nil)
}

func mounts(tr *blocktest.Tree, lines ...string) {
	tr.Write("proc/self/mountinfo", strings.Join(lines, "\n")+"\n")
}

// ops makes a stat file of n reads.
func ops(n string) string { return n + " 0 8 1 2 0 8 1 0 0 0" }

// objset is what a dataset has counted, with so many reads.
func objset(reads int) string {
	return fmt.Sprintf("31 1 0x01 7 2160 1 2\nname type data\ndataset_name 7 tank/vf\nwrites 4 5\nnwritten 4 50\nreads 4 %d\nnread 4 60\n", reads)
}

// blockHost has every kind of device below a file system.
func blockHost(t testing.TB) *blocktest.Tree {
	tr := blocktest.New(t)
	counts := func(number, reads, iostats string) blocktest.Device {
		return blocktest.Device{Number: number, Stat: ops(reads), IOStats: iostats}
	}
	disk := func(name, number, reads, iostats string) {
		tr.AddDisk(blocktest.Disk{Name: name, Address: name, Device: counts(number, reads, iostats)})
	}
	tr.AddNVMe(blocktest.NVMe{Name: "nvme0", Spaces: []blocktest.Space{{Number: 1, Device: counts("259:0", "900", "1")}}})
	tr.AddPart("nvme0n1", "nvme0n1p2", counts("259:2", "101", ""))
	disk("sdb", "8:16", "800", "1")
	tr.AddPart("sdb", "sdb1", counts("8:17", "102", ""))
	disk("sdc", "8:32", "103", "1")
	disk("sdq", "8:64", "104", "0")
	tr.AddPart("sdq", "sdq1", counts("8:65", "105", ""))
	tr.AddMapping("dm-3", "vg-lv", "LVM-3", counts("253:3", "106", "1"))
	tr.AddMapping("dm-4", "x", "LVM-4", counts("253:4", "107", "0"))
	tr.AddMapping("dm-5", "vg-btr", "LVM-5", counts("253:5", "108", "1"))
	tr.AddVirtual("md0", counts("9:0", "109", "1"))
	tr.AddBtrfs("11-22", "sdb1", "sdc")
	tr.AddBtrfs("33-44", "dm-5")
	tr.Write("proc/spl/kstat/zfs/tank/objset-0x36", "31 1 0x01 7 2160 1 2\nname type data\ndataset_name 7 tank\nreads 4 1\n")
	tr.Write("proc/spl/kstat/zfs/tank/objset-0x37", objset(110))
	mounts(tr,
		`1 0 259:2 / / rw - ext4 /dev/nvme0n1p2 rw`,
		`2 1 253:3 / /lvm rw - xfs /dev/mapper/vg-lv rw`,
		`3 1 253:3 /dir /bind rw - xfs /dev/mapper/vg-lv rw`,
		`4 1 9:0 / /md rw - ext4 /dev/md0 rw`,
		`5 1 0:47 /@vf /btr rw - btrfs /dev/sdb1 rw,subvolid=257`,
		`6 1 0:48 / /btrdm rw - btrfs /dev/mapper/vg-btr rw`,
		`7 1 0:49 / /ovl rw - overlay overlay rw,lowerdir=/l,upperdir=/lvm/u,workdir=/lvm/w`,
		`8 1 0:50 / /ovl2 rw - overlay overlay rw,lowerdir=/l,upperdir=/ovl/u,workdir=/ovl/w`,
		`9 1 0:51 / /ovl3 rw - overlay overlay rw,lowerdir=/l,upperdir=/ovl3/u`,
		`10 1 0:52 / /ovl4 rw - overlay overlay rw,lowerdir=/l`,
		`11 1 0:53 / /tmp rw - tmpfs tmpfs rw`,
		`12 1 0:54 / /z rw - zfs tank/vf rw`,
		`13 1 8:65 / /frozen rw - ext4 /dev/sdq1 rw`,
		`14 1 253:4 / /frozendm rw - ext4 /dev/mapper/x rw`,
		`15 1 0:55 / /bcachefs rw - bcachefs /dev/sdb1:/dev/sdc rw`,
		`16 1 0:56 / /fuse rw - fuse.sshfs u@h:/ rw`,
		`17 1 0:57 / /btrx rw - btrfs /dev/unknown rw`,
		`18 1 0:58 / /z2 rw - zfs ../../x rw`,
		`19 1 8:64 / /frozenxfs rw - xfs /dev/sdq rw`,
	)
	tr.Write("sys/fs/xfs/sdq/stats/stats", "rw 7 111\nxpc 0 1 2\n")
	return tr
}

// again has each device read as much again as it did before.
func again(tr *blocktest.Tree) {
	stats, err := filepath.Glob(tr.Path("sys/class/block/*/stat"))
	if err != nil {
		panic(err)
	}
	for _, name := range stats {
		content, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		reads, _, _ := strings.Cut(string(content), " ")
		n, _ := strconv.Atoi(reads)
		tr.Write(strings.TrimPrefix(name, tr.Path("")+"/"), ops(strconv.Itoa(2*n))+"\n")
	}
}

func TestDevices(t *testing.T) {
	tests := map[string]float64{ // reads a second; 0 is unsupported
		"/": 101, "/lvm": 106, "/bind": 106, "/md": 109, "/btr": 102 + 103, "/btrdm": 108,
		"/ovl": 106, "/ovl2": 106, "/ovl3": 0, "/ovl4": 0, "/tmp": 0, "/z": 110, "/frozen": 0, "/frozendm": 0,
		"/bcachefs": 102 + 103, "/fuse": 0, "/btrx": 0, "/z2": 0, "/frozenxfs": 111,
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			tr := blockHost(t)
			synctest.Test(t, func(t *testing.T) {
				p := hostOf(tr).NewPoint("/", time.Second)
				table, err := p.host.Mounts()
				if err != nil {
					t.Fatal(err)
				}
				m, _ := table.Covering(name)
				_, _, first := p.rates(t.Context(), m, table)
				time.Sleep(time.Second)
				if name != "/frozendm" {
					again(tr)
				}
				tr.Write("sys/fs/xfs/sdq/stats/stats", "rw 7 222\nxpc 0 1 2\n")
				tr.Write("proc/spl/kstat/zfs/tank/objset-0x37", objset(220))
				did, _, err := p.rates(t.Context(), m, table)
				if want == 0 {
					if !errors.Is(err, volume.ErrUnsupported) {
						t.Errorf("got %+v, %v; want unsupported", did, err)
					}
					return
				}
				if err != nil || *did.IOPSRead != want || !errors.Is(first, volume.ErrNoSample) {
					t.Errorf("%v, then %v: %v reads a second, want %v", first, err, did.IOPSRead, want)
				}
			})
		})
	}
}

func TestNFSBelowBind(t *testing.T) {
	tr := blocktest.New(t)
	mounts(tr,
		`1 0 8:1 / / rw - ext4 /dev/a rw`,
		`2 1 0:51 / /nfs rw - nfs4 nas:/e rw`,
		`3 1 0:51 /d /bind rw - nfs4 nas:/e rw`,
	)
	tr.Write("proc/self/mountstats", "device nas:/e mounted on /nfs with fstype nfs4 statvers=1.1\n\tage:\t5\n\tREAD: 7 7 0 1 2 3 4 5 0\n")
	p := hostOf(tr).NewPoint("/bind", 0)
	table, _ := p.host.Mounts()
	m, _ := table.Covering("/bind/x")
	if s, err := p.host.nfsSample(m, table); err != nil || *s.Read.Ops != 7 {
		t.Errorf("got %+v, %v", s, err)
	}
}
