package fleet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"storage_exporter/block/blocktest"
)

// Document is the scan as smartctl prints it.
func (s Scan) Document() []byte {
	doc := header(0)
	if len(s.Devices) > 0 {
		doc["devices"] = s.Devices
	}
	return encode(doc)
}

// DocumentFor is the drive's document when asked for these logs.
func (d Drive) DocumentFor(logs []string) []byte {
	for _, l := range d.MissingLogs {
		if slices.Contains(logs, l) {
			return WithExitStatus(d.Report, exitStatus(d.Report)|4)
		}
	}
	return d.Report
}

// Asleep is what is printed for a drive that is not woken.
func (d Drive) Asleep() []byte {
	doc := header(2)
	doc["smartctl"].(map[string]any)["messages"] = []map[string]string{
		{"string": "Device is in " + d.PowerMode + " mode, exit(2)", "severity": "information"},
	}
	var whole map[string]any
	if json.Unmarshal(d.Report, &whole) == nil {
		doc["device"] = whole["device"]
	}
	return encode(doc)
}

// WithExitStatus is the document with another exit status.
func WithExitStatus(document []byte, status int) []byte {
	var doc map[string]any
	if json.Unmarshal(document, &doc) != nil {
		return document
	}
	if program, ok := doc["smartctl"].(map[string]any); ok {
		program["exit_status"] = status
	}
	return encode(doc)
}

func exitStatus(document []byte) int {
	var doc struct {
		Smartctl struct {
			ExitStatus int `json:"exit_status"`
		} `json:"smartctl"`
	}
	_ = json.Unmarshal(document, &doc)
	return doc.Smartctl.ExitStatus
}

func header(status int) map[string]any {
	return map[string]any{
		"json_format_version": []int{1, 0},
		"smartctl": map[string]any{
			"version": []int{7, 4}, "pre_release": false, "svn_revision": "5530", "platform_info": "x86_64-linux",
			"build_info": "(local build)", "argv": []string{"smartctl"}, "exit_status": status,
		},
		"local_time": map[string]any{"time_t": 1790000000, "asctime": "Mon Sep 21 14:13:20 2026 UTC"},
	}
}

func encode(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // only maps, numbers and strings go in
	}
	return append(b, '\n')
}

// attributeNames are those of the ATA documents, most usual first.
var attributeNames = []struct {
	id   int
	name string
}{
	{5, "Reallocated_Sector_Ct"}, {9, "Power_On_Hours"}, {197, "Current_Pending_Sector"}, {198, "Offline_Uncorrectable"},
	{199, "UDMA_CRC_Error_Count"}, {194, "Temperature_Celsius"}, {1, "Raw_Read_Error_Rate"}, {3, "Spin_Up_Time"},
	{4, "Start_Stop_Count"}, {7, "Seek_Error_Rate"}, {10, "Spin_Retry_Count"}, {12, "Power_Cycle_Count"},
	{187, "Reported_Uncorrect"}, {188, "Command_Timeout"}, {190, "Airflow_Temperature_Cel"}, {191, "G-Sense_Error_Rate"},
	{192, "Power-Off_Retract_Count"}, {193, "Load_Cycle_Count"}, {240, "Head_Flying_Hours"}, {241, "Total_LBAs_Written"},
	{242, "Total_LBAs_Read"}, {200, "Pressure_Limit"}, {183, "Runtime_Bad_Block"}, {184, "End-to-End_Error"},
}

