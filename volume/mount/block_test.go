package mount

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
)

// tree is a made-up host: files by their path below its root.
type tree struct {
	t    testing.TB
	root string
}

func newTree(t testing.TB) tree {
	t.Helper()
	return tree{t, t.TempDir()}
}

func (tr tree) file(name, content string) {
	tr.t.Helper()
	name = filepath.Join(tr.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) link(name, target string) {
	tr.t.Helper()
	name = filepath.Join(tr.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		tr.t.Fatal(err)
	}
}

// device adds a block device at a place below /sys/devices, as the kernel lays
// it out. A disk has a queue, a partition lies in its disk.
func (tr tree) device(place, number, stat, iostats string) {
	tr.t.Helper()
	dir := "sys/devices/" + place
	tr.file(dir+"/dev", number+"\n")
	tr.file(dir+"/stat", stat+"\n")
	if iostats != "" {
		tr.file(dir+"/queue/iostats", iostats+"\n")
	}
	tr.link("sys/dev/block/"+number, "../../devices/"+place)
	tr.link("sys/class/block/"+filepath.Base(place), "../../devices/"+place)
}

func (tr tree) mounts(lines ...string) {
	tr.t.Helper()
	tr.file("proc/self/mountinfo", strings.Join(lines, "\n")+"\n")
}

func (tr tree) host() *Host {
	return NewHost(Paths{Proc: filepath.Join(tr.root, "proc"), Sys: filepath.Join(tr.root, "sys")}, nil)
}

// ops makes a stat file of n reads.
func ops(n string) string { return n + " 0 8 1 2 0 8 1 0 0 0" }

// blockHost has every kind of device below a file system.
func blockHost(t testing.TB) tree {
	tr := newTree(t)
	tr.device("pci/nvme0n1", "259:0", ops("900"), "1")
	tr.device("pci/nvme0n1/nvme0n1p2", "259:2", ops("101"), "")
	tr.device("pci/sdb", "8:16", ops("800"), "1")
	tr.device("pci/sdb/sdb1", "8:17", ops("102"), "")
	tr.device("pci/sdc", "8:32", ops("103"), "1")
	tr.device("pci/sdq", "8:64", ops("104"), "0")
	tr.device("pci/sdq/sdq1", "8:65", ops("105"), "")
	tr.device("virtual/block/dm-3", "253:3", ops("106"), "1")
	tr.device("virtual/block/dm-4", "253:4", ops("107"), "0")
	tr.device("virtual/block/dm-5", "253:5", ops("108"), "1")
	tr.file("sys/devices/virtual/block/dm-5/dm/name", "vg-btr\n")
	tr.device("virtual/block/md0", "9:0", ops("109"), "1")
	tr.link("sys/fs/btrfs/11-22/devices/sdb1", "../../../../devices/pci/sdb/sdb1")
	tr.link("sys/fs/btrfs/11-22/devices/sdc", "../../../../devices/pci/sdc")
	tr.link("sys/fs/btrfs/33-44/devices/dm-5", "../../../../devices/virtual/block/dm-5")
	tr.file("proc/spl/kstat/zfs/tank/objset-0x36", "31 1 0x01 7 2160 1 2\nname type data\ndataset_name 7 tank\nreads 4 1\n")
	tr.file("proc/spl/kstat/zfs/tank/objset-0x37", "31 1 0x01 7 2160 1 2\nname type data\ndataset_name 7 tank/vf\n"+
		"writes 4 5\nnwritten 4 50\nreads 4 110\nnread 4 60\n")
	tr.mounts(
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
	tr.file("sys/fs/xfs/sdq/stats/stats", "rw 7 111\nxpc 0 1 2\n")
	return tr
}

func TestRead(t *testing.T) {
	p := blockHost(t).host().NewPoint("/", 0)
	table, err := p.host.Mounts()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]int{ // the reads of each device; nil is unsupported
		"/": {101}, "/lvm": {106}, "/bind": {106}, "/md": {109}, "/btr": {102, 103}, "/btrdm": {108},
		"/ovl": {106}, "/ovl2": {106}, "/ovl3": nil, "/ovl4": nil, "/tmp": nil, "/z": {110}, "/frozen": nil, "/frozendm": nil,
		"/bcachefs": {102, 103}, "/fuse": nil, "/btrx": nil, "/z2": nil, "/frozenxfs": {111},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			m, _ := table.Covering(name)
			samples, err := p.read(m, table)
			if want == nil {
				if !errors.Is(err, volume.ErrUnsupported) {
					t.Fatalf("got %+v, %v; want unsupported", samples, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, s := range samples {
				got = append(got, int(*s.Read.Ops))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Older kernels count for device-mapper and md although they say they do not:
// believed once the counters have moved.
func TestFrozenThatCounts(t *testing.T) {
	tr := blockHost(t)
	p := tr.host().NewPoint("/frozendm", 0)
	table, _ := p.host.Mounts()
	m, _ := table.Covering("/frozendm")
	for range 2 {
		if _, err := p.read(m, table); !errors.Is(err, volume.ErrUnsupported) {
			t.Fatalf("standing still: %v, want unsupported", err)
		}
	}
	tr.file("sys/devices/virtual/block/dm-4/stat", ops("200"))
	for range 2 {
		if _, err := p.read(m, table); err != nil {
			t.Fatalf("moved: %v", err)
		}
	}
}

func TestBadStat(t *testing.T) {
	for _, line := range []string{"", "1 2 3", "1 2 3 4 5", "1 2 x 4", "-1 0 0 0 0 0 0 0 0 0 0", "99999999999999999999 0 0 0 0 0 0 0 0 0 0"} {
		if s, err := parseStat(line); err == nil {
			t.Errorf("%q is read as %+v", line, s)
		}
	}
}

func TestNFSBelowBind(t *testing.T) {
	tr := newTree(t)
	tr.mounts(
		`1 0 8:1 / / rw - ext4 /dev/a rw`,
		`2 1 0:51 / /nfs rw - nfs4 nas:/e rw`,
		`3 1 0:51 /d /bind rw - nfs4 nas:/e rw`,
	)
	tr.file("proc/self/mountstats", "device nas:/e mounted on /nfs with fstype nfs4 statvers=1.1\n\tage:\t5\n\tREAD: 7 7 0 1 2 3 4 5 0\n")
	p := tr.host().NewPoint("/bind", 0)
	table, _ := p.host.Mounts()
	m, _ := table.Covering("/bind/x")
	samples, err := p.read(m, table)
	if err != nil || *samples[0].Read.Ops != 7 {
		t.Errorf("got %+v, %v", samples, err)
	}
}
