package zpool

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"storage_exporter/internal/outside"
)

// System is where the kernel and udev keep what they know of devices. Reading
// there costs no command to a drive and wakes none.
type System struct {
	Dev   string // "/dev" if empty; what zpool calls /dev/… is looked for there
	Sysfs string // "/sys" if empty
	Udev  string // "/run/udev/data" if empty
}

const (
	maxLinks  = 16 // from a path to its device
	maxLayers = 8  // from a device to its drive: partition, multipath, crypt, ...
	maxSlaves = 256
	maxBelow  = 1024 // devices looked at for one vdev
	maxBlocks = 16384
)

// Resolve finds the drives that the pools' vdevs are on. What cannot be found
// has none.
func (s System) Resolve(ctx context.Context, pools []Pool) {
	r := &resolver{ctx: ctx, dev: cmp.Or(s.Dev, "/dev"), sysfs: cmp.Or(s.Sysfs, "/sys"), udev: cmp.Or(s.Udev, "/run/udev/data")}
	for _, p := range pools {
		for i := range p.Vdevs {
			r.resolve(&p.Vdevs[i])
		}
	}
}

// resolver looks up names for as long as one observation takes.
type resolver struct {
	ctx              context.Context // of the observation: an index of udev takes a while
	dev, sysfs, udev string
	links            map[string]string // udev's names below /dev, and the kernel's; nil until one is needed
	looked           int               // devices looked at for the vdev at hand
}

// byID are names that hold a serial number or a WWN: they mean the same disk
// wherever it is plugged in.
const byID = "/dev/disk/by-id/"

// resolve tries the names of a vdev until one leads to a drive. A disk that is
// missing may have another one in its place, so that only names by identity count.
func (r *resolver) resolve(v *Vdev) {
	v.Device, v.Devices = "", nil
	if !v.Leaf || v.Type == typeFile || v.Type == typeDspare {
		return
	}
	var identity, place []string
	if v.DevID != "" && filepath.Base(v.DevID) == v.DevID {
		identity = append(identity, byID+v.DevID)
	}
	if strings.HasPrefix(v.Path, byID) {
		identity = append(identity, v.Path)
	} else if strings.HasPrefix(v.Path, "/") {
		place = append(place, v.Path)
	} else if name := v.Name; filepath.IsLocal(name) {
		identity = append(identity, byID+name)
		place = append(place, "/dev/"+name, "/dev/disk/by-vdev/"+name, "/dev/mapper/"+name)
	}
	if v.PhysPath != "" && filepath.Base(v.PhysPath) == v.PhysPath {
		place = append(place, "/dev/disk/by-path/"+v.PhysPath)
	}
	var names []string
	switch {
	case v.NotPresent || v.Type == typeMissing || v.State == unavail || v.State == removed:
		names = identity
	case v.State == "FAULTED" || v.State == "OFFLINE": // it may have been pulled since
		names = slices.Concat(identity, place)
	default:
		own := min(len(place), 1)
		names = slices.Concat(place[:own], identity, place[own:])
	}
	for _, name := range names {
		if node := r.node(name); node != "" {
			r.take(v, node)
			return
		}
	}
}

// take makes the drives below a device the vdev's.
func (r *resolver) take(v *Vdev, node string) {
	r.looked = 0
	drives, one := r.drives(node, maxLayers)
	slices.SortFunc(drives, func(a, b string) int { // sdb before sdaa
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	v.Devices = slices.Compact(drives)
	if one && len(v.Devices) > 0 {
		v.Device = v.Devices[0]
	}
}

// node is the kernel's name of the block device that a path leads to; empty if
// there is none.
func (r *resolver) node(path string) string {
	for range maxLinks {
		name, ok := strings.CutPrefix(filepath.Clean(path), "/dev/")
		if !ok {
			return ""
		}
		target, err := os.Readlink(filepath.Join(r.dev, name))
		if err == nil {
			if !filepath.IsAbs(target) {
				target = filepath.Join("/dev", filepath.Dir(name), target)
			}
			path = target
			continue
		}
		// A device of the name, or no such file: a container's /dev lacks
		// devices, links or both.
		if kernel := strings.ReplaceAll(name, "/", "!"); r.exists("class/block", kernel) {
			return kernel
		}
		return r.udevLinks()[name]
	}
	return ""
}

func (r *resolver) exists(elem ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{r.sysfs}, elem...)...))
	return err == nil
}

