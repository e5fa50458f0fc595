package demo

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/kit"
)

// ageInterval is how often the drives' values change.
const ageInterval = 10 * time.Second

// host is a made-up one: what its kernel has in sysfs, its drives and its pools.
type host struct {
	t     kit.T
	name  string
	tree  *enclosuretest.Tree
	bin   string // the directory of its smartctl and zpool
	fleet *fleet.Fleet
	zpool fake.Host

	began  time.Time
	steps  int // of age
	drives []*drive
	pools  []fake.Pool
	mounts []mounted
}

// mounted is a file system of the host that is a real directory.
type mounted struct {
	point  string
	fsType string
	disk   string // the block device that it is on
	number string // of that
	write  uint64 // bytes of one file
}

func newHost(t kit.T, tools, name string) *host {
	t.Helper()
	h := &host{t: t, name: name, tree: enclosuretest.New(t), bin: t.TempDir()}
	link(t, filepath.Join(tools, fakeSmartctl), filepath.Join(h.bin, "smartctl"))
	link(t, filepath.Join(tools, fakeZpool), filepath.Join(h.bin, "zpool"))
	h.zpool = fake.At(h.bin)
	var err error
	if h.fleet, err = fleet.Create(filepath.Join(h.bin, "fleet")); err == nil {
		err = h.fleet.Silence()
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The slots of the enclosures. The last of them has two that are empty.
const (
	shelfDrives = 26
	emptySlot   = shelfDrives // of the last shelf; its lights are on
)

// The fault light of a slot, as the kernel has what the host asked for.
const (
	lightOff = "0"
	lightOn  = "2"
)

// faultedPlace is where the drive sits that its pool has given up.
const faultedPlace = "C11"

// The drives of the big host that are not well, by shelf and slot.
var ailing = map[string]func(d *drive){
	"A7":         func(d *drive) { d.ails = losesSectors },
	faultedPlace: func(d *drive) { d.ails = predictsFailure },
	"B13":        func(d *drive) { d.ails = isHot },
	"A19":        func(d *drive) { d.ails = remapped },
}

// plugStorage makes the big host: 78 drives in three enclosures, and three without.
func (h *host) plugStorage(now time.Time) {
	h.plugShelf("A", 0, sata, 41200, 28, nil)
	h.plugShelf("B", 1, sata, 23500, 31, nil)
	h.plugShelf("C", 2, sas, 8700, 33, []enclosuretest.Bay{
		{Name: slotName(emptySlot), Slot: strconv.Itoa(emptySlot), Status: "not installed", Fault: lightOn, Locate: "1", Power: "off"},
		{Name: slotName(emptySlot + 1), Slot: strconv.Itoa(emptySlot + 1), Status: "not installed", Fault: "0", Locate: "0", Power: "off"},
	})
	h.plugNVMe("nvme0", 9100, 41, nil)
	h.plugNVMe("nvme1", 30400, 44, worn)
	boot := h.plugBoot("D", 12300)
	h.plugPools()
	h.mount("/", "ext4", boot.kernel, "8:0", 0)
	h.mount("/srv/home", "xfs", "nvme0n1", "259:0", 64<<10)
	h.mount("/srv/scratch", "ext4", "nvme1n1", "259:1", 256<<10)
	h.begin(now)
}

// plugSmall makes the small host: twelve drives in one enclosure.
func (h *host) plugSmall(now time.Time) {
	h.plugShelfOf("E", 0, 12, sata, 15800, 29, nil)
	boot := h.plugBoot("F", 15900)
	h.mount("/", "ext4", boot.kernel, "8:0", 0)
	h.mount("/srv/models", "ext4", boot.kernel, "8:0", 32<<10)
	h.begin(now)
}

func slotName(n int) string { return fmt.Sprintf("Slot %02d", n) }

func (h *host) plugShelf(letter string, number int, k kind, hours, celsius int, more []enclosuretest.Bay) {
	h.plugShelfOf(letter, number, shelfDrives, k, hours, celsius, more)
}

// plugShelfOf makes an enclosure of that letter and SCSI host, with a drive in each slot.
func (h *host) plugShelfOf(letter string, number, slots int, k kind, hours, celsius int, more []enclosuretest.Bay) {
	shelf := enclosuretest.Enclosure{
		Address: fmt.Sprintf("%d:0:99:0", number), ID: fmt.Sprintf("0x3%015x", uint64(letter[0])<<32), Vendor: "EXAMPLE", Model: "JBOD-" + letter, Rev: "0104",
	}
	for n := range slots {
		// The middle of a shelf is warmer than its sides.
		d := h.plugDisk(letter, k, hours+(n*37)%211, celsius+4-abs(2*n-slots)/7, fmt.Sprintf("%d:0:%d:0", number, n))
		d.at, d.bay = shelf.Address, slotName(n)
		place := letter + strconv.Itoa(n)
		if ail := ailing[place]; ail != nil && h.name == node1 {
			ail(d)
		}
		h.plug(d, place)
		fault := lightOff
		if place == faultedPlace {
			fault = lightOn
		}
		shelf.Bays = append(shelf.Bays, enclosuretest.Bay{
			Name: d.bay, Slot: strconv.Itoa(n), Status: "OK", Fault: fault, Locate: "0", Power: "on", Disk: d.kernel,
		})
	}
	shelf.Bays = append(shelf.Bays, more...)
	h.tree.AddEnclosure(shelf)
}

// plug puts a drive of a slot into the tree, with the partition that a pool would have.
func (h *host) plug(d *drive, place string) {
	disk := d.disk()
	disk.Number = fmt.Sprintf("65:%d", 16*d.n)
	h.tree.AddDisk(disk)
	h.tree.AddPart(d.kernel, d.kernel+"1", blocktest.Device{Number: fmt.Sprintf("65:%d", 16*d.n+1), Links: []string{"disk/by-vdev/" + place + "-part1"}})
}

func abs(n int) int { return max(n, -n) }

// plugDisk adds the next disk, which is not in the tree yet.
func (h *host) plugDisk(letter string, k kind, hours, celsius int, address string) *drive {
	n := len(h.drives)
	d := &drive{
		kernel: blocktest.DiskName(n), kind: k, n: n, hours: hours, celsius: celsius, address: address,
		serial: serialOf(letter, k, n), wwid: 3<<60 | uint64(letter[0])<<32 | uint64(n)<<8,
	}
	h.drives = append(h.drives, d)
	return d
}

// plugBoot makes the SATA SSD that a host boots from.
func (h *host) plugBoot(letter string, hours int) *drive {
	d := h.plugDisk(letter, flash, hours, 32, "9:0:0:0")
	disk := d.disk()
	disk.Number = "8:0"
	h.tree.AddDisk(disk)
	return d
}

func (h *host) plugNVMe(kernel string, hours, celsius int, ails func(document, int)) {
	n := len(h.drives)
	d := &drive{kernel: kernel, kind: nvme, n: n, hours: hours, celsius: celsius, serial: serialOf("N", nvme, n), ails: ails}
	h.drives = append(h.drives, d)
	index, _ := strconv.Atoi(kernel[len("nvme"):])
	h.tree.AddNVMe(blocktest.NVMe{
		Name: kernel, Model: "EXAMPLE NV3840", Serial: d.serial, Transport: "pcie",
		Spaces: []blocktest.Space{{Number: 1, Device: blocktest.Device{Number: fmt.Sprintf("259:%d", index)}}},
	})
}

// mount makes a directory of the host a mount, as its kernel lists it.
func (h *host) mount(point, fsType, disk, number string, write uint64) {
	h.mounts = append(h.mounts, mounted{point, fsType, disk, number, write})
	h.tree.Write(filepath.Join(point, ".keep"), "")
	var table strings.Builder
	for i, m := range h.mounts {
		parent := 1
		if i > 0 {
			parent = 20
		}
		fmt.Fprintf(&table, "%d %d %s / %s rw,relatime shared:%d - %s /dev/%s rw\n", 20+i, parent, m.number, m.point, i+1, m.fsType, m.disk)
	}
	h.tree.Write("proc/1/mountinfo", table.String())
	h.tree.Write("proc/self/mountinfo", table.String())
}

// begin lets the host be seen.
func (h *host) begin(now time.Time) {
	h.began = now
	h.age(now)
}

// age writes what drives and pools say now.
func (h *host) age(now time.Time) {
	h.t.Helper()
	var all []fleet.Drive
	for _, d := range h.drives {
		if !d.gone {
			all = append(all, d.fleet(h.t, now, h.steps))
		}
	}
	h.steps++
	if err := h.fleet.Put(all...); err != nil {
		h.t.Fatal(err)
	}
	h.showPools(now)
}

// show writes what one drive says now.
func (h *host) show(d *drive) {
	if err := h.fleet.Put(d.fleet(h.t, time.Now(), h.steps)); err != nil {
		h.t.Fatal(err)
	}
}

// at is the drive in a slot, such as A7.
func (h *host) at(place string) *drive {
	n, err := strconv.Atoi(place[1:])
	i := slices.IndexFunc(h.drives, func(d *drive) bool {
		return err == nil && d.bay == slotName(n) && d.serial[len("DEMO"):len("DEMO")+1] == place[:1]
	})
	if i < 0 {
		h.t.Fatalf("no drive is in %s", place)
	}
	return h.drives[i]
}

// Flags are the exporter's for the host.
func (h *host) flags() []string {
	return []string{
		"--path.sysfs=" + h.tree.Sys(), "--path.udev.data=" + h.tree.Udev(), "--path.procfs=" + h.tree.Path("proc"), "--path.rootfs=" + h.tree.Path(""),
		"--zpool.path=" + h.zpool.Path(), "--smartctl.path=" + filepath.Join(h.bin, "smartctl"),
		"--smartctl.interval=5s", "--smartctl.timeout=4s", "--smartctl.rescan=5s",
	}
}
