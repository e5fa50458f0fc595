package block

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"storage_exporter/internal/outside"
)

// The kernel's units: a sector in statistics is always 512 bytes, whatever the
// drive's own is. Times are milliseconds in 32 bits, added up over parallel
// requests, so they wrap every few hours under load (Documentation/block/stat.rst).
const (
	SectorSize = 512
	MillisWrap = 1 << 32
)

// Device is a block device that has counters.
type Device struct {
	Number string // major:minor
	Name   string // the kernel's; empty where sysfs does not say
	dir    string
}

// Numbered finds a device by its number.
func (s System) Numbered(number string) (Device, bool) {
	if !IsNumber(number) {
		return Device{}, false
	}
	d := Device{Number: number, dir: s.sys("dev/block", number)}
	if !outside.Exists(d.dir + "/stat") {
		return Device{}, false
	}
	if target, err := os.Readlink(d.dir); err == nil {
		d.Name = filepath.Base(target)
	}
	return d, true
}

// Named finds a device by a name that Node takes.
func (s System) Named(name string) (Device, bool) {
	e, ok := s.look(name)
	if !ok {
		return Device{}, false
	}
	return s.in(e.dir)
}

// in finds the device whose directory in sysfs this is.
func (s System) in(dir string) (Device, bool) {
	return s.Numbered(outside.ReadLine(filepath.Join(dir, "dev")))
}

func (d Device) array() bool { return strings.HasPrefix(d.Name, "md") }

// Stat is what a device has counted since it was made. For device-mapper and md it
// is what was asked of them.
type Stat struct {
	Device
	Read, Write Counts
	// Timed is whether there are Millis. Untimed is whether they may stand still
	// while operations are counted, as those of md do on older kernels.
	Timed, Untimed bool
}

// Counts only ever grow, but for Millis, which start again at MillisWrap.
type Counts struct{ Ops, Sectors, Millis uint64 }

func (d Device) stat() (Stat, error) {
	content, err := outside.Read(d.dir + "/stat")
	if err != nil {
		return Stat{}, fmt.Errorf("read the counters of %s: %w", d.Name, err)
	}
	s, err := ParseStat(string(content))
	if err != nil {
		return Stat{}, fmt.Errorf("the counters of %s: %w", d.Name, err)
	}
	s.Device, s.Untimed = d, d.array()
	return s, nil
}

// ParseStat reads /sys/block/<dev>/stat, or a line of diskstats without its first
// three words. Newer kernels add fields at the end; a partition of a very old one
// has four.
func ParseStat(line string) (Stat, error) {
	fields := strings.Fields(line)
	if len(fields) != 4 && len(fields) < 11 {
		return Stat{}, fmt.Errorf("%d fields are not the 11 or more of a block device", len(fields))
	}
	var n [8]uint64
	for i := range min(len(fields), len(n)) {
		var err error
		if n[i], err = strconv.ParseUint(fields[i], 10, 64); err != nil {
			return Stat{}, fmt.Errorf("field %d is not a count: %.40q", i+1, fields[i])
		}
	}
	if len(fields) == 4 {
		return Stat{Read: Counts{Ops: n[0], Sectors: n[1]}, Write: Counts{Ops: n[2], Sectors: n[3]}}, nil
	}
	return Stat{Read: Counts{n[0], n[2], n[3]}, Write: Counts{n[4], n[6], n[7]}, Timed: true}, nil
}
