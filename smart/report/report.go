// Package report is what smartctl reports of a drive, read from its JSON.
package report

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"storage_exporter/block"
	"storage_exporter/internal/outside"
)

// ErrBadOutput says that what smartctl printed is not a whole JSON document of its own.
var ErrBadOutput = errors.New("not smartctl's JSON")

// MaxDocument bounds what is read of smartctl's output, in bytes: a drive makes some
// 60 KiB, and eight are read at once.
const MaxDocument = 1 << 20

// Report is what smartctl reports of a drive. What it does not report is nil or
// empty, never zero. Figures are float64: whole numbers are exact up to 2^53,
// as in every reader of JSON. A Report survives JSON unchanged.
type Report struct {
	Device    Answer    `json:"device"`
	Smartctl  Program   `json:"smartctl"`
	PowerMode PowerMode `json:"power_mode,omitempty"`
	// NotRead says that the drive slept whenever it was asked: nothing is
	// known but its device, its power mode and what the system knows of its
	// identity.
	NotRead bool `json:"not_read,omitempty"`

	ModelFamily     string `json:"model_family,omitempty"`
	ModelName       string `json:"model_name,omitempty"`
	SerialNumber    string `json:"serial_number,omitempty"`
	FirmwareVersion string `json:"firmware_version,omitempty"`
	WWN             string `json:"wwn,omitempty"` // 0x5000c500a1b2c3d4, or eui.… for NVMe
	FormFactor      string `json:"form_factor,omitempty"`

	CapacityBlocks     *float64 `json:"capacity_blocks,omitempty"`
	CapacityBytes      *float64 `json:"capacity_bytes,omitempty"`
	LogicalBlockBytes  *float64 `json:"logical_block_bytes,omitempty"`
	PhysicalBlockBytes *float64 `json:"physical_block_bytes,omitempty"`
	RotationRate       *float64 `json:"rotation_rate,omitempty"` // per minute; 0 is an SSD

	SMARTAvailable *bool `json:"smart_available,omitempty"`
	SMARTEnabled   *bool `json:"smart_enabled,omitempty"`
	Passed         *bool `json:"passed,omitempty"` // the drive's own verdict

	// Temperatures are degrees Celsius by smartctl's names: current,
	// drive_trip, lifetime_max, ... (a few count minutes, as their names say).
	Temperatures   map[string]float64 `json:"temperatures,omitempty"`
	PowerOnSeconds *float64           `json:"power_on_seconds,omitempty"`
	PowerCycles    *float64           `json:"power_cycles,omitempty"`

	// EnduranceUsedPercent is how much of the flash's rated life is used; it
	// may exceed 100.
	EnduranceUsedPercent  *float64 `json:"endurance_used_percent,omitempty"`
	SparePercent          *float64 `json:"spare_percent,omitempty"`
	SpareThresholdPercent *float64 `json:"spare_threshold_percent,omitempty"`
	PendingDefects        *float64 `json:"pending_defects,omitempty"` // sectors waiting to be reallocated

	SelfTests []SelfTest `json:"self_tests,omitempty"` // newest first

	ATA  *ATA  `json:"ata,omitempty"`
	NVMe *NVMe `json:"nvme,omitempty"`
	SCSI *SCSI `json:"scsi,omitempty"`
}

// Answer is the device as smartctl answers: with the type that it found.
type Answer struct {
	Name     string `json:"name,omitempty"`
	InfoName string `json:"info_name,omitempty"`
	Type     string `json:"type,omitempty"`     // sat, scsi, nvme, sntjmicron, ...
	Protocol string `json:"protocol,omitempty"` // ATA, SCSI or NVMe
}

// The protocols by which reports differ, in smartctl's words.
const (
	ProtocolATA  = "ATA"
	ProtocolNVMe = "NVMe"
	ProtocolSCSI = "SCSI"
)

// Program is the smartctl that wrote the document, and how it ended.
type Program struct {
	JSONFormat  string `json:"json_format,omitempty"` // "1.0"
	Version     string `json:"version,omitempty"`     // "7.4"
	SVNRevision string `json:"svn_revision,omitempty"`
	BuildInfo   string `json:"build_info,omitempty"`
	// ExitStatus is a bit mask, see ExitBit.
	ExitStatus int       `json:"exit_status"`
	Messages   []Message `json:"messages,omitempty"`
}

