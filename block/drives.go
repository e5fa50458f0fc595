package block

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"storage_exporter/internal/outside"
)

var (
	// nvmeNamespace takes nvme0n1, and nvme0c1n1 for the path by controller 1 to
	// a namespace of subsystem 0, which the kernel's own multipath makes nvme0n1.
	nvmeNamespace  = regexp.MustCompile(`^nvme(\d+)(?:c(\d+))?n(\d+)$`)
	nvmeController = regexp.MustCompile(`^nvme\d+$`)
	// sharedUUID takes device-mapper tables all of whose slaves are paths to
	// one drive: multipath, and partitions of it.
	sharedUUID = regexp.MustCompile(`^(part\d+-)?mpath-`)
)

// Drives are the drives that a device is, is part of or lies on, by the kernel's
// names in order, each once: the whole disk of a partition, the paths of a
// multipath, the disks of a volume. An NVMe drive is its controller, as smartctl
// lists it: nvme0 of nvme0n1. one says whether they are paths to the same drive, or
// there is but one. The name is one that Node takes.
func (s System) Drives(name string) (drives []string, one bool) {
	w := walker{System: s}
	found, one := w.drives(s.Node(name), maxLayers)
	slices.SortFunc(found, CompareNames)
	return slices.Compact(found), one
}

// walker goes down from one device.
type walker struct {
	System
	looked int
}

func (w *walker) drives(name string, layers int) (found []string, one bool) {
	if w.looked++; layers == 0 || w.looked > maxBelow {
		return nil, false
	}
	d, ok := w.find(name)
	if !ok {
		return nil, false
	}
	below, parts := w.below(d)
	if len(below) == 0 {
		if parts { // of a disk that is not there
			return nil, false
		}
		if controllers := w.controllers(d); len(controllers) > 0 {
			return controllers, true
		}
		return []string{name}, true
	}
	one = len(below) == 1 || sharedUUID.MatchString(outside.ReadLine(filepath.Join(d.dir, "dm/uuid")))
	for _, b := range below {
		drives, same := w.drives(b, layers-1)
		found, one = append(found, drives...), one && same
	}
	return found, one
}

// below is what a device is made of: the disk of a partition, the members of an
// array or a mapping. A whole disk has none.
func (s System) below(d entry) (names []string, partition bool) {
	if outside.Exists(filepath.Join(d.dir, "partition")) {
		if above := above(d); above != "" && above != d.name {
			return []string{above}, true
		}
		return nil, true
	}
	return outside.List(filepath.Join(d.dir, "slaves"), maxParts), false
}

// above is the name of what a device lies in, by the kernel's own place of it:
// .../block/sdc/sdc1, .../nvme/nvme0/nvme0n1.
func above(d entry) string {
	link, err := os.Readlink(d.dir)
	if err != nil {
		return ""
	}
	return filepath.Base(filepath.Dir(link))
}

// controllers are those of an NVMe device, in order; none for any other. With the
// kernel's own multipath the number of a namespace is that of a subsystem, which
// has controllers of other numbers.
func (s System) controllers(d entry) []string {
	if d.nvme {
		return []string{d.name}
	}
	m := nvmeNamespace.FindStringSubmatch(d.name)
	if m == nil {
		return nil
	}
	in := above(d)
	switch {
	case nvmeController.MatchString(in):
		return []string{in}
	case m[2] != "":
		return []string{"nvme" + m[2]}
	case strings.HasPrefix(in, "nvme-subsys"):
		controllers := slices.DeleteFunc(outside.List(s.sys("class/nvme-subsystem", in), maxParts), func(name string) bool {
			return !nvmeController.MatchString(name)
		})
		if len(controllers) > 0 {
			slices.SortFunc(controllers, CompareNames)
			return controllers
		}
	}
	return []string{"nvme" + m[1]}
}

// Names are all names by which the kernel knows the drives that a device is, is
// part of or lies on, in order: sda and its generic SCSI device sg0; of NVMe the
// controllers, the namespaces and the paths to them. Partitions are not among them,
// nor is what a drive is called on its other paths, see Disks.
func (s System) Names(name string) []string {
	todo, _ := s.Drives(name)
	seen := make(map[string]bool)
	for len(todo) > 0 && len(seen) < maxBelow {
		d, ok := s.find(todo[0])
		todo = todo[1:]
		if !ok || seen[d.name] {
			continue
		}
		seen[d.name] = true
		if !d.nvme {
			todo = append(todo, s.controllers(d)...)
			for _, generic := range outside.List(filepath.Join(d.dir, "device/scsi_generic"), maxParts) {
				seen[generic] = true
			}
			continue
		}
		for _, space := range outside.List(d.dir, maxFiles) {
			if m := nvmeNamespace.FindStringSubmatch(space); m != nil {
				todo = append(todo, space, "nvme"+m[1]+"n"+m[3])
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), CompareNames)
}
