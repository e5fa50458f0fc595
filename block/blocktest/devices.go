package blocktest

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Disk is a SCSI or ATA disk. An empty field is a file that is not there.
type Disk struct {
	Name                     string // as in sda
	Address                  string // as in 0:0:1:0
	Vendor, Model            string
	WWID, Serial, SAS, State string
	Below                    string // where its target lies below its host: "session1"
	Device
}

// Device is what block devices have in common.
type Device struct {
	Number  string   // major:minor
	Stat    string   // its counters
	IOStats string   // whether they count: "0" or "1"
	Links   []string // below /dev, in /dev and in udev's record
	Udev    []string // properties in udev's record: "ID_WWN=0x1"
}

// DiskName is the kernel's name of the n-th disk: sda, ..., sdz, sdaa, ...
func DiskName(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('a'+(n-1)%26)) + name
	}
	return "sd" + name
}

// SCSI is where the device with a SCSI address lies, below the root.
func SCSI(address string) string {
	return filepath.Join("sys/devices/pci0000:00/0000:00:01.0/host/target", address)
}

// AddDisk plugs a disk in and returns where its device lies, below the root.
func (tr *Tree) AddDisk(d Disk) string {
	tr.t.Helper()
	dir := SCSI(d.Address)
	if d.Below != "" {
		dir = strings.Replace(dir, "host/", "host/"+d.Below+"/", 1)
	}
	tr.mkdir(dir)
	for name, value := range map[string]string{
		"vendor": d.Vendor, "model": d.Model, "wwid": d.WWID, "sas_address": d.SAS, "state": d.State,
	} {
		tr.Attribute(dir, name, value)
	}
	if d.Serial != "" {
		tr.Write(filepath.Join(dir, "vpd_pg80"), SerialPage(d.Serial))
	}
	block := filepath.Join(dir, "block", d.Name)
	tr.AddDevice(block, d.Device)
	tr.Link(filepath.Join(block, "device"), dir)
	return dir
}

// SerialPage is the unit serial number page of a disk.
func SerialPage(serial string) string {
	return fmt.Sprintf("\x00\x80%c%c%s", len(serial)>>8, len(serial)&0xff, serial)
}

// RemoveDisk pulls a disk; links to it dangle.
func (tr *Tree) RemoveDisk(d Disk) {
	tr.t.Helper()
	tr.Remove(SCSI(d.Address))
	tr.Remove(filepath.Join("sys/block", d.Name))
	tr.Remove(filepath.Join("sys/class/block", d.Name))
}

// AddGeneric makes the generic SCSI node of the device at a place.
func (tr *Tree) AddGeneric(name, place string) {
	tr.t.Helper()
	dir := filepath.Join(place, "scsi_generic", name)
	tr.mkdir(dir)
	tr.Link(filepath.Join(dir, "device"), place)
	tr.Link(filepath.Join("sys/class/scsi_generic", name), dir)
}

// AddDevice makes a block device at a place below the root, whose last element is
// its name.
func (tr *Tree) AddDevice(place string, d Device) {
	tr.t.Helper()
	tr.mkdir(place)
	name := filepath.Base(place)
	tr.Attribute(place, "dev", d.Number)
	tr.Attribute(place, "stat", d.Stat)
	tr.Attribute(place, "queue/iostats", d.IOStats)
	tr.Link(filepath.Join("sys/class/block", name), place)
	if d.Number != "" {
		tr.Link(filepath.Join("sys/dev/block", d.Number), place)
	}
	node := filepath.Join("dev", strings.ReplaceAll(name, "!", "/"))
	tr.Write(node, "")
	for _, link := range d.Links {
		tr.Link(filepath.Join("dev", link), node)
		if d.Number != "" {
			tr.Record(d.Number, "S:"+link)
		}
	}
	for _, property := range d.Udev {
		tr.Record(d.Number, "E:"+property)
	}
	tr.Link(filepath.Join("sys/block", name), place)
}

// AddPart makes a partition of a device that is there.
func (tr *Tree) AddPart(disk, name string, d Device) {
	tr.t.Helper()
	place := filepath.Join(tr.Resolve(filepath.Join("sys/class/block", disk)), name)
	tr.AddDevice(place, d)
	tr.Remove(filepath.Join("sys/block", name)) // whole disks only
	tr.Write(filepath.Join(place, "partition"), "1\n")
}

// AddVirtual makes a device of others, which need not be there: dm-0, md0. It
// returns where it lies, below the root.
func (tr *Tree) AddVirtual(name string, d Device, slaves ...string) string {
	tr.t.Helper()
	place := filepath.Join("sys/devices/virtual/block", name)
	tr.AddDevice(place, d)
	for _, slave := range slaves {
		target := filepath.Join("sys/class/block", slave)
		if exists(tr.Path(target)) {
			target = tr.Resolve(target)
		}
		tr.Link(filepath.Join(place, "slaves", slave), target)
		if exists(tr.Path(target)) {
			tr.Link(filepath.Join(target, "holders", name), place)
		}
	}
	return place
}

// AddMapping makes a device of device-mapper with a name and a UUID, such as
// "mpath-35000…" or "LVM-…".
func (tr *Tree) AddMapping(name, mapped, uuid string, d Device, slaves ...string) {
	tr.t.Helper()
	place := tr.AddVirtual(name, d, slaves...)
	tr.Attribute(place, "dm/name", mapped)
	tr.Attribute(place, "dm/uuid", uuid)
	if mapped != "" {
		tr.Link(filepath.Join("dev/mapper", mapped), filepath.Join("dev", name))
	}
}

// AddBtrfs makes a btrfs on devices that are there.
func (tr *Tree) AddBtrfs(uuid string, devices ...string) {
	tr.t.Helper()
	for _, name := range devices {
		tr.Link(filepath.Join("sys/fs/btrfs", uuid, "devices", name), tr.Resolve(filepath.Join("sys/class/block", name)))
	}
}
