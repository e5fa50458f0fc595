package enclosuretest

import (
	"fmt"

	"storage_exporter/block/blocktest"
)

// DualEnclosure plugs in an enclosure with two I/O modules and a drive in each of its
// slots but the last, which is empty. host is the number of the first module's
// adapter; the second one has the next. first is the number of the first disk's
// name; twice as many names as there are drives follow. id2 is what the second
// module says is the enclosure's id.
func (tr *Tree) DualEnclosure(host, slots, first int, id, id2 string) {
	tr.t.Helper()
	for path, id := range []string{id, id2} {
		s := Enclosure{
			Address: fmt.Sprintf("%d:0:99:0", host+path), ID: id, Vendor: "EXAMPLE", Model: "JBOD-24       ", Rev: "0104",
		}
		for n := range slots {
			b := Bay{Name: fmt.Sprintf("Slot %02d", n), Slot: fmt.Sprint(n), Status: "OK", Fault: "0", Locate: "0", Power: "on"}
			if n == slots-1 {
				b.Status, b.Power = "not installed", "off"
			} else {
				b.Disk = blocktest.DiskName(first + path*(slots-1) + n)
				tr.AddDisk(blocktest.Disk{
					Name: b.Disk, Address: fmt.Sprintf("%d:0:%d:0", host+path, n), Model: "EXAMPLE 18TB",
					WWID: fmt.Sprintf("naa.5000c500%04x%04x", host, n), Serial: fmt.Sprintf("EX%02dS%04d", host, n),
					SAS: fmt.Sprintf("0x5000c500%04x%04x", host, 0x1000*(path+1)+n),
				})
			}
			s.Bays = append(s.Bays, b)
		}
		tr.AddEnclosure(s)
	}
}
