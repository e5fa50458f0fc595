package smart

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"storage_exporter/internal/outside"
)

// Identity is who a drive is, whatever the kernel calls it.
type Identity struct {
	WWN    string `json:"wwn,omitempty"` // as Report.WWN
	Model  string `json:"model,omitempty"`
	Serial string `json:"serial,omitempty"`
	// NQN names the NVMe subsystem, which is one however many controllers and
	// namespaces it has; empty for other drives.
	NQN string `json:"nqn,omitempty"`
}

// String is what tells two drives apart that stand under the same name one
// after the other; empty for an unknown one. It is one of the two, so that a
// replica that sees less of the system (no udev in its container) mostly comes
// to the same.
func (i Identity) String() string { return cmp.Or(i.WWN, i.Serial) }

// key is the same for two names of one drive only, and empty where that cannot
// be said. A name that is unique by its standard is not enough: there are drives
// and docks that share one, so serial number and model must agree too.
func (i Identity) key() string {
	name := cmp.Or(i.NQN, i.WWN)
	if name == "" || i.Serial == "" {
		return ""
	}
	return name + "\x00" + i.Model + "\x00" + i.Serial
}

// System is where the kernel and udev keep what they know of drives. Reading
// there costs no command to a drive and wakes none.
type System struct {
	Sysfs string // "/sys" if empty
	Udev  string // "/run/udev/data" if empty
}

// Identify looks up who stands behind a device. It is empty for a member of a
// RAID controller and for what the kernel knows nothing of.
func (s System) Identify(d Device) Identity {
	node := s.node(d)
	if node == "" {
		return Identity{}
	}
	controller := nvmeController(node)
	if dir := s.class("nvme", controller); exists(dir) {
		return nvmeIdentity(dir, controller)
	}
	for _, class := range blockClasses {
		if dir := s.class(class, node); exists(dir) {
			return s.blockIdentity(dir)
		}
	}
	return Identity{}
}

// blockClasses are where the kernel keeps what is no NVMe controller.
var blockClasses = []string{"block", "scsi_generic"}

func (s System) class(class, node string) string {
	return filepath.Join(cmp.Or(s.Sysfs, "/sys"), "class", class, node)
}

// node is the kernel's name of a device; empty for a member of a RAID controller
// and for what has none.
func (s System) node(d Device) string {
	if strings.Contains(d.Type, ",") {
		return ""
	}
	name := d.Name
	// by-id and by-path names are links to the kernel's.
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	node, ok := strings.CutPrefix(name, "/dev/")
	if !ok || strings.ContainsAny(node, "/") || node == "" || node[0] == '.' {
		return ""
	}
	return node
}

// nvmeController is the controller of an NVMe node, itself or of a namespace:
// nvme0 of nvme0n1, whose drive it is. Other nodes are returned as they are.
func nvmeController(node string) string {
	rest, ok := strings.CutPrefix(node, "nvme")
	number := chunk(rest)
	if !ok || number == "" || !isDigit(number[0]) || len(number) == len(rest) {
		return node
	}
	return "nvme" + number
}

// offline says whether the kernel has given the drive up. Then smartctl takes
// the failing question after its power mode for a drive that sleeps.
func (s System) offline(d Device) bool {
	node := s.node(d)
	if node == "" {
		return false
	}
	for _, class := range blockClasses {
		switch outside.ReadLine(filepath.Join(s.class(class, node), "device/state")) {
		case "offline", "transport-offline", "cancel", "deleted":
			return true
		}
	}
	return false
}

func nvmeIdentity(dir, controller string) Identity {
	id := Identity{
		Serial: outside.ReadLine(filepath.Join(dir, "serial")), Model: outside.ReadLine(filepath.Join(dir, "model")),
		NQN: outside.ReadLine(filepath.Join(dir, "subsysnqn")),
	}
	// A controller has no name of its own: that of its only namespace is the
	// drive's. With multipath the namespaces below it are named nvme0c0n1.
	spaces, _ := filepath.Glob(filepath.Join(dir, controller+"*n*", "wwid"))
	if len(spaces) == 1 {
		id.WWN = normalWWN(outside.ReadLine(spaces[0]))
	}
	return id
}

func (s System) blockIdentity(dir string) Identity {
	id := Identity{
		WWN:    normalWWN(cmp.Or(outside.ReadLine(filepath.Join(dir, "device/wwid")), outside.ReadLine(filepath.Join(dir, "wwid")))),
		Model:  outside.ReadLine(filepath.Join(dir, "device/model")),
		Serial: cmp.Or(pageSerial(filepath.Join(dir, "device/vpd_pg80")), outside.ReadLine(filepath.Join(dir, "device/serial"))),
	}
	if dev := outside.ReadLine(filepath.Join(dir, "dev")); dev != "" && (id.WWN == "" || id.Serial == "") {
		properties := udevProperties(filepath.Join(cmp.Or(s.Udev, "/run/udev/data"), "b"+dev))
		id.WWN = cmp.Or(id.WWN, normalWWN(cmp.Or(properties["ID_WWN_WITH_EXTENSION"], properties["ID_WWN"])))
		id.Serial = cmp.Or(id.Serial, properties["SCSI_IDENT_SERIAL"], properties["ID_SERIAL_SHORT"])
	}
	return id
}

// normalWWN writes a name as smartctl does: 0x and 16 or 32 digits in place of
// the kernel's naa.; eui. stays. What tells nothing is empty: placeholders that
// many drives share, and the names that the kernel makes of vendor, model and
// serial (t10., nvme.).
func normalWWN(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	var prefix, digits string
	switch {
	case strings.HasPrefix(s, "naa."):
		prefix, digits = "0x", s[len("naa."):]
	case strings.HasPrefix(s, "0x"):
		prefix, digits = "0x", s[len("0x"):]
	case strings.HasPrefix(s, "eui."):
		prefix, digits = "eui.", s[len("eui."):]
	}
	if len(digits) < 16 || len(digits) > 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	switch strings.TrimLeft(digits, "0") {
	case "", "1", "5000000000000000", "5000000000000001":
		return ""
	}
	if strings.Trim(digits, "f") == "" {
		return ""
	}
	return prefix + digits
}

// pageSerial reads the unit serial number page: a header of four bytes, then the number.
func pageSerial(path string) string {
	b := outside.ReadFile(path)
	if len(b) < 4 || b[1] != 0x80 {
		return ""
	}
	n := min(int(b[2])<<8|int(b[3]), len(b)-4)
	return outside.Text(string(b[4 : 4+n]))
}

// udevProperties reads the lines "E:KEY=VALUE" of udev's record of a device.
func udevProperties(path string) map[string]string {
	properties := make(map[string]string)
	for line := range strings.Lines(string(outside.ReadFile(path))) {
		if entry, ok := strings.CutPrefix(line, "E:"); ok {
			key, value, _ := strings.Cut(entry, "=")
			properties[key] = outside.Text(value)
		}
	}
	return properties
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
