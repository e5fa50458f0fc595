// Package overview composes what is known of a host's drives, of the enclosures
// they sit in, of the pools they belong to, of the storage volumes and of other proxies
// into one answer. It is a function of the snapshots that this process has and asks
// nothing: no drive, no enclosure, no pool, no volume, no store.
package overview

import (
	"time"

	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/zpool"
)

// Overview is everything at one look. What is not known is absent, never zero.
type Overview struct {
	// BuiltAt is the builder's wall clock, for display only.
	BuiltAt time.Time `json:"built_at"`
	// Stale says that a part was past its interval when the overview was made.
	Stale  bool   `json:"stale,omitempty"`
	Counts Counts `json:"counts"`
	// Enclosures is nil where the enclosures are not known, and empty on a host
	// without any. So is Pools.
	Enclosures []Enclosure `json:"enclosures,omitzero"`
	// Outside are the monitored drives in no known slot, in the order of the
	// parts; nil where the monitored drives are not known.
	Outside []Drive `json:"drives_outside,omitzero"`
	Pools   []Pool  `json:"pools,omitzero"`
	// Volumes are the configured volumes; nil where none can be configured.
	Volumes []Volume `json:"volumes,omitzero"`
	// Proxies are the configured proxies; nil where there are none.
	Proxies []Proxy `json:"proxies,omitzero"`
	// Errors says why a part is not known, by the part: drives, enclosures or
	// pools.
	Errors map[string]string `json:"errors,omitempty"`
}

// Enclosure is one enclosure; enclosure.Enclosure says what its fields mean.
type Enclosure struct {
	ID       string `json:"id"`
	Vendor   string `json:"vendor,omitempty"`
	Model    string `json:"model,omitempty"`
	Revision string `json:"revision,omitempty"`
	Slots    []Slot `json:"slots"`
}

// Slot is one slot of an enclosure; enclosure.Slot says what its fields mean.
type Slot struct {
	Slot      string           `json:"slot"`
	Name      string           `json:"name,omitempty"` // where it is another than Slot
	Status    enclosure.Status `json:"status,omitempty"`
	Populated *bool            `json:"populated,omitempty"`
	Fault     *bool            `json:"fault,omitempty"`
	Locate    *bool            `json:"locate,omitempty"`
	Power     *string          `json:"power,omitempty"`
	Drive     *Drive           `json:"drive,omitempty"`
	// More are further drives of the same slot: the second actuator of a
	// drive, or a path that is not known to be one.
	More []Drive `json:"more_drives,omitempty"`
}

// Drive is one drive.
type Drive struct {
	// Device is the drive's label, or the kernel's name of one that is not
	// monitored.
	Device string `json:"device,omitempty"`
	// Paths are all names of the drive where there are several, its own among
	// them.
	Paths              []string `json:"paths,omitempty"`
	Model              string   `json:"model_name,omitempty"`
	Serial             string   `json:"serial_number,omitempty"`
	WWN                string   `json:"wwn,omitempty"`
	Protocol           string   `json:"protocol,omitempty"` // ATA, SCSI or NVMe
	CapacityBytes      *float64 `json:"capacity_bytes,omitempty"`
	TemperatureCelsius *float64 `json:"temperature_celsius,omitempty"`
	// TemperatureLimit is the lowest of the drive's own limits.
	TemperatureLimit *float64 `json:"temperature_limit_celsius,omitempty"`
	PowerOnSeconds   *float64 `json:"power_on_seconds,omitempty"`
	// WearPercent and Errors are as assess.Figures has them.
	WearPercent *float64         `json:"endurance_used_percent,omitempty"`
	Errors      *float64         `json:"errors,omitempty"`
	PowerMode   report.PowerMode `json:"power_mode,omitempty"`
	// ObservedAt and AgeSeconds are the report's, the age as of the moment that
	// the overview was made: that of a sleeping drive goes on growing.
	ObservedAt *time.Time `json:"observed_at,omitempty"`
	AgeSeconds *float64   `json:"age_seconds,omitempty"`
	// Error is why there is no report; Trouble is what the last attempt ended
	// with, also where an older report still stands.
	Error   string        `json:"error,omitempty"`
	Trouble smart.Trouble `json:"trouble,omitempty"`
	// NotMonitored says that only the enclosure knows the drive: smartctl does not
	// list it, or leaves it out. Never set while the monitored drives are not known.
	NotMonitored bool          `json:"not_monitored,omitempty"`
	Assessment   assess.Result `json:"assessment"`
	Pools        []Membership  `json:"pools,omitempty"`
}

// Outdated says that the last attempt to read the drive failed: the report that still
// stands, which calls it well, is no proof that it is.
func (d *Drive) Outdated() bool { return d.Trouble != "" && d.Assessment.Verdict == assess.OK }

// Membership is a drive's place in a pool. A drive has several where its
// partitions are members, or where it is the spare of several pools.
type Membership struct {
	Pool  string     `json:"pool"`
	Vdev  string     `json:"vdev"` // the name of the top-level vdev, as in raidz2-0
	Role  zpool.Role `json:"role"`
	State string     `json:"state"`
}

// Pool is one pool; zpool.Pool says what its fields mean.
type Pool struct {
	Name       string      `json:"name"`
	GUID       string      `json:"guid,omitempty"`
	State      string      `json:"state"`
	Status     string      `json:"status,omitempty"`
	Action     string      `json:"action,omitempty"`
	Scan       *zpool.Scan `json:"scan,omitempty"`
	DataErrors *uint64     `json:"data_errors,omitempty"`
	Vdevs      []Vdev      `json:"vdevs"`
}

// Vdev is a member of a pool or a group of them, a parent before its children.
type Vdev struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Type   string     `json:"type"`
	Role   zpool.Role `json:"role"`
	Parent string     `json:"parent,omitempty"`
	State  string     `json:"state"`
	// NotPresent says that the disk is missing.
	NotPresent bool   `json:"not_present,omitempty"`
	Note       string `json:"note,omitempty"`

	ReadErrors     *uint64 `json:"read_errors,omitempty"`
	WriteErrors    *uint64 `json:"write_errors,omitempty"`
	ChecksumErrors *uint64 `json:"checksum_errors,omitempty"`

	// Device is the drive below: its label, or the kernel's name of one that is
	// not monitored. Verdict is that of a monitored one.
	Device  string         `json:"device,omitempty"`
	Verdict assess.Verdict `json:"assessment,omitempty"`
	// Enclosure and Slot are where the drive sits, if that is known.
	Enclosure string `json:"enclosure,omitempty"`
	Slot      string `json:"slot,omitempty"`
}
