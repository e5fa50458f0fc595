// Package enclosure reads enclosures of drives from the kernel: which slots they
// have, what the enclosure reports of each, and which drive sits in it. It only
// reads, below a root that may be a tree of fixtures. What it reads is hostile:
// bounded in size and cleaned; what makes no sense is absent.
package enclosure

// Enclosure is one JBOD or backplane, however many paths lead to it.
type Enclosure struct {
	// ID is the logical id, as in 0x5003048000000001: the smallest where the paths
	// report different ones. Without one it is the WWN of the SES device, or else
	// that device's kernel address. Unique in a list: where several enclosures claim
	// the same id, each has its first path behind an @.
	ID       string `json:"id"`
	Vendor   string `json:"vendor,omitempty"`
	Model    string `json:"model,omitempty"`
	Revision string `json:"revision,omitempty"`
	// Paths are the kernel addresses (host:channel:target:lun) of the SES devices,
	// sorted: two for an enclosure with two I/O modules.
	Paths []string `json:"paths"`
	// AnsweredBy is the path that reported Status, Fault, Locate and Power of the
	// slots; empty if none did, and then all of these are absent.
	AnsweredBy string `json:"answered_by,omitempty"`
	Slots      []Slot `json:"slots"`
}

// Slot is one bay of an enclosure. nil is what is not known, never false.
type Slot struct {
	// Slot is the bay as the enclosure numbers it, or its name where the number is
	// absent, negative or repeated. Unique in its enclosure.
	Slot string `json:"slot"`
	// Number is the enclosure's own number, from 0 or from 1, maybe repeated.
	Number *int `json:"number,omitempty"`
	// Name is the element's descriptor without the blanks around it, any text.
	Name string `json:"name"`
	// Status is the SES element status in the kernel's words, empty if it is not
	// known.
	Status Status `json:"status,omitempty"`
	// Fault is set where the host asked for the fault light or the enclosure sensed
	// a fault by itself.
	Fault  *bool   `json:"fault,omitempty"`
	Locate *bool   `json:"locate,omitempty"` // the light that shows where it is
	Power  *string `json:"power,omitempty"`  // on or off
	// Populated says whether a drive sits in the bay; see populated for the rule.
	Populated *bool `json:"populated,omitempty"`
	// Device is the kernel's name of the drive, as in sda: the first of Devices
	// that the kernel has not taken offline, or else the first. Empty where there
	// is no drive, or none that the kernel made a disk of.
	Device string `json:"device,omitempty"`
	// Devices are the names of the drive on all paths to it, sdb before sdaa.
	Devices    []string `json:"devices,omitempty"`
	SASAddress string   `json:"sas_address,omitempty"` // of the port that Device is reached by
	WWN        string   `json:"wwn,omitempty"`         // as in smart.Identity
	Model      string   `json:"model,omitempty"`
	Serial     string   `json:"serial,omitempty"`
}

// Names are the kernel's names of the drive in the slot.
func (s *Slot) Names() []string {
	if len(s.Devices) == 0 && s.Device != "" {
		return []string{s.Device}
	}
	return s.Devices
}

// Status is the status of an SES element.
type Status string

// All there are, in the kernel's words and in the order of their SES codes.
const (
	Unsupported   Status = "unsupported"
	OK            Status = "OK"
	Critical      Status = "critical"
	NonCritical   Status = "non-critical"
	Unrecoverable Status = "unrecoverable"
	NotInstalled  Status = "not installed"
	Unknown       Status = "unknown"
	Unavailable   Status = "unavailable"
)

// populated says whether a bay has a drive. One that the kernel has matched
// with the bay is there. Without one, "not installed" is an empty bay, and by
// the SES standard only an installed element is critical, non-critical or
// unrecoverable. Nothing follows from the others: enclosures say "OK" or
// "unsupported" of empty bays too, and the kernel may match a drive seconds
// after it was plugged in.
func populated(matched bool, s Status) *bool {
	switch {
	case matched:
		return new(true)
	case s == NotInstalled:
		return new(false)
	case s.Bad():
		return new(true)
	}
	return nil
}

// Bad says that the enclosure itself complains of the bay or of what is in it.
func (s Status) Bad() bool { return s == Critical || s == NonCritical || s == Unrecoverable }
