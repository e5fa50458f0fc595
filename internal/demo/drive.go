package demo

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"storage_exporter/block/blocktest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/kit"
)

// document is what smartctl prints of a drive, to be changed.
type document = map[string]any

// drive is one of a host. Its identity is made up: a WWN that begins with 3 is one that
// nobody assigns.
type drive struct {
	kernel         string // its name: sda, nvme0
	kind           kind
	serial         string
	wwid           uint64 // 0: none
	hours, celsius int    // when the demo began, and on average
	n              int    // of its host

	address string // of SCSI
	bay     string // the component of the enclosure that it sits in; empty: none
	at      string // the enclosure's address

	// ails changes the document of one that is not well. steps count up.
	ails func(doc document, steps int)
	// broken is the same for a fault that was made.
	broken func(doc document, steps int)
	asleep bool
	gone   bool
}

type kind int

const (
	sata kind = iota
	sas
	flash // SATA
	nvme
)

// device is the name that smartctl knows.
func (d *drive) device() string { return "/dev/" + d.kernel }

func (d *drive) wwn() string { return fmt.Sprintf("0x%016x", d.wwid) }

// disk is what the kernel has of it.
func (d *drive) disk() blocktest.Disk {
	return blocktest.Disk{
		Name: d.kernel, Address: d.address, Vendor: "EXAMPLE", Model: "EXAMPLE", State: "running",
		WWID: fmt.Sprintf("naa.%016x", d.wwid), Serial: d.serial, SAS: fmt.Sprintf("0x%016x", d.wwid+1),
	}
}

// attributes are the raw values of a SATA drive that is well.
func (d *drive) attributes(celsius, hours int) map[int]int {
	return map[int]int{
		3: 0, 4: 31 + d.n%9, 5: 0, 7: 0, 9: hours, 10: 0, 12: 29 + d.n%7, 187: 0, 188: 0, 194: celsius, 197: 0, 198: 0, 199: 0, 1: 0,
	}
}

// fleet is what the fake smartctl says of it after so many steps of age.
func (d *drive) fleet(t kit.T, now time.Time, steps int) fleet.Drive {
	t.Helper()
	celsius := d.celsius + int(math.Round(1.4*math.Sin(float64(now.Unix())/90+float64(d.n))))
	hours := d.hours + int(now.Sub(began(now)).Hours())
	var f fleet.Drive
	switch d.kind {
	case sas:
		f = fleet.SCSI(d.device(), d.n)
	case nvme:
		f = fleet.NVMe(d.device(), d.n)
	default:
		f = fleet.ATA(d.device(), d.n, 14)
	}
	var doc document
	if err := json.Unmarshal(f.Report, &doc); err != nil {
		t.Fatal(err)
	}
	doc["serial_number"] = d.serial
	doc["power_on_time"] = document{"hours": hours, "minutes": d.n % 60}
	switch d.kind {
	case sas:
		doc["logical_unit_id"] = d.wwn()
		doc["scsi_grown_defect_list"] = 0
		doc["temperature"] = document{"current": celsius, "drive_trip": 60}
	case nvme:
		doc["temperature"] = document{"current": celsius}
		health := doc["nvme_smart_health_information_log"].(document)
		health["temperature"], health["temperature_sensors"], health["power_on_hours"] = celsius, []int{celsius, celsius + 6}, hours
		health["percentage_used"] = 12
	default:
		doc["wwn"] = document{"naa": d.wwid >> 60, "oui": d.wwid >> 36 & 0xffffff, "id": d.wwid & 0xfffffffff}
		doc["temperature"] = document{"current": celsius, "op_limit_max": 60}
		for id, raw := range d.attributes(celsius, hours) {
			setAttribute(doc, id, raw)
		}
		setSelfTest(doc, "Completed without error", 0, hours-hours%168)
	}
	if d.kind == flash {
		doc["rotation_rate"], doc["model_name"], doc["trim"] = 0, "EXAMPLE EX480SSD", document{"supported": true}
		doc["user_capacity"] = document{"blocks": 937703088, "bytes": 480103981056}
		doc["endurance_used"] = document{"current_percent": 34}
	}
	for _, change := range []func(document, int){d.ails, d.broken} {
		if change != nil {
			change(doc, steps)
		}
	}
	report, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	f.Report = report
	if d.asleep {
		f.PowerMode = "STANDBY"
	}
	return f
}

// began is when the drives were as old as they say: the beginning of the month.
func began(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// setAttribute changes the raw value of an ATA attribute that the document has.
func setAttribute(doc document, id, raw int) {
	for _, a := range doc["ata_smart_attributes"].(document)["table"].([]any) {
		if a := a.(document); a["id"] == float64(id) {
			a["raw"] = document{"value": raw, "string": fmt.Sprint(raw)}
		}
	}
}

// setSelfTest puts one extended self-test into the log.
func setSelfTest(doc document, word string, status, hours int) {
	doc["ata_smart_self_test_log"] = document{"standard": document{"revision": 1, "count": 1, "table": []any{document{
		"type":           document{"value": 2, "string": "Extended offline"},
		"status":         document{"value": status, "string": word, "passed": status == 0},
		"lifetime_hours": hours,
	}}}}
}

// setFailing sets bit 3 of smartctl's exit status, and the drive's own verdict.
func setFailing(doc document) {
	doc["smart_status"].(document)["passed"] = false
	doc["smartctl"].(document)["exit_status"] = 8
}

// How drives ail.

// losesSectors is a SATA drive whose pending and uncorrectable sectors grow.
func losesSectors(doc document, steps int) {
	setAttribute(doc, 5, 24)
	setAttribute(doc, 187, 9+steps/3)
	setAttribute(doc, 197, 48+steps)
	setAttribute(doc, 198, 16+steps/2)
	setSelfTest(doc, "Completed: read failure", 0x79, doc["power_on_time"].(document)["hours"].(int)-7)
}

// predictsFailure is a SAS drive that says so itself.
func predictsFailure(doc document, steps int) {
	setFailing(doc)
	doc["smart_status"].(document)["scsi"] = document{
		"asc": 0x5d, "ascq": 0x32, "ie_string": "DATA CHANNEL IMPENDING FAILURE GENERAL HARD DRIVE FAILURE [asc=5d, ascq=32]",
	}
	doc["scsi_grown_defect_list"] = 1270 + steps
	doc["scsi_error_counter_log"].(document)["read"].(document)["total_uncorrected_errors"] = 31 + steps/4
}

// isHot is a SATA drive above its limit.
func isHot(doc document, steps int) {
	celsius := 62 + steps%3
	doc["temperature"] = document{"current": celsius, "op_limit_max": 60}
	setAttribute(doc, 194, celsius)
}

// remapped is a SATA drive with some reallocated sectors.
func remapped(doc document, _ int) { setAttribute(doc, 5, 11) }

// worn is an NVMe drive near the end of its rated life.
func worn(doc document, _ int) {
	doc["nvme_smart_health_information_log"].(document)["percentage_used"] = 93
}

// serialOf makes a serial number of a shelf's letter, a kind and a number.
func serialOf(letter string, k kind, n int) string {
	return fmt.Sprintf("DEMO%s%s%04d", letter, strings.ToUpper([]string{"h", "s", "f", "n"}[k]), n)
}