var (
	nvmeNamespace  = regexp.MustCompile(`^(nvme\d+)n\d+$`)
	nvmeController = regexp.MustCompile(`^nvme\d+$`)
	// sharedUUID takes device-mapper tables all of whose slaves are paths to
	// one drive: multipath, and partitions of it.
	sharedUUID = regexp.MustCompile(`^(part\d+-)?mpath-`)
)

// drives are the drives below a block device; one says whether they are paths
// to the same, or there is but one.
func (r *resolver) drives(node string, layers int) (found []string, one bool) {
	if r.looked++; layers == 0 || r.looked > maxBelow {
		return nil, false
	}
	dir := filepath.Join(r.sysfs, "class/block", node)
	// The kernel's own place of it: .../block/sdc/sdc1, .../nvme/nvme0/nvme0n1.
	link, _ := os.Readlink(dir)
	above := filepath.Base(filepath.Dir(link))
	if r.exists("class/block", node, "partition") {
		if link == "" || above == node {
			return nil, false
		}
		return r.drives(above, layers-1)
	}
	slaves := listNames(filepath.Join(dir, "slaves"), maxSlaves)
	if len(slaves) == 0 {
		return r.labels(node, above), true
	}
	one = true
	for _, slave := range slaves {
		below, same := r.drives(slave, layers-1)
		found, one = append(found, below...), one && same
	}
	if len(slaves) > 1 && !sharedUUID.MatchString(outside.ReadLine(filepath.Join(dir, "dm/uuid"))) {
		one = false
	}
	return found, one
}

// labels names a whole disk as the drives' labels do. smartctl lists an NVMe
// controller, not its namespaces; with the kernel's own multipath the number of
// a namespace is that of a subsystem, which has controllers of other numbers.
func (r *resolver) labels(node, above string) []string {
	m := nvmeNamespace.FindStringSubmatch(node)
	switch {
	case m == nil:
		return []string{strings.ReplaceAll(node, "!", "_")}
	case nvmeController.MatchString(above):
		return []string{above}
	case strings.HasPrefix(above, "nvme-subsys"):
		controllers := slices.DeleteFunc(listNames(filepath.Join(r.sysfs, "class/nvme-subsystem", above), maxSlaves), func(name string) bool {
			return !nvmeController.MatchString(name)
		})
		if len(controllers) > 0 {
			return controllers
		}
	}
	return []string{m[1]}
}

// udevLinks is the index of the names that udev gave to block devices, for a
// /dev that lacks them. Where several devices claim a name, as the paths to a
// drive do, the one that is made of the others has it: dm-0 comes before sda.
func (r *resolver) udevLinks() map[string]string {
	if r.links != nil {
		return r.links
	}
	r.links = make(map[string]string)
	for _, node := range listNames(filepath.Join(r.sysfs, "class/block"), maxBlocks) {
		if r.ctx.Err() != nil {
			break
		}
		if isVirtual(node) {
			continue
		}
		dev := outside.ReadLine(filepath.Join(r.sysfs, "class/block", node, "dev"))
		if dev == "" || strings.ContainsAny(dev, "/.") {
			continue
		}
		for line := range bytes.Lines(outside.ReadFile(filepath.Join(r.udev, "b"+dev))) {
			link, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "S:")
			if _, taken := r.links[link]; ok && !taken {
				r.links[link] = node
			}
		}
	}
	return r.links
}

// isVirtual is for devices that no vdev is on, of which there may be thousands.
func isVirtual(node string) bool {
	return slices.ContainsFunc([]string{"zd", "loop", "ram", "zram", "nbd"}, func(kind string) bool { return strings.HasPrefix(node, kind) })
}

// listNames are the names in a directory, sorted, at most n.
func listNames(dir string, n int) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(n)
	slices.Sort(names)
	return names
}
