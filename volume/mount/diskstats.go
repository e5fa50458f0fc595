package mount

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"storage_exporter/volume"
)

// The kernel's units: a sector in statistics is always 512 bytes, whatever the
// drive's own is. Times are milliseconds in 32 bits, added up over parallel
// requests, so they wrap every few hours under load (Documentation/block/stat.rst).
const (
	sectorSize   = 512
	usecPerMilli = 1000
	wrap32       = 1 << 32
)

// blockDevice is a device as sysfs knows it.
type blockDevice struct {
	number string // major:minor
	name   string // the kernel's; empty where sysfs does not tell
	dir    string
}

// block finds a device by its number.
func (h *Host) block(number string) (blockDevice, bool) {
	dir := filepath.Join(h.paths.Sys, "dev", "block", number)
	if _, err := os.Stat(dir + "/stat"); err != nil {
		return blockDevice{}, false
	}
	b := blockDevice{number: number, dir: dir}
	if target, err := os.Readlink(dir); err == nil {
		b.name = filepath.Base(target)
	}
	return b, true
}

// blockNamed finds a device by the kernel's name for it.
func (h *Host) blockNamed(name string) (blockDevice, bool) {
	return h.blockIn(filepath.Join(h.paths.Sys, "class", "block", filepath.Base(name)))
}

// blockIn finds the device whose directory in sysfs this is.
func (h *Host) blockIn(dir string) (blockDevice, bool) {
	content, err := readFile(dir + "/dev")
	number := strings.TrimSpace(string(content))
	if err != nil || !isDevice(number) {
		return blockDevice{}, false
	}
	return h.block(number)
}

// stacked is whether the device hands its requests on to others; it then counts
// them by itself, on many kernels whatever queue/iostats says.
func (b blockDevice) stacked() bool {
	return strings.HasPrefix(b.name, "dm-") || strings.HasPrefix(b.name, "md")
}

// frozen is whether the kernel was told not to count.
func (b blockDevice) frozen() bool {
	// A partition has its disk's queue. The path is not cleaned: the kernel
	// follows the link before it goes up.
	for _, name := range []string{"/queue/iostats", "/../queue/iostats"} {
		if content, err := readFile(b.dir + name); err == nil {
			return strings.TrimSpace(string(content)) == "0"
		}
	}
	return false
}

// sample reads the device's own counters. For device-mapper and md they are what
// the file system did; those of the drives below would count mirrors twice.
func (b blockDevice) sample() (Sample, error) {
	content, err := readFile(b.dir + "/stat")
	if err != nil {
		return Sample{}, fmt.Errorf("read the counters of %s: %w", b.name, err)
	}
	s, err := parseStat(string(content))
	if err != nil {
		return Sample{}, fmt.Errorf("the counters of %s: %w", b.name, err)
	}
	s.Identity = b.number + " " + b.name
	s.Untimed = strings.HasPrefix(b.name, "md")
	return s, nil
}

// parseStat reads /sys/block/<dev>/stat, or a line of diskstats without its first
// three words. Newer kernels add fields at the end; a partition of a very old one
// has four.
func parseStat(line string) (Sample, error) {
	fields := strings.Fields(line)
	if len(fields) != 4 && len(fields) < 11 {
		return Sample{}, fmt.Errorf("%d fields are not the 11 or more of a block device", len(fields))
	}
	var n [8]uint64
	for i := range min(len(fields), len(n)) {
		var err error
		if n[i], err = strconv.ParseUint(fields[i], 10, 64); err != nil {
			return Sample{}, fmt.Errorf("field %d is not a count: %.40q", i+1, fields[i])
		}
	}
	s := Sample{ByteUnit: sectorSize, TimeUnit: usecPerMilli, TimeWrap: wrap32}
	if len(fields) == 4 {
		s.Read = Counters{Ops: &n[0], Bytes: &n[1]}
		s.Write = Counters{Ops: &n[2], Bytes: &n[3]}
		return s, nil
	}
	s.Read = Counters{Ops: &n[0], Bytes: &n[2], Time: &n[3]}
	s.Write = Counters{Ops: &n[4], Bytes: &n[6], Time: &n[7]}
	return s, nil
}

// unsupported says in words why there are no counters.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), volume.ErrUnsupported)
}
