package smart

import (
	"regexp"
	"slices"
	"strings"

	"storage_exporter/block"
)

// Named is a drive with all that it goes by.
type Named struct {
	Label string // its own, the one to show everywhere
	// Names are all others: the labels of its paths, that of the device as it is
	// configured or scanned, and the kernel's names.
	Names      []string
	Identities []block.Identity // as the system knows it, and as its report says
}

// Lookup finds drives by whatever names them. It never changes, so that it can be
// used by many at once, and asks nothing. A nil Lookup knows no drive.
type Lookup struct {
	drives   []Named
	byName   map[string]int
	byWWN    map[string][]int
	bySerial map[string][]int
}

// NewLookup makes a lookup of drives. A name that several have is the first one's,
// and one's own label comes before all other names.
func NewLookup(drives []Named) *Lookup {
	l := &Lookup{drives: drives, byName: make(map[string]int, 2*len(drives)), byWWN: make(map[string][]int, len(drives)), bySerial: make(map[string][]int, len(drives))}
	name := func(i int, name string) {
		if _, taken := l.byName[nameKey(name)]; !taken {
			l.byName[nameKey(name)] = i
		}
	}
	add := func(index map[string][]int, key string, i int) {
		if key != "" && !slices.Contains(index[key], i) {
			index[key] = append(index[key], i)
		}
	}
	for i, d := range drives {
		name(i, d.Label)
	}
	for i, d := range drives {
		for _, n := range d.Names {
			name(i, n)
		}
		for _, id := range d.Identities {
			add(l.byWWN, strings.ToLower(id.WWN), i)
			add(l.bySerial, id.Serial, i)
		}
	}
	return l
}

// Label is the label of the drive at place i of the list that the lookup was made of.
func (l *Lookup) Label(i int) string { return l.drives[i].Label }

// Find is the drives that a name means, by their places in the list that the lookup
// was made of: a label, a path below /dev as it stands or as --smartctl.device takes
// it, a kernel name, a partition or NVMe namespace of either, a WWN, a serial
// number, or a link in /dev/disk/by-id that holds one of the two. Several drives
// share a serial number if they are units of one drive.
func (l *Lookup) Find(name string) []int {
	if l == nil {
		return nil
	}
	if i, ok := l.Named(name); ok {
		return []int{i}
	}
	if found := l.identified(name); found != nil {
		return found
	}
	key := nameKey(name)
	if m := linkPart.FindStringSubmatch(key); m != nil {
		return l.Find(m[1])
	}
	if m := kernelPart.FindStringSubmatch(key); m != nil {
		if i, ok := l.Named(m[1] + m[2]); ok {
			return []int{i}
		}
	}
	return nil
}

// identified finds drives by a WWN or serial number, alone or in a link's name:
// wwn-0x5000…, scsi-35000…, nvme-eui.…, ata-MODEL_SERIAL, nvme-MODEL_SERIAL_1.
func (l *Lookup) identified(name string) []int {
	name = nameKey(name)
	if found := l.bySerial[name]; found != nil {
		return found
	}
	bus, rest, isLink := strings.Cut(name, "-")
	for _, wwn := range []string{name, rest, "0x" + strings.TrimPrefix(rest, "3")} {
		if found := l.byWWN[block.NormalWWN(wwn)]; found != nil {
			return found
		}
	}
	if isLink && bus != "" {
		parts := strings.Split(rest, "_")
		for _, serial := range slices.Backward(parts[max(len(parts)-2, 0):]) {
			if found := l.bySerial[serial]; plausible(serial) && found != nil {
				return found
			}
		}
	}
	return nil
}

// Named is the drive that one of the names is a name of, the first that is any; by
// name only. An NVMe namespace that no drive is known by is its controller's.
func (l *Lookup) Named(names ...string) (i int, ok bool) {
	if l == nil {
		return 0, false
	}
	for _, name := range names {
		if i, ok = l.byName[nameKey(name)]; ok {
			return i, true
		}
	}
	for _, name := range names {
		for _, controller := range controllers(name) {
			if i, ok = l.byName[controller]; ok {
				return i, true
			}
		}
	}
	return 0, false
}

// LabelOf is the label of the drive that has one of the kernel's names. For a drive
// that is not known it is what its label would be, by the first name; empty without
// any name.
func (l *Lookup) LabelOf(names ...string) string {
	if i, ok := l.Named(names...); ok {
		return l.drives[i].Label
	}
	if len(names) == 0 {
		return ""
	}
	return NodeLabel(names[0])
}

// Unmonitored is the label of a drive that is none of the lookup's, by its kernel name.
// It is empty where one of them has the name by now.
func (l *Lookup) Unmonitored(name string) string {
	if _, taken := l.Named(name); taken {
		return ""
	}
	return NodeLabel(name)
}

var (
	nvmeNamespace = regexp.MustCompile(`^nvme(\d+)(?:c(\d+))?n\d+$`)
	// linkPart is udev's name of a partition, kernelPart the kernel's.
	linkPart   = regexp.MustCompile(`^(.+)-part\d+$`)
	kernelPart = regexp.MustCompile(`^(?:([a-z]+)\d+|(.*\d)p\d+)$`)
)

// NodeLabel is the label of a kernel name as smartctl would list the drive: nvme0 of
// nvme0n1, nvme1 of nvme0c1n1.
func NodeLabel(name string) string {
	if list := controllers(name); list != nil {
		return list[0]
	}
	return strings.ReplaceAll(name, "!", "_")
}

// controllers are those that an NVMe namespace may belong to, by its name, the
// likelier one first; none for any other device. The path nvme0c1n1 belongs to
// controller 1 of subsystem 0, which has its number from one of its controllers.
func controllers(name string) []string {
	m := nvmeNamespace.FindStringSubmatch(name)
	switch {
	case m == nil:
		return nil
	case m[2] == "":
		return []string{"nvme" + m[1]}
	}
	return []string{"nvme" + m[2], "nvme" + m[1]}
}

// nameKey brings the ways of writing a name into one: that of labels.
func nameKey(name string) string {
	if strings.Contains(name, ";") {
		if d, err := ParseDevice(name); err == nil {
			return d.Label()
		}
	}
	return strings.ReplaceAll(label(name, ""), "!", "_")
}

// plausible says whether a serial number may be a drive's own: docks and cheap
// drives have ones like 0000000000000000.
func plausible(serial string) bool {
	return len(serial) >= 4 && strings.Trim(serial, serial[:1]) != ""
}