// ATA is a SATA disk whose attributes, at most 24, make four series each. Its
// values depend on n.
func ATA(name string, n, attributes int) Drive {
	doc := header(0)
	table := make([]map[string]any, 0, attributes)
	for i, a := range attributeNames[:min(attributes, len(attributeNames))] {
		raw := (n*37 + i*11) % 50
		if a.id == 9 {
			raw = 20000 + n
		}
		table = append(table, map[string]any{
			"id": a.id, "name": a.name, "value": 100 - i%3, "worst": 90, "thresh": 10 * (i % 2), "when_failed": "",
			"flags": map[string]any{
				"value": 51, "string": "PO--CK ", "prefailure": true, "updated_online": true, "performance": false,
				"error_rate": false, "event_count": true, "auto_keep": true,
			},
			"raw": map[string]any{"value": raw, "string": strconv.Itoa(raw)},
		})
	}
	merge(doc, map[string]any{
		"device":       map[string]any{"name": name, "info_name": name + " [SAT]", "type": "sat", "protocol": "ATA"},
		"model_family": "Example Capacity HDD", "model_name": "EXAMPLE EX18000NM", "serial_number": fmt.Sprintf("EXA%07d", n),
		"wwn":              map[string]any{"naa": 5, "oui": 3152, "id": 2900000000 + n},
		"firmware_version": "EX04", "user_capacity": map[string]any{"blocks": 35156656128, "bytes": 18000207937536},
		"logical_block_size": 512, "physical_block_size": 4096, "rotation_rate": 7200,
		"form_factor": map[string]any{"ata_value": 2, "name": "3.5 inches"}, "trim": map[string]any{"supported": false},
		"in_smartctl_database": true,
		"ata_version":          map[string]any{"string": "ACS-4 (minor revision not indicated)", "major_value": 4064, "minor_value": 65535},
		"sata_version":         map[string]any{"string": "SATA 3.3", "value": 511},
		"interface_speed": map[string]any{
			"max":     map[string]any{"sata_value": 14, "string": "6.0 Gb/s", "units_per_second": 60, "bits_per_unit": 100000000},
			"current": map[string]any{"sata_value": 3, "string": "6.0 Gb/s", "units_per_second": 60, "bits_per_unit": 100000000},
		},
		"smart_support": map[string]any{"available": true, "enabled": true}, "smart_status": map[string]any{"passed": true},
		"ata_smart_attributes": map[string]any{"revision": 10, "table": table},
		"power_on_time":        map[string]any{"hours": 20000 + n, "minutes": 12}, "power_cycle_count": 20 + n%7,
		"temperature":             map[string]any{"current": 28 + n%14},
		"ata_smart_error_log":     map[string]any{"summary": map[string]any{"revision": 1, "count": 0}},
		"ata_smart_self_test_log": map[string]any{"standard": map[string]any{"revision": 1, "count": 0}},
	})
	return Drive{Name: name, Type: "scsi", Report: encode(doc)}
}

// SCSI is a SAS disk.
func SCSI(name string, n int) Drive {
	counters := func(k int) map[string]any {
		return map[string]any{
			"errors_corrected_by_eccfast": 100 * k, "errors_corrected_by_eccdelayed": k, "errors_corrected_by_rereads_rewrites": n % 3,
			"total_errors_corrected": 101 * k, "correction_algorithm_invocations": 200 * k,
			"gigabytes_processed": fmt.Sprintf("%d.%03d", 100000*k+n, n%1000), "total_uncorrected_errors": 0,
		}
	}
	doc := header(0)
	merge(doc, map[string]any{
		"device":      map[string]any{"name": name, "info_name": name, "type": "scsi", "protocol": "SCSI"},
		"scsi_vendor": "EXAMPLE", "scsi_product": "EX12TSAS", "scsi_model_name": "EXAMPLE EX12TSAS", "scsi_revision": "B014", "scsi_version": "SPC-5",
		"user_capacity":      map[string]any{"blocks": 23437770752, "bytes": 12000138625024},
		"logical_block_size": 512, "physical_block_size": 4096, "rotation_rate": 7200, "form_factor": map[string]any{"scsi_value": 2, "name": "3.5 inches"},
		"logical_unit_id": fmt.Sprintf("0x5000c500%08x", 0xa0000000+n), "serial_number": fmt.Sprintf("EXS%07d", n),
		"device_type":             map[string]any{"scsi_terminology": "Peripheral Device Type [PDT]", "scsi_value": 0, "name": "disk"},
		"scsi_transport_protocol": map[string]any{"name": "SAS (SPL-4)", "value": 6},
		"smart_support":           map[string]any{"available": true, "enabled": true}, "temperature_warning": map[string]any{"enabled": true},
		"smart_status": map[string]any{"passed": true}, "temperature": map[string]any{"current": 30 + n%9, "drive_trip": 60},
		"power_on_time": map[string]any{"hours": 15000 + n, "minutes": 3},
		"scsi_start_stop_cycle_counter": map[string]any{
			"year_of_manufacture": "2023", "week_of_manufacture": "17", "specified_cycle_count_over_device_lifetime": 50000,
			"accumulated_start_stop_cycles": 40 + n%5, "specified_load_unload_count_over_device_lifetime": 600000, "accumulated_load_unload_cycles": 900 + n,
		},
		"scsi_grown_defect_list": n % 2,
		"scsi_error_counter_log": map[string]any{"read": counters(3), "write": counters(1)},
	})
	return Drive{Name: name, Type: "scsi", Report: encode(doc)}
}

