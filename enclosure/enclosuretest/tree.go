// Package enclosuretest adds enclosures with drives to the made-up hosts of
// blocktest.
package enclosuretest

import (
	"fmt"
	"path/filepath"

	"storage_exporter/block/blocktest"
	"storage_exporter/internal/kit"
)

// Tree is a made-up host.
type Tree struct {
	*blocktest.Tree
	t kit.T
}

// Enclosure is an enclosure as one path shows it.
type Enclosure struct {
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

// New makes an empty host.
func New(t kit.T) *Tree {
	t.Helper()
	return &Tree{blocktest.New(t), t}
}

// BayPath is where a component lies, below the root.
func BayPath(address, component string) string {
	return filepath.Join(blocktest.SCSI(address), "enclosure", address, component)
}

// AddEnclosure plugs a path to an enclosure in. Its disks must be there.
func (tr *Tree) AddEnclosure(s Enclosure) {
	tr.t.Helper()
	dir := blocktest.SCSI(s.Address)
	tr.Attribute(dir, "vendor", s.Vendor)
	tr.Attribute(dir, "model", s.Model)
	tr.Attribute(dir, "rev", s.Rev)
	tr.Attribute(dir, "wwid", s.WWID)
	if s.SG != "" {
		tr.AddGeneric(s.SG, dir)
	}
	enclosure := filepath.Join(dir, "enclosure", s.Address)
	tr.Dir(filepath.Join(enclosure, "power")) // of the kernel's power management: no bay
	tr.Attribute(enclosure, "id", s.ID)
	tr.Attribute(enclosure, "components", fmt.Sprint(len(s.Bays)))
	tr.Link(filepath.Join(enclosure, "device"), dir)
	tr.Link(filepath.Join("sys/class/enclosure", s.Address), enclosure)
	for _, b := range s.Bays {
		tr.addBay(s.Address, b)
	}
}

// RemoveEnclosure unplugs a path.
func (tr *Tree) RemoveEnclosure(address string) {
	tr.t.Helper()
	tr.Remove(blocktest.SCSI(address))
	tr.Remove(filepath.Join("sys/class/enclosure", address))
}

func (tr *Tree) addBay(address string, b Bay) {
	tr.t.Helper()
	dir := BayPath(address, b.Name)
	if b.Type == "" {
		b.Type = "array device"
	}
	tr.Dir(filepath.Join(dir, "power"))
	for name, value := range map[string]string{
		"type": b.Type, "slot": b.Slot, "status": b.Status, "fault": b.Fault, "locate": b.Locate, "power_status": b.Power, "active": "0",
	} {
		tr.Attribute(dir, name, value)
	}
	if b.Disk == "" {
		return
	}
	disk := tr.Resolve(filepath.Join("sys/block", b.Disk, "device"))
	tr.Link(filepath.Join(dir, "device"), disk)
	tr.Link(filepath.Join(disk, "enclosure_device:"+b.Name), dir)
}
