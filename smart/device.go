// Package smart keeps the monitored set of drives, observes them through smartctl, and
// finds a drive by whatever names it.
package smart

import (
	"fmt"
	"slices"
	"strings"

	"storage_exporter/block"
	"storage_exporter/smart/smartctl"
)

// Device is what smartctl is asked for, and what the system knows of it.
type Device struct {
	Name string `json:"name"` // as in /dev/sda, always absolute
	Type string `json:"type"` // smartctl's --device: auto, sat, "megaraid,1", ...
	// Identity shows whether the same drive still stands under the name; empty
	// where the system does not know, as for members of a RAID controller.
	Identity block.Identity `json:"identity,omitzero"`
	// Virtual says what stands there if it is no drive: "iSCSI LUN".
	Virtual string `json:"virtual,omitempty"`
	// Offline says that the kernel has given this path up.
	Offline bool `json:"offline,omitempty"`
	// Nodes are the kernel's names of the drive, the one that Name leads to first:
	// of NVMe the controllers with their namespaces and paths. Empty for a member
	// of a RAID controller.
	Nodes []string `json:"nodes,omitempty"`

	// Apart says that the node stands for several drives, of which this is one.
	Apart bool `json:"-"`
}

// ParseDevice reads what --smartctl.device takes: a path, with an optional
// ";type" as in "/dev/bus/0;megaraid,1".
func ParseDevice(s string) (Device, error) {
	name, typ, found := strings.Cut(s, ";")
	d := Device{Name: strings.TrimSpace(name), Type: strings.TrimSpace(typ)}
	if !found {
		d.Type = smartctl.Auto
	}
	if !d.valid() {
		return Device{}, fmt.Errorf("device %q: want an absolute path, with an optional type as in '/dev/bus/0;megaraid,1'", s)
	}
	return d, nil
}

// asked is the device as smartctl is asked for it.
func (d Device) asked() smartctl.Device { return smartctl.Device{Name: d.Name, Type: d.Type} }

func (d Device) valid() bool { return d.asked().Valid() }

// Label names the device as it was asked for, in smartctl_exporter's way: sda,
// nvme0, bus_0_megaraid_1. The store's keys are made of it. In metrics a drive has
// its own label, see AnswerLabel.
func (d Device) Label() string { return label(d.Name, d.Type) }

// AnswerLabel is the drive's own label: that of the answered type, as in
// bus_6_sat+megaraid_14, which is what smartctl_exporter shows. Where the
// answer lost the number of one of several drives, as with cciss, it is that of
// the asked type: else all members of a controller would be one.
func (d Device) AnswerLabel(answeredType string) string {
	_, asked, _ := strings.Cut(d.Type, ",")
	_, answered, _ := strings.Cut(answeredType, ",")
	numbered := d.member() || d.port() || asked == ""
	if numbered && asked != answered || !smartctl.ValidType(answeredType) {
		return d.Label()
	}
	return label(d.Name, answeredType)
}

var (
	// memberTypes are for the drives of a RAID controller: the node is the
	// controller's, or that of a disk that it makes of them.
	memberTypes = []string{"3ware", "aacraid", "areca", "cciss", "hpt", "megaraid", "sssraid"}
	// portTypes are for one of several drives behind a bridge. The node may be that
	// drive's, or stand for all of them.
	portTypes = []string{"intelliprop", "jmb39x", "jmb39x-q", "jms56x", "usbasm1352r", "usbjmicron"}
)

// member says that the type means a drive of a RAID controller, which the kernel
// does not know by the node. A comma alone does not: sat,12 is a way to talk.
func (d Device) member() bool { return d.numbers(memberTypes) }

func (d Device) port() bool { return d.numbers(portTypes) }

// numbers says whether the type, or one that it is joined to by a plus, is one of
// the types with a number.
func (d Device) numbers(types []string) bool {
	for part := range strings.SplitSeq(d.Type, "+") {
		if kind, _, found := strings.Cut(part, ","); found && slices.Contains(types, kind) {
			return true
		}
	}
	return false
}

// path is the name to ask the system for; empty for a member of a RAID controller,
// whose own is that of the controller or of one of its volumes.
func (d Device) path() string {
	if d.member() || d.Apart {
		return ""
	}
	return d.Name
}

// node is the kernel's name of the device, without a look at the system; empty for
// a member of a RAID controller, and for what is no name of the kernel's.
func (d Device) node() string {
	name, ok := strings.CutPrefix(d.path(), "/dev/")
	switch {
	case len(d.Nodes) > 0:
		return d.Nodes[0]
	case !ok || strings.Contains(name, "/"):
		return ""
	}
	return name
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