// NVMe is an NVMe controller with one namespace.
func NVMe(name string, n int) Drive {
	doc := header(0)
	merge(doc, map[string]any{
		"device":     map[string]any{"name": name, "info_name": name, "type": "nvme", "protocol": "NVMe"},
		"model_name": "EXAMPLE NV3840", "serial_number": fmt.Sprintf("EXN%07d", n), "firmware_version": "2.1.0",
		"nvme_pci_vendor": map[string]any{"id": 5197, "subsystem_id": 5197}, "nvme_ieee_oui_identifier": 9528, "nvme_controller_id": 6,
		"nvme_total_capacity": 3840755982336, "nvme_unallocated_capacity": 0,
		"nvme_version": map[string]any{"string": "1.4", "value": 66560}, "nvme_number_of_namespaces": 32,
		"smart_support": map[string]any{"available": true, "enabled": true},
		"smart_status":  map[string]any{"passed": true, "nvme": map[string]any{"value": 0}},
		"nvme_smart_health_information_log": map[string]any{
			"critical_warning": 0, "temperature": 35 + n%8, "available_spare": 100, "available_spare_threshold": 10, "percentage_used": n % 5,
			"data_units_read": 120000000 + n, "data_units_written": 80000000 + n, "host_reads": 4000000000, "host_writes": 2000000000,
			"controller_busy_time": 900, "power_cycles": 30, "power_on_hours": 9000 + n, "unsafe_shutdowns": 5, "media_errors": 0,
			"num_err_log_entries": 0, "warning_temp_time": 0, "critical_comp_time": 0, "temperature_sensors": []int{35 + n%8, 41},
		},
		"temperature": map[string]any{"current": 35 + n%8}, "power_cycle_count": 30, "power_on_time": map[string]any{"hours": 9000 + n},
	})
	return Drive{Name: name, Type: "nvme", Report: encode(doc)}
}

func merge(doc, more map[string]any) {
	for k, v := range more {
		doc[k] = v
	}
}

// Mixed is n drives as a storage host has them: of eight, six SATA disks of
// that many attributes, one SAS disk and one NVMe drive. Each answers after
// delay. A SATA disk of 14 attributes makes 74 series, one of 5 makes 38; a SAS
// disk makes 26, an NVMe drive 19.
func Mixed(n, attributes int, delay time.Duration) []Drive {
	drives := make([]Drive, 0, n)
	sd, nvme := 0, 0
	for i := range n {
		var d Drive
		switch i % 8 {
		case 6:
			d, sd = SCSI("/dev/"+blocktest.DiskName(sd), i), sd+1
		case 7:
			d, nvme = NVMe(fmt.Sprintf("/dev/nvme%d", nvme), i), nvme+1
		default:
			d, sd = ATA("/dev/"+blocktest.DiskName(sd), i, attributes), sd+1
		}
		d.DelayMillis = int(delay.Milliseconds())
		drives = append(drives, d)
	}
	return drives
}
