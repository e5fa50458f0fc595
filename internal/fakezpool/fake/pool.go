package fake

import "fmt"

// Pool is a pool as both forms print it.
type Pool struct {
	Name, GUID, State string
	Status, Action    string
	Scan              *Scan
	ErrorScrub        *Scan // its figures are blocks; those to examine are what is left
	Rebuilds          []Rebuild
	Errors            uint64

	Vdevs, Dedup, Special, Logs, Cache, Spares []Vdev
}

// Scan is a scrub or resilver; times are Unix seconds, the rest bytes.
type Scan struct {
	Function                                       string // SCRUB, RESILVER
	State                                          string // SCANNING, FINISHED, CANCELED
	Start, End, Pause                              int64
	ToExamine, Examined, Skipped, Issued, Repaired uint64
	Errors                                         uint64
}

// Rebuild is the sequential rebuild of a top-level vdev; its states are ACTIVE,
// COMPLETE and CANCELED.
type Rebuild struct {
	Vdev string
	Scan
}

// Vdev is a row of the table.
type Vdev struct {
	Name  string // a path for disks
	GUID  string
	Type  string
	State string // as the text form has it
	// Was makes it a missing disk: it goes by its guid.
	Was                      string
	Note                     string // as the text form has it
	DevID, PhysPath          string
	Read, Write, Cksum, Slow uint64
	Children                 []Vdev
}

// Group is a mirror-0, raidz2-1 and the like of these.
func Group(typ, name, guid string, children ...Vdev) Vdev {
	state := "ONLINE"
	for _, c := range children {
		if c.State != "ONLINE" {
			state = "DEGRADED"
		}
	}
	return Vdev{Name: name, GUID: guid, Type: typ, State: state, Children: children}
}

// Disk is a disk without errors.
func Disk(path, guid string) Vdev {
	return Vdev{Name: path, GUID: guid, Type: "disk", State: "ONLINE"}
}

// Slots is a pool of groups of raidz2 whose disks go by the slots of their enclosures.
func Slots(name string, groups, width int) Pool {
	p := Pool{Name: name, GUID: "1000", State: "ONLINE"}
	for g := range groups {
		var disks []Vdev
		for d := range width {
			slot := g*width + d
			disk := Disk(fmt.Sprintf("/dev/disk/by-vdev/A%d-part1", slot), fmt.Sprint(90000000+slot))
			disk.DevID = fmt.Sprintf("wwn-0x5000c500%08x-part1", slot)
			disks = append(disks, disk)
		}
		p.Vdevs = append(p.Vdevs, Group("raidz", fmt.Sprintf("raidz2-%d", g), fmt.Sprint(80000000+g), disks...))
	}
	return p
}
