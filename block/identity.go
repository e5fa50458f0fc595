package block

import (
	"cmp"
	"path/filepath"
	"strconv"
	"strings"

	"storage_exporter/internal/outside"
)

// Identity is who a drive is, whatever the kernel calls it. What is not known is
// empty.
type Identity struct {
	WWN    string `json:"wwn,omitempty"` // as NormalWWN writes it
	Model  string `json:"model,omitempty"`
	Serial string `json:"serial,omitempty"`
	// NQN names the NVMe subsystem, which is one however many controllers and
	// namespaces it has; empty for other drives.
	NQN string `json:"nqn,omitempty"`
}

// String differs for two drives that have the same name one after the other; it is
// empty for an unknown one. It is one of the two, so that a replica that sees less
// of the system (no udev in its container) mostly comes to the same.
func (i Identity) String() string { return cmp.Or(i.WWN, i.Serial) }

// Key is the same for two names of one drive only, and empty where that cannot
// be said. A name that is unique by its standard is not enough: there are drives
// and docks that share one, so serial number and model must agree too.
func (i Identity) Key() string {
	name := cmp.Or(i.NQN, i.WWN)
	if name == "" || i.Serial == "" {
		return ""
	}
	return name + "\x00" + i.Model + "\x00" + i.Serial
}

// Known says whether there is enough to know the drive by.
func (i Identity) Known() bool { return i.WWN != "" || i.Serial != "" }

// Same says whether two names of which less is known than Key needs are one
// drive's: by WWN, or where there is none by serial number and model, with nothing
// known that speaks against it.
func (i Identity) Same(o Identity) bool {
	agree := func(a, b string) bool { return a == b || a == "" || b == "" }
	if i.WWN != "" || o.WWN != "" {
		return i.WWN == o.WWN && agree(i.Serial, o.Serial) && agree(i.Model, o.Model)
	}
	return i.Serial != "" && i.Serial == o.Serial && i.Model == o.Model
}

// Identify looks up who stands behind a name, which Node takes. A part of a drive
// (a namespace, a partition, what lies on one drive only) is the drive. It is empty
// for what the kernel does not know, and for what spreads over several drives.
func (s System) Identify(name string) Identity {
	d, ok := s.look(name)
	if !ok {
		return Identity{}
	}
	if !d.nvme && !outside.Exists(filepath.Join(d.dir, "device")) {
		if drives, one := s.Drives(d.name); len(drives) > 0 {
			if !one {
				return Identity{}
			}
			if whole, ok := s.find(drives[0]); ok {
				d = whole
			}
		}
	}
	return s.identify(d)
}

// identify is Identify for a whole disk, a controller or a generic SCSI device.
func (s System) identify(d entry) Identity {
	if controllers := s.controllers(d); len(controllers) > 0 {
		if dir := s.sys("class/nvme", controllers[0]); outside.Exists(dir) {
			return nvmeIdentity(dir)
		}
	}
	return s.scsiIdentity(d.dir)
}

func nvmeIdentity(dir string) Identity {
	id := Identity{
		Serial: outside.ReadLine(filepath.Join(dir, "serial")), Model: outside.ReadLine(filepath.Join(dir, "model")),
		NQN: outside.ReadLine(filepath.Join(dir, "subsysnqn")),
	}
	// A controller has no name of its own: that of its only namespace is the drive's.
	var spaces []string
	for _, name := range outside.List(dir, maxFiles) {
		if nvmeNamespace.MatchString(name) {
			spaces = append(spaces, name)
		}
	}
	if len(spaces) == 1 {
		id.WWN = NormalWWN(outside.ReadLine(filepath.Join(dir, spaces[0], "wwid")))
	}
	return id
}

func (s System) scsiIdentity(dir string) Identity {
	id := Identity{
		WWN:    NormalWWN(cmp.Or(outside.ReadLine(filepath.Join(dir, "device/wwid")), outside.ReadLine(filepath.Join(dir, "wwid")))),
		Model:  outside.ReadLine(filepath.Join(dir, "device/model")),
		Serial: cmp.Or(serialPage(outside.ReadFile(filepath.Join(dir, "device/vpd_pg80"))), outside.ReadLine(filepath.Join(dir, "device/serial"))),
	}
	if id.WWN != "" && id.Serial != "" {
		return id
	}
	if number := outside.ReadLine(filepath.Join(dir, "dev")); IsNumber(number) {
		properties := make(map[string]string)
		for entry := range recorded(outside.ReadFile(s.udev(number)), "E:") {
			key, value, _ := strings.Cut(entry, "=")
			properties[key] = strings.TrimSpace(value)
		}
		id.WWN = cmp.Or(id.WWN, NormalWWN(cmp.Or(properties["ID_WWN_WITH_EXTENSION"], properties["ID_WWN"])))
		id.Serial = cmp.Or(id.Serial, properties["SCSI_IDENT_SERIAL"], properties["ID_SERIAL_SHORT"])
	}
	return id
}

// NormalWWN writes a name as smartctl does: 0x and 16 or 32 digits in place of
// the kernel's naa.; eui. stays. What names nothing is empty: placeholders that
// many drives share, and the names that the kernel makes of vendor, model and
// serial (t10., nvme.).
func NormalWWN(s string) string {
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

// NormalID writes a name of 64 bits, such as an SAS address, as WWNs are written.
// What is zero or all ones names nothing and is empty.
func NormalID(s string) string {
	id, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "0x"), 16, 64)
	if err != nil || id == 0 || id == 1<<64-1 {
		return ""
	}
	digits := strconv.FormatUint(id, 16)
	return "0x" + strings.Repeat("0", 16-len(digits)) + digits
}

// serialPage reads the unit serial number page: a header of four bytes, then the number.
func serialPage(b []byte) string {
	if len(b) < 4 || b[1] != 0x80 {
		return ""
	}
	n := min(int(b[2])<<8|int(b[3]), len(b)-4)
	return outside.Text(string(b[4 : 4+n]))
}
