package block

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"storage_exporter/internal/outside"
)

// Counter is what a device has counted, with those that carry its I/O and count it,
// too. One of them may stand still while the other moves: then it does not count.
type Counter struct {
	Stat
	// Off is whether the kernel is told not to count. Virtual is whether it may do so
	// all the same, as older kernels do for what is no drive itself.
	Off, Virtual bool
	// Switch is the file into which 1 is written to have it counted; empty where that
	// does not help.
	Switch string
	// Below carries all of the device's I/O and no other's; it is empty where that
	// cannot be said. Same is whether the sum of what is counted there is the device's:
	// a mirror's is not.
	Below []Counter
	Same  bool
	// Part is whether Below is the disk that the device is a part of; then it carries
	// the I/O of the other parts, too, unless it is the Same.
	Part bool
}

// errEndless says that there is no end of devices below a device.
var errEndless = errors.New("too many devices below")

// Counter reads the counters of a device and of those below it.
func (s System) Counter(d Device) (Counter, error) {
	looked := 0
	return s.counter(d, nil, &looked)
}

// counter reads those of a device that lies below others.
func (s System) counter(d Device, above []string, looked *int) (Counter, error) {
	if *looked++; len(above) == maxLayers || *looked > maxBelow || slices.Contains(above, d.Name) {
		return Counter{}, errEndless
	}
	stat, err := d.stat()
	if err != nil {
		return Counter{}, err
	}
	c := Counter{Stat: stat, Virtual: d.virtual()}
	var below []Device
	below, c.Same, c.Part = s.carriers(d)
	for _, b := range below {
		counter, err := s.counter(b, append(slices.Clip(above), d.Name), looked)
		if err != nil {
			c.Below = nil
			break
		}
		c.Below = append(c.Below, counter)
	}
	disk := d.disk()
	// What the kernel's own multipath makes counts or does not, by the kernel's age.
	if c.Off = d.off(); c.Off && (!c.Virtual || !nvmeNamespace.MatchString(disk)) {
		c.Switch = "/sys/block/" + disk + "/queue/iostats"
	}
	return c, nil
}

// disk is the name of the whole disk.
func (d Device) disk() string {
	if outside.Exists(d.dir + "/partition") {
		return cmp.Or(above(d.entry()), d.Name)
	}
	return d.Name
}

func (d Device) entry() entry { return entry{name: d.Name, dir: d.dir} }

// virtual is whether the device is no drive itself, by the kernel's place of it.
func (d Device) virtual() bool {
	place, err := os.Readlink(d.dir)
	return err == nil && strings.Contains(place, "/virtual/")
}

// off is whether counting is switched off.
func (d Device) off() bool {
	// A partition has its disk's queue. The path is not cleaned: the kernel
	// follows the link before it goes up.
	for _, name := range []string{"/queue/iostats", "/../queue/iostats"} {
		if content := outside.ReadFile(d.dir + name); content != nil {
			return strings.TrimSpace(string(content)) == "0"
		}
	}
	return false
}

// carriers are the devices that carry all of a device's I/O and no other's; none where
// that cannot be said.
func (s System) carriers(d Device) (below []Device, same, part bool) {
	e := d.entry()
	if outside.Exists(d.dir + "/partition") {
		disk, ok := s.find(above(e))
		if !ok {
			return nil, false, false
		}
		whole := device(disk)
		if more, _, _ := s.carriers(whole); len(more) == 0 {
			return nil, false, false
		}
		return []Device{whole}, s.undivided(whole), true
	}
	if paths := s.paths(e); len(paths) > 0 {
		return paths, true, false
	}
	for _, name := range outside.List(d.dir+"/slaves", maxParts) {
		member, ok := s.find(name)
		switch {
		case ok && s.heldBy(member, d.Name):
			below = append(below, device(member))
		case !ok && outside.Dangles(d.dir+"/slaves/"+name): // it is gone, and carries nothing
		default:
			return nil, false, false
		}
	}
	return below, s.handsOn(d, below), false
}

func device(e entry) Device { return Device{Name: e.name, dir: e.dir} }

// undivided is whether a disk has one partition only.
func (s System) undivided(disk Device) bool {
	n := 0
	for _, name := range outside.List(disk.dir, maxFiles) {
		if strings.HasPrefix(name, disk.Name) && outside.Exists(filepath.Join(disk.dir, name, "partition")) {
			n++
		}
	}
	return n == 1
}

// paths are those to a namespace for which the kernel's own multipath has made the
// device. Before Linux 6.3 or so only they count. Not all kernels list them with the
// other devices.
func (s System) paths(d entry) (paths []Device) {
	m := nvmeNamespace.FindStringSubmatch(d.name)
	if m == nil || m[2] != "" {
		return nil
	}
	path := "nvme" + m[1] + "c*n" + m[3]
	places, _ := filepath.Glob(s.sys("class/block", path))
	linked, _ := filepath.Glob(filepath.Join(d.dir, "multipath", path)) // by Linux 6.15
	places = append(places, linked...)
	for _, controller := range s.controllers(d) {
		places = append(places, s.sys("class/nvme", controller, "nvme"+m[1]+"c"+strings.TrimPrefix(controller, "nvme")+"n"+m[3]))
	}
	seen := make(map[string]bool)
	for _, place := range places {
		if name := filepath.Base(place); !seen[name] && nvmeNamespace.MatchString(name) && outside.Exists(place) {
			seen[name] = true
			paths = append(paths, Device{Name: name, dir: place})
		}
	}
	return paths
}

// heldBy is whether nobody else uses a device. The container that RAID metadata of a
// vendor makes of disks does no I/O.
func (s System) heldBy(member entry, name string) bool {
	return !slices.ContainsFunc(outside.List(filepath.Join(member.dir, "holders"), maxParts), func(holder string) bool {
		return holder != name && line(s.sys("class/block", holder, "md"), "level") != "container"
	})
}

var (
	// oneToOne takes device-mapper tables that hand each request on, to one device:
	// multipath, partitions of it, and encryption.
	oneToOne = regexp.MustCompile(`^(part\d+-|mpath-|CRYPT-(LUKS|PLAIN|LOOPAES|TCRYPT|BITLK|FVAULT))`)
	// ofLVM takes those of LVM. One that lies on others of LVM may be a mirror, a
	// snapshot or a cache; one that does not is linear or striped.
	ofLVM = regexp.MustCompile(`^LVM-`)
)

// handsOn is whether a device hands each request on once: what its members count is
// the same I/O. A mirror writes it several times.
func (s System) handsOn(d Device, members []Device) bool {
	switch line(filepath.Join(d.dir, "md"), "level") {
	case "raid0", "linear", "multipath":
		return true
	}
	uuid := func(d Device) string { return line(filepath.Join(d.dir, "dm"), "uuid") }
	lvm := func(d Device) bool { return ofLVM.MatchString(uuid(d)) }
	return oneToOne.MatchString(uuid(d)) || lvm(d) && !slices.ContainsFunc(members, lvm)
}
