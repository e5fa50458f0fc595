package blocktest

import (
	"fmt"
	"path/filepath"
)

// NVMe is a controller of an NVMe drive. An empty field is a file that is not there.
type NVMe struct {
	Name                          string // as in nvme0
	Model, Serial, NQN, Transport string
	// Subsystem is the number of the subsystem where the kernel's own multipath
	// makes the namespaces; nil without multipath.
	Subsystem *int
	Spaces    []Space
}

// Space is a namespace of a controller.
type Space struct {
	// Number is the namespace's: 1 of nvme0n1.
	Number int
	WWID   string
	// Name is in place of what the kernel mostly makes of the controller and the
	// number: older kernels count drives and controllers apart.
	Name string
	Device
}

// AddNVMe plugs a controller in and returns where it lies, below the root. Two of
// one subsystem are two paths to its namespaces.
func (tr *Tree) AddNVMe(c NVMe) string {
	tr.t.Helper()
	dir := filepath.Join("sys/devices/pci0000:40/0000:40:01.0/nvme", c.Name)
	tr.mkdir(dir)
	for name, value := range map[string]string{"model": c.Model, "serial": c.Serial, "subsysnqn": c.NQN, "transport": c.Transport} {
		tr.Attribute(dir, name, value)
	}
	tr.Link(filepath.Join("sys/class/nvme", c.Name), dir)
	for _, n := range c.Spaces {
		name := n.Name
		if name == "" {
			name = fmt.Sprintf("%sn%d", c.Name, n.Number)
		}
		above := dir
		if c.Subsystem != nil {
			// The kernel hides the path: it has no node in /dev.
			hidden := filepath.Join(dir, fmt.Sprintf("nvme%dc%sn%d", *c.Subsystem, c.Name[len("nvme"):], n.Number))
			tr.AddDevice(hidden, Device{})
			tr.Remove(filepath.Join("dev", filepath.Base(hidden)))
			tr.Attribute(hidden, "wwid", n.WWID)
			tr.Link(filepath.Join(hidden, "device"), dir)
			name = fmt.Sprintf("nvme%dn%d", *c.Subsystem, n.Number)
			system := fmt.Sprintf("nvme-subsys%d", *c.Subsystem)
			above = filepath.Join("sys/devices/virtual/nvme-subsystem", system)
			tr.Attribute(above, "subsysnqn", c.NQN)
			tr.Link(filepath.Join(above, c.Name), dir)
			tr.Link(filepath.Join("sys/class/nvme-subsystem", system), above)
		}
		place := filepath.Join(above, name)
		tr.AddDevice(place, n.Device)
		tr.Attribute(place, "wwid", n.WWID)
		tr.Link(filepath.Join(place, "device"), above)
	}
	return dir
}
