// Package smart observes the drives of a host through smartctl.
package smart

import (
	"fmt"
	"strings"

	"storage_exporter/block"
)

// Device is what smartctl is asked for: a device node and the type to talk to it.
type Device struct {
	Name string `json:"name"` // as in /dev/sda, always absolute
	Type string `json:"type"` // smartctl's --device: auto, sat, "megaraid,1", ...
	// Identity tells whether the same drive still stands under the name; empty
	// where the system does not know, as for members of a RAID controller.
	Identity block.Identity `json:"identity,omitzero"`
	// Virtual says what stands there if it is no drive: "iSCSI LUN".
	Virtual string `json:"virtual,omitempty"`
	// Offline says that the kernel has given this path up.
	Offline bool `json:"offline,omitempty"`
}

// Auto is the type by which smartctl finds the type itself. That may wake a
// drive, so the type it found is passed from then on.
const Auto = "auto"

const (
	maxName = 4096 // PATH_MAX
	maxType = 64
)

// ParseDevice reads what --smartctl.device takes: a path, with an optional
// ";type" as in "/dev/bus/0;megaraid,1".
func ParseDevice(s string) (Device, error) {
	name, typ, found := strings.Cut(s, ";")
	d := Device{Name: strings.TrimSpace(name), Type: strings.TrimSpace(typ)}
	if !found {
		d.Type = Auto
	}
	if !d.valid() {
		return Device{}, fmt.Errorf("device %q: want an absolute path, with an optional type as in '/dev/bus/0;megaraid,1'", s)
	}
	return d, nil
}

// valid says whether the device may be handed to smartctl.
func (d Device) valid() bool {
	return strings.HasPrefix(d.Name, "/") && len(d.Name) <= maxName && !strings.ContainsAny(d.Name, "\x00\n") && validType(d.Type)
}

func validType(t string) bool {
	if t == "" || len(t) > maxType || strings.ContainsRune("+,/_-.", rune(t[0])) {
		return false
	}
	for _, c := range t {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("+,/_-.", c):
		default:
			return false
		}
	}
	return true
}

// node is the name by which the kernel knows the drive; empty for a member of a RAID
// controller, whose own is that of the controller or of one of its volumes.
func (d Device) node() string {
	if strings.Contains(d.Type, ",") {
		return ""
	}
	return d.Name
}

// Label names the device in keys, metrics and requests: sda, nvme0,
// bus_0_megaraid_1. It is smartctl_exporter's label of the device as it was
// asked for.
func (d Device) Label() string { return label(d.Name, d.Type) }

// AnswerLabel is the label for metrics: that of the answered type, as in
// bus_6_sat+megaraid_14, which is what smartctl_exporter shows. Where the
// answer lost the member's number, as with cciss, it is that of the asked type:
// else all members of a controller would be one.
func (d Device) AnswerLabel(answeredType string) string {
	_, asked, _ := strings.Cut(d.Type, ",")
	_, answered, _ := strings.Cut(answeredType, ",")
	if asked != answered || !validType(answeredType) {
		return d.Label()
	}
	return label(d.Name, answeredType)
}

func label(name, typ string) string {
	for _, prefix := range []string{"/dev/disk/by-id/", "/dev/disk/by-path/", "/dev/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name = rest
			break
		}
	}
	name = strings.ReplaceAll(name, "/", "_")
	if strings.Contains(typ, ",") {
		name += "_" + strings.ReplaceAll(typ, ",", "_")
	}
	return name
}
