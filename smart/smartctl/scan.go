package smartctl

import (
	"context"
	"fmt"

	"storage_exporter/smart/report"
)

// MaxDevices bounds the monitored set. A scan may find more, to be counted.
const (
	MaxDevices = 16384
	maxFound   = 4 * MaxDevices
)

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
	if status != 0 && (status != report.ExitOpen || len(devices) == 0 && complaint(doc.Report) != "") {
		return nil, &ReportError{Device: "--scan", Message: complaint(doc.Report), ExitStatus: status}
	}
	return devices, nil
}

func parseScan(b []byte) ([]Device, error) {
	found, err := report.ParseScan(b, maxFound)
	if err != nil {
		return nil, err
	}
	devices := make([]Device, 0, len(found))
	for _, answer := range found {
		d := Device{Name: answer.Name, Type: answer.Type}
		if d.Type == "scsi" || d.Type == "" {
			d.Type = Auto
		}
		if d.Valid() {
			devices = append(devices, d)
		}
	}
	return devices, nil
}
