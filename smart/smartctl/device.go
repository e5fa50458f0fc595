package smartctl

import (
	"strings"

	"storage_exporter/internal/outside"
)

// Device is what smartctl is asked for: a device node and the type to talk to it.
type Device struct {
	Name string // as in /dev/sda, always absolute
	Type string // smartctl's --device: auto, sat, "megaraid,1", ...
}

// Auto is the type by which smartctl finds the type itself. That may wake a
// drive, so the type it found is passed from then on.
const Auto = "auto"

const (
	maxName = 4096 // PATH_MAX
	maxType = 64
)

// Valid says whether the device may be handed to smartctl.
func (d Device) Valid() bool {
	return strings.HasPrefix(d.Name, "/") && len(d.Name) <= maxName && outside.Printable(d.Name) == d.Name && ValidType(d.Type)
}

// ValidType says whether smartctl may be given the type.
func ValidType(t string) bool {
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
