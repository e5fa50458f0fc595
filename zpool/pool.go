// Package zpool observes ZFS pools through `zpool status`, which reads the
// kernel's own state: it changes nothing and asks no drive.
package zpool

import "time"

// Pool is one imported pool.
type Pool struct {
	Name string `json:"name"`
	// GUID is the pool's guid, decimal; empty before OpenZFS 2.3, which is the
	// first to show it.
	GUID string `json:"guid,omitempty"`
	// State is ONLINE, DEGRADED, FAULTED, OFFLINE, REMOVED, UNAVAIL or
	// SUSPENDED, or what a later zpool says.
	State string `json:"state"`
	// Status and Action are zpool's words on what is wrong and what to do
	// about it; empty where all is well.
	Status string `json:"status,omitempty"`
	Action string `json:"action,omitempty"`
	// Scan is the current scrub or resilver, or else the last one; nil: none.
	Scan *Scan `json:"scan,omitempty"`
	// DataErrors is how many errors of data are known; nil: not known.
	DataErrors *uint64 `json:"data_errors,omitempty"`
	// Vdevs are all but the root in zpool's order, a parent before its
	// children. Their IDs are unique within the pool.
	Vdevs []Vdev `json:"vdevs"`
}

// Scan is a scrub or a resilver. What is nil or zero is not known. Bytes from the
// text form have three digits, as it is made for people.
type Scan struct {
	Function  ScanFunction `json:"function"`
	State     ScanState    `json:"state"`
	StartTime time.Time    `json:"start_time,omitzero"`
	EndTime   time.Time    `json:"end_time,omitzero"`
	// ToExamine, Examined, Issued and Processed (repaired or resilvered) are
	// bytes; a scrub of errors has none. The text form has the first three only
	// while a scan runs.
	ToExamine *uint64 `json:"to_examine_bytes,omitempty"`
	Examined  *uint64 `json:"examined_bytes,omitempty"`
	Issued    *uint64 `json:"issued_bytes,omitempty"`
	Processed *uint64 `json:"processed_bytes,omitempty"`
	Errors    *uint64 `json:"errors,omitempty"`
	// Done is how much of a scan that runs or is paused is done, from 0 to 1.
	Done *float64 `json:"done_ratio,omitempty"`
}

// ScanFunction is what a scan does.
type ScanFunction string

// A sequential rebuild is a resilver here.
const (
	Scrub      ScanFunction = "scrub"
	Resilver   ScanFunction = "resilver"
	ErrorScrub ScanFunction = "error_scrub"
)

// ScanFunctions lists them all.
var ScanFunctions = []ScanFunction{Scrub, Resilver, ErrorScrub}

// ScanState is how far a scan is.
type ScanState string

// Scanning and Paused have a Done, Finished and Canceled an EndTime.
const (
	Scanning ScanState = "scanning"
	Paused   ScanState = "paused"
	Finished ScanState = "finished"
	Canceled ScanState = "canceled"
)

// ScanStates lists them all.
var ScanStates = []ScanState{Scanning, Paused, Finished, Canceled}

// Vdev is a disk or file of a pool, or a group of them.
type Vdev struct {
	// ID is the vdev's guid, decimal. Where it is not known (before OpenZFS 2.3,
	// if zpool's second table cannot be matched with the first) it is the path, or
	// the name of what has none.
	ID string `json:"id"`
	// Name is zpool's: a path for a disk, mirror-0 and the like for a group,
	// a guid for a disk that is missing.
	Name string `json:"name"`
	// Type is disk, file, missing, dspare (the distributed spare of a draid),
	// mirror, raidz, draid, replacing, spare, or what a later zpool says.
	// replacing and spare are groups for as long as a disk is replaced.
	Type string `json:"type"`
	// Role is what it is for. A spare in use is listed once, in the group
	// that it helps out, and keeps the role of a spare.
	Role Role `json:"role"`
	// Leaf says that it is no group.
	Leaf bool `json:"leaf"`
	// Parent is the name of the group it is in, empty at the top level; Top is
	// the name of the top-level vdev, its own if it is one.
	Parent string `json:"parent,omitempty"`
	Top    string `json:"top"`

	// Path is where the pool last saw it, as configured: it may be a link, or
	// long gone. PhysPath and DevID are as in /dev/disk/by-path and by-id;
	// only the JSON form has them.
	Path     string `json:"path,omitempty"`
	PhysPath string `json:"phys_path,omitempty"`
	DevID    string `json:"devid,omitempty"`

	// State is ONLINE, DEGRADED, FAULTED, OFFLINE, REMOVED or UNAVAIL; AVAIL
	// or INUSE for a spare that is not in use here; or what a later zpool says.
	// It is empty for a draid where zpool leaves it out.
	State string `json:"state"`
	// NotPresent says that the disk is missing: another one may have its path.
	NotPresent bool `json:"not_present,omitempty"`
	// Note is zpool's remark, such as "too many errors".
	Note string `json:"note,omitempty"`

	// The counters since the last import or `zpool clear`; nil: not known.
	ReadErrors     *uint64 `json:"read_errors,omitempty"`
	WriteErrors    *uint64 `json:"write_errors,omitempty"`
	ChecksumErrors *uint64 `json:"checksum_errors,omitempty"`
	SlowIOs        *uint64 `json:"slow_ios,omitempty"`

	// Device is the drive below, by the kernel's name and as the drives'
	// label has it: sda, and nvme0 for nvme0n1. Empty for a group, a file, a
	// missing disk, and what spreads over several drives. Of several paths to
	// one drive it is the first.
	Device string `json:"device,omitempty"`
	// Devices are all drives, or paths to the drive, below it.
	Devices []string `json:"devices,omitempty"`
}

// Names are the names of the drive below, Device first; none where there is no
// Device.
func (v *Vdev) Names() []string {
	if v.Device == "" {
		return nil
	}
	return append([]string{v.Device}, v.Devices...)
}

// Role is what a vdev is for.
type Role string

// The roles, by zpool's headings; what is below none is for data.
const (
	Data    Role = "data"
	Log     Role = "log"
	Cache   Role = "cache"
	Spare   Role = "spare"
	Special Role = "special"
	Dedup   Role = "dedup"
)

// roleOf has the roles by zpool's headings, sections and classes.
var roleOf = map[string]Role{
	"logs": Log, "log": Log, "cache": Cache, "l2cache": Cache, "spares": Spare, "spare": Spare, "special": Special, "dedup": Dedup,
}

// Roles lists them all.
var Roles = []Role{Data, Log, Cache, Spare, Special, Dedup}

// Member is a vdev and the pool it belongs to.
type Member struct {
	Pool *Pool
	Vdev *Vdev
}
