package smart

import (
	"context"
	"fmt"
	"regexp"
)

// maxDrives bounds the monitored set.
const maxDrives = 4096

// Scan asks smartctl which drives there are. Their types are such that a SATA
// drive behind a SAS adapter is read as well: what is scanned as SCSI is asked
// for as Auto. No drive is a list of none. A drive of many LUNs and virtual
// disks are listed like any other.
func (t *Tool) Scan(ctx context.Context) ([]Device, error) {
	ctx, cancel := withNet(ctx)
	defer cancel()
	args := []string{"--json", "--scan"}
	for _, typ := range t.scanTypes {
		args = append(args, "--device="+typ)
	}
	out, err := run(ctx, t.path, args...)
	if err != nil {
		return nil, fmt.Errorf("smartctl --scan: %w", err)
	}
	doc, err := parseOutput(out)
	if err != nil {
		return nil, fmt.Errorf("smartctl --scan: %w", err)
	}
	devices, err := parseScan(doc.JSON)
	if err != nil {
		return nil, fmt.Errorf("smartctl --scan: %w", err)
	}
	// Exit status 2 means that a controller could not be asked: what was found
	// besides counts.
	status := doc.Report.Smartctl.ExitStatus
	if status != 0 && (status != ExitOpen || len(devices) == 0 && doc.Report.complaint() != "") {
		return nil, &ReportError{Device: "--scan", Message: doc.Report.complaint(), ExitStatus: status}
	}
	return devices, nil
}

func parseScan(b []byte) ([]Device, error) {
	var doc struct {
		Devices []struct {
			Name text `json:"name"`
			Type text `json:"type"`
		} `json:"devices"`
	}
	if err := decode(b, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadOutput, err)
	}
	devices := make([]Device, 0, min(len(doc.Devices), maxDrives))
	for _, found := range bounded(doc.Devices, maxDrives) {
		d := Device{Name: string(found.Name), Type: string(found.Type)}
		if d.Type == "scsi" || d.Type == "" {
			d.Type = Auto
		}
		if d.valid() {
			devices = append(devices, d)
		}
	}
	return devices, nil
}

// selection makes the monitored set of the scanned and the configured devices.
type selection struct {
	devices          []Device       // configured: always in
	include, exclude *regexp.Regexp // on the labels of scanned devices, unanchored; nil: all, none
}

// choose returns the devices to monitor, each label once. The configured ones
// come first: who names a device with a type means that type.
func (s selection) choose(scanned []Device) []Device {
	var chosen []Device
	seen := make(map[string]bool)
	add := func(d Device) {
		if l := d.Label(); !seen[l] && d.valid() && len(chosen) < maxDrives {
			seen[l] = true
			chosen = append(chosen, d)
		}
	}
	for _, d := range s.devices {
		add(d)
	}
	for _, d := range scanned {
		if s.wanted(d) {
			add(d)
		}
	}
	return chosen
}

func (s selection) wanted(d Device) bool {
	l := d.Label()
	if s.exclude != nil && s.exclude.MatchString(l) {
		return false
	}
	return s.include == nil || s.include.MatchString(l)
}