// The bits of smartctl's exit status.
const (
	ExitCommandLine = 1 << iota // the command line was refused
	ExitOpen                    // the device could not be opened or identified, or sleeps
	ExitCommand                 // a command failed or a checksum was bad; common and mostly harmless
	ExitFailing                 // the drive says that it is failing
	ExitPrefail                 // a prefail attribute is at or below its threshold
	ExitPastPrefail             // an attribute was below its threshold in the past
	ExitErrorLog                // the error log has entries
	ExitSelfTestLog             // the self-test log has failures
)

// Message is a remark of smartctl.
type Message struct {
	Text     string `json:"text"`
	Severity string `json:"severity,omitempty"` // information, warning or error
}

// SelfTest is one entry of a drive's self-test log.
type SelfTest struct {
	Type   string `json:"type,omitempty"`   // "Short offline", "Extended", ...
	Result string `json:"result,omitempty"` // the drive's words
	// Passed is nil for a test that was aborted, interrupted or still runs.
	Passed           *bool    `json:"passed,omitempty"`
	RemainingPercent *float64 `json:"remaining_percent,omitempty"`
	PowerOnHours     *float64 `json:"power_on_hours,omitempty"` // of the drive, when the test ended; wraps at 65536 on ATA
	LBA              *float64 `json:"lba,omitempty"`            // of the first failure
}

const (
	maxMessages     = 32
	maxSelfTests    = 32
	maxTemperatures = 64
	// absoluteZero is what becomes of a drive's 0 K, which means "unknown".
	absoluteZero = -273
)

// reportJSON is smartctl's JSON: what is common, and what each protocol adds.
type reportJSON struct {
	JSONFormatVersion []number `json:"json_format_version"`
	Smartctl          *struct {
		Version     []number `json:"version"`
		SVNRevision text     `json:"svn_revision"`
		BuildInfo   text     `json:"build_info"`
		ExitStatus  number   `json:"exit_status"`
		Messages    []struct {
			String   text `json:"string"`
			Severity text `json:"severity"`
		} `json:"messages"`
	} `json:"smartctl"`
	Device struct {
		Name     text `json:"name"`
		InfoName text `json:"info_name"`
		Type     text `json:"type"`
		Protocol text `json:"protocol"`
	} `json:"device"`
	PowerMode titled `json:"power_mode"`

	ModelFamily     text   `json:"model_family"`
	ModelName       text   `json:"model_name"`
	SerialNumber    text   `json:"serial_number"`
	FirmwareVersion text   `json:"firmware_version"`
	FormFactor      titled `json:"form_factor"`
	UserCapacity    struct {
		Blocks number `json:"blocks"`
		Bytes  number `json:"bytes"`
	} `json:"user_capacity"`
	LogicalBlockSize  number `json:"logical_block_size"`
	PhysicalBlockSize number `json:"physical_block_size"`
	RotationRate      number `json:"rotation_rate"`
	SMARTSupport      struct {
		Available truth `json:"available"`
		Enabled   truth `json:"enabled"`
	} `json:"smart_support"`
	SMARTStatus struct {
		Passed truth `json:"passed"`
		SCSI   struct {
			String text   `json:"ie_string"`
			ASC    number `json:"asc"`
			ASCQ   number `json:"ascq"`
		} `json:"scsi"`
	} `json:"smart_status"`
	Temperature map[string]number `json:"temperature"`
	PowerOnTime struct {
		Hours   number `json:"hours"`
		Minutes number `json:"minutes"`
	} `json:"power_on_time"`
	PowerCycleCount number `json:"power_cycle_count"`
	EnduranceUsed   struct {
		Current number `json:"current_percent"`
	} `json:"endurance_used"`
	SpareAvailable struct {
		Current   number `json:"current_percent"`
		Threshold number `json:"threshold_percent"`
	} `json:"spare_available"`

	ataJSON
	nvmeJSON
	scsiJSON
}

// Parse reads smartctl's JSON, of version 7.0 and later. A field of an
// unexpected shape is absent from the report; the error, which wraps
// ErrBadOutput, is for what is no JSON, too large or not smartctl's. Whether
// smartctl could read the drive at all is in Smartctl.ExitStatus.
func Parse(b []byte) (*Report, error) {
	b = bytes.TrimSpace(b)
	if len(b) > MaxDocument {
		return nil, fmt.Errorf("%w: larger than %d MiB", ErrBadOutput, MaxDocument>>20)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: nothing was printed", ErrBadOutput)
	}
	if b[0] != '{' {
		return nil, fmt.Errorf("%w: starts with %q", ErrBadOutput, b[:min(len(b), 20)])
	}
	var doc reportJSON
	if err := decode(b, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadOutput, err)
	}
	if doc.Smartctl == nil {
		return nil, fmt.Errorf("%w: no key smartctl in it", ErrBadOutput)
	}
	return doc.report(b), nil
}

