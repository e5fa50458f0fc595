package smart

import (
	"context"
	"fmt"
)

// maxDrives bounds the monitored set.
const maxDrives = 4096

// Scan asks smartctl which drives there are. Their types are such that a SATA
// drive behind a SAS adapter is read as well: what is scanned as SCSI is asked
// for as Auto. No drive is a list of none. Every path to a drive, every namespace
// that is named, and virtual disks are listed like any other.
func (t *Tool) Scan(ctx context.Context) ([]Device, error) {
	ctx, cancel := withNet(ctx)
	defer cancel()
	args := []string{"--json", "--scan"}
	for _, typ := range t.scanTypes {
		args = append(args, "--device="+typ)
	}
	var devices []Device
	doc, err := t.run(ctx, args...)
	if err == nil {
		devices, err = parseScan(doc.JSON)
	}
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
