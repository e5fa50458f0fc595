package collector

import "storage_exporter/collector/exposition"

// driveFamilies are the families of a drive's report. Those named smartctl_… are
// smartctl_exporter's with its names, types, labels and help texts, which
// dashboards and rules build on; several of its gauges are counters and the
// other way round, and stay so. Where a value differs from smartctl_exporter's,
// docs/metrics.md says why.
type driveFamilies struct {
	list exposition.Families // all of them

	version, devices *exposition.Family

	device, capacityBlocks, capacityBytes, nvmeCapacityBytes, blockSize, interfaceSpeed *exposition.Family

	attribute, powerOnSeconds, rotationRate, temperature, powerCycleCount *exposition.Family

	percentageUsed, availableSpare, availableSpareThreshold, criticalWarning, mediaErrors, numErrLogEntries *exposition.Family

	bytesRead, bytesWritten, smartStatus, exitStatus, state, statistics *exposition.Family

	errorLogCount, selfTestLogCount, selfTestLogErrorCount, ercSeconds *exposition.Family

	grownDefects *exposition.Family
	read, write  scsiFamilies

	info, powerMode, lastObserved *exposition.Family

	assessment, assessmentReason, observations, observeError, path *exposition.Family
}

// scsiFamilies are those of one of SCSI's error counters.
type scsiFamilies struct {
	rereads, eccFast, eccDelayed, uncorrected *exposition.Family
}

