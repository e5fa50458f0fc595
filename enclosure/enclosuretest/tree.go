// Package enclosuretest writes trees of sysfs with shelves of drives, laid out as
// the kernel lays them out, links included.
package enclosuretest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Tree is a made-up host.
type Tree struct {
	t    testing.TB
	root string
}

// Shelf is a shelf as one path shows it.
type Shelf struct {
	Address                      string // as in 0:0:10:0
	ID, Vendor, Model, Rev, WWID string // files that are left out where empty
	Bays                         []Bay
	SG                           string // the SES device's generic SCSI node
}

// Bay is a slot. An empty field is a file that is not there, but for Type.
type Bay struct {
	Name                               string // the component's directory
	Type                               string // "array device" if empty
	Slot, Status, Fault, Locate, Power string
	Disk                               string // kernel name of the drive that sits in it
}

// Disk is a block device.
type Disk struct {
	Name                     string // as in sda
	Address                  string // as in 0:0:1:0
	WWID, Serial, Model, SAS string
}

// New makes an empty host.
func New(t testing.TB) *Tree {
	t.Helper()
	tr := &Tree{t: t, root: t.TempDir()}
	tr.mkdir("sys/class")
	tr.mkdir("sys/block")
	return tr
}

// Sysfs is the tree's /sys.
func (tr *Tree) Sysfs() string { return filepath.Join(tr.root, "sys") }

// Udev is the tree's /run/udev/data.
func (tr *Tree) Udev() string { return filepath.Join(tr.root, "udev") }

// Path is a path below the tree's root.
func (tr *Tree) Path(path string) string { return filepath.Join(tr.root, path) }

// Write makes a file, in place of what stands there.
func (tr *Tree) Write(path, content string) {
	tr.t.Helper()
	tr.mkdir(filepath.Dir(path))
	if err := os.WriteFile(tr.Path(path), []byte(content), 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

// Remove takes a file, link or directory away.
func (tr *Tree) Remove(path string) {
	tr.t.Helper()
	if err := os.RemoveAll(tr.Path(path)); err != nil {
		tr.t.Fatal(err)
	}
}

// Link makes a relative link, as sysfs has them, to what need not be there.
func (tr *Tree) Link(path, target string) {
	tr.t.Helper()
	tr.mkdir(filepath.Dir(path))
	rel, err := filepath.Rel(filepath.Dir(tr.Path(path)), tr.Path(target))
	if err == nil {
		err = os.Symlink(rel, tr.Path(path))
	}
	if err != nil {
		tr.t.Fatal(err)
	}
}

// Dir puts a directory in place of what stands there: reading it is an error.
func (tr *Tree) Dir(path string) {
	tr.t.Helper()
	tr.Remove(path)
	tr.mkdir(path)
}

func (tr *Tree) mkdir(path string) {
	tr.t.Helper()
	if err := os.MkdirAll(tr.Path(path), 0o755); err != nil {
		tr.t.Fatal(err)
	}
}

// attribute writes a file of sysfs, which ends with a newline.
func (tr *Tree) attribute(dir, name, value string) {
	tr.t.Helper()
	if value != "" {
		tr.Write(filepath.Join(dir, name), value+"\n")
	}
}

func device(address string) string {
	return filepath.Join("sys/devices/pci0000:00/0000:00:01.0/host/target", address)
}

// BayPath is where a component lies, below the root.
func BayPath(address, component string) string {
	return filepath.Join(device(address), "enclosure", address, component)
}

// DiskPath is where a disk's device lies, below the root.
func DiskPath(address string) string { return device(address) }

// AddDisk plugs a disk in.
func (tr *Tree) AddDisk(d Disk) {
	tr.t.Helper()
	dir := device(d.Address)
	tr.attribute(dir, "wwid", d.WWID)
	tr.attribute(dir, "model", d.Model)
	tr.attribute(dir, "sas_address", d.SAS)
	if d.Serial != "" {
		tr.Write(filepath.Join(dir, "vpd_pg80"), fmt.Sprintf("\x00\x80\x00%c%s", len(d.Serial), d.Serial))
	}
	block := filepath.Join(dir, "block", d.Name)
	tr.mkdir(block)
	tr.Link(filepath.Join(block, "device"), dir)
	tr.Link(filepath.Join("sys/block", d.Name), block)
	tr.Link(filepath.Join("sys/class/block", d.Name), block)
}

// RemoveDisk pulls a disk; links to it dangle.
func (tr *Tree) RemoveDisk(d Disk) {
	tr.t.Helper()
	tr.Remove(device(d.Address))
	tr.Remove(filepath.Join("sys/block", d.Name))
	tr.Remove(filepath.Join("sys/class/block", d.Name))
}

// AddShelf plugs a path to a shelf in. Its disks must be there.
func (tr *Tree) AddShelf(s Shelf) {
	tr.t.Helper()
	dir := device(s.Address)
	tr.attribute(dir, "vendor", s.Vendor)
	tr.attribute(dir, "model", s.Model)
	tr.attribute(dir, "rev", s.Rev)
	tr.attribute(dir, "wwid", s.WWID)
	if s.SG != "" {
		sg := filepath.Join(dir, "scsi_generic", s.SG)
		tr.mkdir(sg)
		tr.Link(filepath.Join(sg, "device"), dir)
		tr.Link(filepath.Join("sys/class/scsi_generic", s.SG), sg)
	}
	enclosure := filepath.Join(dir, "enclosure", s.Address)
	tr.mkdir(filepath.Join(enclosure, "power")) // of the kernel's power management: no bay
	tr.attribute(enclosure, "id", s.ID)
	tr.attribute(enclosure, "components", fmt.Sprint(len(s.Bays)))
	tr.Link(filepath.Join(enclosure, "device"), dir)
	tr.Link(filepath.Join("sys/class/enclosure", s.Address), enclosure)
	for _, b := range s.Bays {
		tr.addBay(s.Address, b)
	}
}

// RemoveShelf unplugs a path.
func (tr *Tree) RemoveShelf(address string) {
	tr.t.Helper()
	tr.Remove(device(address))
	tr.Remove(filepath.Join("sys/class/enclosure", address))
}

func (tr *Tree) addBay(address string, b Bay) {
	tr.t.Helper()
	dir := BayPath(address, b.Name)
	if b.Type == "" {
		b.Type = "array device"
	}
	tr.mkdir(filepath.Join(dir, "power"))
	for name, value := range map[string]string{
		"type": b.Type, "slot": b.Slot, "status": b.Status, "fault": b.Fault, "locate": b.Locate, "power_status": b.Power, "active": "0",
	} {
		tr.attribute(dir, name, value)
	}
	if b.Disk == "" {
		return
	}
	disk, err := filepath.EvalSymlinks(tr.Path(filepath.Join("sys/block", b.Disk, "device")))
	if err != nil {
		tr.t.Fatal(err)
	}
	rel, err := filepath.Rel(tr.root, disk)
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.Link(filepath.Join(dir, "device"), rel)
	back := filepath.Join(rel, "enclosure_device:"+b.Name)
	tr.Remove(back)
	tr.Link(back, dir)
}
