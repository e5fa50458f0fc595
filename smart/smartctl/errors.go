package smartctl

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotInstalled says that smartctl is missing or cannot be executed.
	ErrNotInstalled = errors.New("no usable smartctl")
	// ErrNoReport says that smartctl ran but has no report of the drive: it
	// could not be opened or identified. Every *ReportError is one.
	ErrNoReport = errors.New("no report")
	// ErrNoSuchDevice says that the drive is gone. It comes with ErrNoReport.
	ErrNoSuchDevice = errors.New("no such device")
	// ErrPermission says that the exporter may not open the drive. It comes
	// with ErrNoReport.
	ErrPermission = errors.New("permission denied")
)

// ReportError is smartctl's own account of why it has no report.
type ReportError struct {
	Device  string // name as in /dev/sda
	Type    string // the type smartctl was given
	Message string // smartctl's first error message, may be empty
	// ExitStatus is smartctl's bit mask: 1 is a command line error, 2 that
	// the device could not be opened or identified.
	ExitStatus int
}

func (e *ReportError) Error() string {
	msg := e.Message
	if msg == "" {
		msg = fmt.Sprintf("exit status %d without a message", e.ExitStatus)
	}
	// smartctl mostly names the device itself.
	if !strings.Contains(msg, e.Device) {
		msg = e.Device + ": " + msg
	}
	switch {
	case errors.Is(e, ErrPermission):
		msg += "; run as root, or with CAP_SYS_RAWIO and CAP_SYS_ADMIN and read access to the device"
	case strings.Contains(e.Message, "Unable to detect device type"), strings.Contains(e.Message, "please specify device type"):
		msg += "; if it is a drive, name its type with --smartctl.device='" + e.Device + ";TYPE', else exclude it with --smartctl.device-exclude"
	}
	return "smartctl: " + msg
}

// Is makes a ReportError an ErrNoReport, and ErrNoSuchDevice or ErrPermission by its message.
func (e *ReportError) Is(target error) bool {
	switch target {
	case ErrNoReport:
		return true
	case ErrNoSuchDevice:
		return strings.Contains(e.Message, "No such device") || strings.Contains(e.Message, "No such file")
	case ErrPermission:
		return strings.Contains(e.Message, "Permission denied") || strings.Contains(e.Message, "Operation not permitted")
	}
	return false
}

// NoSMART says that smartctl found no drive that it could talk to behind a
// device that is there, in the words that it has for that.
func (e *ReportError) NoSMART() bool {
	for _, words := range []string{
		"Unable to detect device type", "please specify device type", "Unknown USB bridge", "Unsupported USB bridge",
		"lacks SMART capability", "RAID volume", "DELL or MegaRaid controller",
	} {
		if strings.Contains(e.Message, words) {
			return true
		}
	}
	return false
}