func newDriveFamilies() driveFamilies {
	var all exposition.Families
	f := driveFamilies{
		version: all.Gauge("smartctl_version", "smartctl version", "json_format_version", "smartctl_version", "svn_revision", "build_info"),
		devices: all.Gauge("smartctl_devices", "Number of devices configured or dynamically discovered"),

		device: all.Gauge("smartctl_device", "Device info",
			"device", "interface", "protocol", "model_family", "model_name", "serial_number", "ata_additional_product_id", "firmware_version",
			"ata_version", "sata_version", "form_factor", "scsi_vendor", "scsi_product", "scsi_revision", "scsi_version"),
		capacityBlocks:    all.Gauge("smartctl_device_capacity_blocks", "Device capacity in blocks", "device"),
		capacityBytes:     all.Gauge("smartctl_device_capacity_bytes", "Device capacity in bytes", "device"),
		nvmeCapacityBytes: all.Gauge("smartctl_device_nvme_capacity_bytes", "NVMe device total capacity bytes", "device"),
		blockSize:         all.Gauge("smartctl_device_block_size", "Device block size", "device", "blocks_type"),
		interfaceSpeed:    all.Gauge("smartctl_device_interface_speed", "Device interface speed, bits per second", "device", "speed_type"),

		attribute: all.Gauge("smartctl_device_attribute", "Device attributes",
			"device", "attribute_name", "attribute_flags_short", "attribute_flags_long", "attribute_value_type", "attribute_id"),
		powerOnSeconds:  all.Counter("smartctl_device_power_on_seconds", "Device power on seconds", "device"),
		rotationRate:    all.Gauge("smartctl_device_rotation_rate", "Device rotation rate", "device"),
		temperature:     all.Gauge("smartctl_device_temperature", "Device temperature celsius", "device", "temperature_type"),
		powerCycleCount: all.Counter("smartctl_device_power_cycle_count", "Device power cycle count", "device"),

		percentageUsed: all.Counter("smartctl_device_percentage_used", "Device write percentage used", "device"),
		availableSpare: all.Counter("smartctl_device_available_spare",
			"Normalized percentage (0 to 100%) of the remaining spare capacity available", "device"),
		availableSpareThreshold: all.Counter("smartctl_device_available_spare_threshold",
			"When the Available Spare falls below the threshold indicated in this field, an asynchronous event completion may occur. "+
				"The value is indicated as a normalized percentage (0 to 100%)", "device"),
		criticalWarning: all.Counter("smartctl_device_critical_warning",
			"This field indicates critical warnings for the state of the controller", "device"),
		mediaErrors: all.Counter("smartctl_device_media_errors",
			"Contains the number of occurrences where the controller detected an unrecovered data integrity error. "+
				"Errors such as uncorrectable ECC, CRC checksum failure, or LBA tag mismatch are included in this field", "device"),
		numErrLogEntries: all.Counter("smartctl_device_num_err_log_entries",
			"Contains the number of Error Information log entries over the life of the controller", "device"),

		bytesRead:    all.Counter("smartctl_device_bytes_read", "", "device"),
		bytesWritten: all.Counter("smartctl_device_bytes_written", "", "device"),
		smartStatus:  all.Gauge("smartctl_device_smart_status", "General smart status", "device"),
		exitStatus:   all.Gauge("smartctl_device_smartctl_exit_status", "Exit status of smartctl on device", "device"),
		state:        all.Gauge("smartctl_device_state", "Device state (0=active, 1=standby, 2=sleep, 3=dst, 4=offline, 5=sct)", "device"),
		statistics: all.Gauge("smartctl_device_statistics", "Device statistics",
			"device", "statistic_table", "statistic_name", "statistic_flags_short", "statistic_flags_long"),

		errorLogCount:         all.Gauge("smartctl_device_error_log_count", "Device SMART error log count", "device", "error_log_type"),
		selfTestLogCount:      all.Gauge("smartctl_device_self_test_log_count", "Device SMART self test log count", "device", "self_test_log_type"),
		selfTestLogErrorCount: all.Gauge("smartctl_device_self_test_log_error_count", "Device SMART self test log error count", "device", "self_test_log_type"),
		ercSeconds:            all.Gauge("smartctl_device_erc_seconds", "Device SMART Error Recovery Control Seconds", "device", "op_type"),

		grownDefects: all.Gauge("smartctl_scsi_grown_defect_list", "Device SCSI grown defect list counter", "device"),
		read: scsiFamilies{
			rereads:     all.Gauge("smartctl_read_errors_corrected_by_rereads_rewrites", "Read Errors Corrected by ReReads/ReWrites", "device"),
			eccFast:     all.Gauge("smartctl_read_errors_corrected_by_eccfast", "Read Errors Corrected by ECC Fast", "device"),
			eccDelayed:  all.Gauge("smartctl_read_errors_corrected_by_eccdelayed", "Read Errors Corrected by ECC Delayed", "device"),
			uncorrected: all.Gauge("smartctl_read_total_uncorrected_errors", "Read Total Uncorrected Errors", "device"),
		},
		write: scsiFamilies{
			rereads:     all.Gauge("smartctl_write_errors_corrected_by_rereads_rewrites", "Write Errors Corrected by ReReads/ReWrites", "device"),
			eccFast:     all.Gauge("smartctl_write_errors_corrected_by_eccfast", "Write Errors Corrected by ECC Fast", "device"),
			eccDelayed:  all.Gauge("smartctl_write_errors_corrected_by_eccdelayed", "Write Errors Corrected by ECC Delayed", "device"),
			uncorrected: all.Gauge("smartctl_write_total_uncorrected_errors", "Write Total Uncorrected Errors", "device"),
		},

		info: all.Gauge("jbod_drive_info",
			"Always 1: who the drive is, whatever the kernel calls it.", "device", "serial_number", "wwn", "model_name"),
		powerMode: all.Gauge("jbod_drive_power_mode",
			"Always 1: the power mode at the last background observation (active, idle, standby, sleep); active also for an idle drive where smartctl does not distinguish the two.",
			"device", "mode"),
		lastObserved: all.Gauge("jbod_drive_last_observed_timestamp_seconds",
			"Unix seconds of the background observation that the drive's report comes from; stands still while the drive sleeps.", "device"),
		assessment: all.Gauge("jbod_drive_assessment",
			"1 for the verdict on the drive by its last report (ok, warning, failing, unknown), 0 for the others; unknown without a report.",
			"device", "serial_number", "verdict"),
		assessmentReason: all.Gauge("jbod_drive_assessment_reason",
			"Always 1: a rule by which the drive is not ok, and how severe that is (warning, failing).", "device", "serial_number", "rule", "severity"),
		observations: all.Counter("jbod_drive_observe_total",
			"Observations of the drive by this process; that of a sleeping drive, which is not woken, is a success.", "device", "status"),
		observeError: all.Gauge("jbod_drive_observe_error_info",
			"Always 1: why the last background observation of the drive gave no report, or one without SMART; absent for a drive that sleeps.",
			"device", "reason"),
		path: all.Gauge("jbod_drive_path_info",
			"Always 1: a device by which the drive can be reached; only for drives that have several. The drive is observed by one of them.", "device", "path"),
	}
	f.list = all
	return f
}