// report takes the JSON as well, for keys that have no fixed name.
func (d *reportJSON) report(b []byte) *Report {
	r := &Report{
		Device: Answer{
			Name:     string(d.Device.Name),
			InfoName: string(d.Device.InfoName),
			Type:     string(d.Device.Type),
			Protocol: string(d.Device.Protocol),
		},
		Smartctl:           d.program(),
		ModelFamily:        string(d.ModelFamily),
		ModelName:          string(d.ModelName),
		SerialNumber:       string(d.SerialNumber),
		FirmwareVersion:    string(d.FirmwareVersion),
		FormFactor:         string(d.FormFactor.Name),
		CapacityBlocks:     d.UserCapacity.Blocks.positive(),
		CapacityBytes:      d.UserCapacity.Bytes.positive(),
		LogicalBlockBytes:  d.LogicalBlockSize.positive(),
		PhysicalBlockBytes: d.PhysicalBlockSize.positive(),
		RotationRate:       d.RotationRate.count(),
		SMARTAvailable:     d.SMARTSupport.Available.pointer(),
		SMARTEnabled:       d.SMARTSupport.Enabled.pointer(),
		Passed:             d.SMARTStatus.Passed.pointer(),
		Temperatures:       temperatures(d.Temperature),
		PowerOnSeconds:     d.powerOn(),
		PowerCycles:        d.PowerCycleCount.count(),

		EnduranceUsedPercent:  d.EnduranceUsed.Current.count(),
		SparePercent:          d.SpareAvailable.Current.count(),
		SpareThresholdPercent: d.SpareAvailable.Threshold.count(),
	}
	r.PowerMode = d.powerMode(r)
	switch r.Device.Protocol {
	case ProtocolATA:
		d.ataJSON.fill(r)
	case ProtocolNVMe:
		d.nvmeJSON.fill(r)
	case ProtocolSCSI:
		d.scsiJSON.fill(r, b)
		if r.Passed != nil && !*r.Passed {
			said := d.SMARTStatus.SCSI
			r.SCSI.Exception, r.SCSI.ExceptionASC, r.SCSI.ExceptionASCQ = string(said.String), said.ASC.octet(), said.ASCQ.octet()
		}
	}
	return r
}

func (d *reportJSON) program() Program {
	p := Program{
		JSONFormat:  version(d.JSONFormatVersion),
		Version:     version(d.Smartctl.Version),
		SVNRevision: string(d.Smartctl.SVNRevision),
		BuildInfo:   string(d.Smartctl.BuildInfo),
		ExitStatus:  d.Smartctl.ExitStatus.int(0) & 0xff,
	}
	for _, m := range bounded(d.Smartctl.Messages, maxMessages) {
		if m.String != "" {
			p.Messages = append(p.Messages, Message{string(m.String), string(m.Severity)})
		}
	}
	return p
}

// version writes [7,4] as "7.4".
func version(parts []number) string {
	if len(parts) < 2 || parts[0].int(-1) < 0 || parts[1].int(-1) < 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", parts[0].int(0), parts[1].int(0))
}

// powerOn is the time in seconds; missing minutes are none.
func (d *reportJSON) powerOn() *float64 {
	hours := d.PowerOnTime.Hours.count()
	if hours == nil {
		return nil
	}
	seconds := *hours * 3600
	if minutes := d.PowerOnTime.Minutes.count(); minutes != nil {
		seconds += *minutes * 60
	}
	return &seconds
}

// temperatures keeps what is a number, in a bounded quantity.
func temperatures(m map[string]number) map[string]float64 {
	var out map[string]float64
	for _, key := range slices.Sorted(maps.Keys(m)) {
		name := outside.Text(key)
		v := m[key].signed()
		if v == nil || *v <= absoluteZero || name == "" || len(out) == maxTemperatures {
			continue
		}
		if out == nil {
			out = make(map[string]float64, len(m))
		}
		out[name] = *v
	}
	return out
}

// Identity is who the drive is by its own account.
func (r *Report) Identity() block.Identity {
	return block.Identity{WWN: r.WWN, Model: r.ModelName, Serial: r.SerialNumber}
}

// WithoutSMART says that a drive was read and has no SMART, or has it switched
// off, by its own account.
func (r *Report) WithoutSMART() bool {
	return r.SMARTAvailable != nil && !*r.SMARTAvailable || r.SMARTEnabled != nil && !*r.SMARTEnabled
}
