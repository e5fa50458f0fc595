package report

import (
	"fmt"

	"storage_exporter/block"
)

// NVMe is what only NVMe drives report.
type NVMe struct {
	Version                  string          `json:"version,omitempty"`
	PCIVendorID              *float64        `json:"pci_vendor_id,omitempty"`
	PCISubsystemID           *float64        `json:"pci_subsystem_id,omitempty"`
	IEEEOUI                  *float64        `json:"ieee_oui,omitempty"`
	ControllerID             *float64        `json:"controller_id,omitempty"`
	NamespaceCount           *float64        `json:"namespace_count,omitempty"` // how many it could have
	TotalCapacityBytes       *float64        `json:"total_capacity_bytes,omitempty"`
	UnallocatedCapacityBytes *float64        `json:"unallocated_capacity_bytes,omitempty"`
	Namespaces               []NVMeNamespace `json:"namespaces,omitempty"`
	// Temperatures in degrees Celsius at which the controller warns, and at
	// which it may stop.
	WarningTemperature  *float64    `json:"warning_temperature,omitempty"`
	CriticalTemperature *float64    `json:"critical_temperature,omitempty"`
	Health              *NVMeHealth `json:"health,omitempty"`
	ErrorLogUnread      *float64    `json:"error_log_unread,omitempty"`
	// SelfTestRunning is what runs now, empty for nothing; from smartctl 7.4.
	SelfTestRunning         string   `json:"self_test_running,omitempty"`
	SelfTestCompletePercent *float64 `json:"self_test_complete_percent,omitempty"`
}

// NVMeNamespace is one namespace of a controller.
type NVMeNamespace struct {
	ID                int      `json:"id"`
	SizeBytes         *float64 `json:"size_bytes,omitempty"`
	CapacityBytes     *float64 `json:"capacity_bytes,omitempty"`
	UtilizationBytes  *float64 `json:"utilization_bytes,omitempty"`
	FormattedLBABytes *float64 `json:"formatted_lba_bytes,omitempty"`
	EUI64             string   `json:"eui64,omitempty"` // eui.002538…
}

// NVMeHealth is the SMART / health information log (log page 2). Its counters
// are 128 bits wide: beyond 2^53 they are rounded.
type NVMeHealth struct {
	// CriticalWarning is a bit mask: 1 spare low, 2 temperature, 4 reliability
	// degraded, 8 read-only, 16 volatile backup failed, 32 persistent memory
	// region unreliable.
	CriticalWarning         *float64  `json:"critical_warning,omitempty"`
	AvailableSpare          *float64  `json:"available_spare,omitempty"`           // percent
	AvailableSpareThreshold *float64  `json:"available_spare_threshold,omitempty"` // percent
	PercentageUsed          *float64  `json:"percentage_used,omitempty"`           // up to 255
	BytesRead               *float64  `json:"bytes_read,omitempty"`
	BytesWritten            *float64  `json:"bytes_written,omitempty"`
	HostReads               *float64  `json:"host_reads,omitempty"`  // commands
	HostWrites              *float64  `json:"host_writes,omitempty"` // commands
	BusyMinutes             *float64  `json:"busy_minutes,omitempty"`
	PowerCycles             *float64  `json:"power_cycles,omitempty"`
	PowerOnHours            *float64  `json:"power_on_hours,omitempty"`
	UnsafeShutdowns         *float64  `json:"unsafe_shutdowns,omitempty"`
	MediaErrors             *float64  `json:"media_errors,omitempty"`
	ErrorLogEntries         *float64  `json:"error_log_entries,omitempty"`
	WarningTemperatureMin   *float64  `json:"warning_temperature_minutes,omitempty"`
	CriticalTemperatureMin  *float64  `json:"critical_temperature_minutes,omitempty"`
	TemperatureSensors      []float64 `json:"temperature_sensors,omitempty"` // degrees Celsius
}

const (
	maxNamespaces = 128
	maxSensors    = 8
	// dataUnit is how many bytes NVMe counts as one "data unit": a thousand
	// blocks of 512.
	dataUnit = 512 * 1000
)

type nvmeJSON struct {
	NVMeVersion coded `json:"nvme_version"`
	PCIVendor   struct {
		ID          number `json:"id"`
		SubsystemID number `json:"subsystem_id"`
	} `json:"nvme_pci_vendor"`
	IEEEOUI             number `json:"nvme_ieee_oui_identifier"`
	ControllerID        number `json:"nvme_controller_id"`
	NamespaceCount      number `json:"nvme_number_of_namespaces"`
	TotalCapacity       number `json:"nvme_total_capacity"`
	UnallocatedCapacity number `json:"nvme_unallocated_capacity"`
	Namespaces          []struct {
		ID               number `json:"id"`
		Size             sized  `json:"size"`
		Capacity         sized  `json:"capacity"`
		Utilization      sized  `json:"utilization"`
		FormattedLBASize number `json:"formatted_lba_size"`
		EUI64            struct {
			OUI   number `json:"oui"`
			ExtID number `json:"ext_id"`
		} `json:"eui64"`
	} `json:"nvme_namespaces"`
	TemperatureThreshold struct {
		Warning  number `json:"warning"`
		Critical number `json:"critical"`
	} `json:"nvme_composite_temperature_threshold"`
	HealthLog *nvmeHealthLog `json:"nvme_smart_health_information_log"`
	ErrorInfo struct {
		Unread number `json:"unread"`
	} `json:"nvme_error_information_log"`
	NVMeSelfTestLog struct {
		CurrentOperation  coded  `json:"current_self_test_operation"`
		CurrentCompletion number `json:"current_self_test_completion_percent"`
		Table             []struct {
			Code         coded  `json:"self_test_code"`
			Result       coded  `json:"self_test_result"`
			PowerOnHours number `json:"power_on_hours"`
			LBA          number `json:"lba"`
		} `json:"table"`
	} `json:"nvme_self_test_log"`
}

type nvmeHealthLog struct {
	CriticalWarning         number   `json:"critical_warning"`
	AvailableSpare          number   `json:"available_spare"`
	AvailableSpareThreshold number   `json:"available_spare_threshold"`
	PercentageUsed          number   `json:"percentage_used"`
	DataUnitsRead           number   `json:"data_units_read"`
	DataUnitsWritten        number   `json:"data_units_written"`
	HostReads               number   `json:"host_reads"`
	HostWrites              number   `json:"host_writes"`
	ControllerBusyTime      number   `json:"controller_busy_time"`
	PowerCycles             number   `json:"power_cycles"`
	PowerOnHours            number   `json:"power_on_hours"`
	UnsafeShutdowns         number   `json:"unsafe_shutdowns"`
	MediaErrors             number   `json:"media_errors"`
	NumErrLogEntries        number   `json:"num_err_log_entries"`
	WarningTempTime         number   `json:"warning_temp_time"`
	CriticalCompTime        number   `json:"critical_comp_time"`
	TemperatureSensors      []number `json:"temperature_sensors"`
}

func (d *nvmeJSON) fill(r *Report) {
	n := &NVMe{
		Version:                  string(d.NVMeVersion.String),
		PCIVendorID:              d.PCIVendor.ID.count(),
		PCISubsystemID:           d.PCIVendor.SubsystemID.count(),
		IEEEOUI:                  d.IEEEOUI.count(),
		ControllerID:             d.ControllerID.count(),
		NamespaceCount:           d.NamespaceCount.count(),
		TotalCapacityBytes:       d.TotalCapacity.positive(),
		UnallocatedCapacityBytes: d.UnallocatedCapacity.count(),
		WarningTemperature:       d.TemperatureThreshold.Warning.positive(),
		CriticalTemperature:      d.TemperatureThreshold.Critical.positive(),
		Health:                   d.HealthLog.health(),
		ErrorLogUnread:           d.ErrorInfo.Unread.count(),
	}
	if op := d.NVMeSelfTestLog.CurrentOperation; op.Value.value > 0 {
		n.SelfTestRunning = string(op.String)
		n.SelfTestCompletePercent = d.NVMeSelfTestLog.CurrentCompletion.count()
	}
	d.namespaces(n)
	if len(n.Namespaces) == 1 {
		r.WWN = n.Namespaces[0].EUI64
	}
	if h := n.Health; h != nil {
		if r.PowerCycles == nil {
			r.PowerCycles = h.PowerCycles
		}
		if r.PowerOnSeconds == nil && h.PowerOnHours != nil {
			r.PowerOnSeconds = finite(*h.PowerOnHours * 3600)
		}
		if r.EnduranceUsedPercent == nil {
			r.EnduranceUsedPercent = h.PercentageUsed
		}
		if r.SparePercent == nil && r.SpareThresholdPercent == nil {
			r.SparePercent, r.SpareThresholdPercent = h.AvailableSpare, h.AvailableSpareThreshold
		}
	}
	r.SelfTests = d.selfTests()
	r.NVMe = n
}

func (d *nvmeJSON) namespaces(n *NVMe) {
	for _, ns := range bounded(d.Namespaces, maxNamespaces) {
		id := ns.ID.int(0)
		if id < 1 {
			continue
		}
		out := NVMeNamespace{
			ID:                id,
			SizeBytes:         ns.Size.Bytes.positive(),
			CapacityBytes:     ns.Capacity.Bytes.positive(),
			UtilizationBytes:  ns.Utilization.Bytes.count(),
			FormattedLBABytes: ns.FormattedLBASize.positive(),
		}
		oui, ok1 := ns.EUI64.OUI.uint64()
		ext, ok2 := ns.EUI64.ExtID.uint64()
		if ok1 && ok2 && oui < 1<<24 && ext < 1<<40 {
			out.EUI64 = block.NormalWWN(fmt.Sprintf("eui.%06x%010x", oui, ext))
		}
		n.Namespaces = append(n.Namespaces, out)
	}
}

func (l *nvmeHealthLog) health() *NVMeHealth {
	if l == nil {
		return nil
	}
	h := &NVMeHealth{
		CriticalWarning:         l.CriticalWarning.count(),
		AvailableSpare:          l.AvailableSpare.count(),
		AvailableSpareThreshold: l.AvailableSpareThreshold.count(),
		PercentageUsed:          l.PercentageUsed.count(),
		BytesRead:               times(l.DataUnitsRead, dataUnit),
		BytesWritten:            times(l.DataUnitsWritten, dataUnit),
		HostReads:               l.HostReads.count(),
		HostWrites:              l.HostWrites.count(),
		BusyMinutes:             l.ControllerBusyTime.count(),
		PowerCycles:             l.PowerCycles.count(),
		PowerOnHours:            l.PowerOnHours.count(),
		UnsafeShutdowns:         l.UnsafeShutdowns.count(),
		MediaErrors:             l.MediaErrors.count(),
		ErrorLogEntries:         l.NumErrLogEntries.count(),
		WarningTemperatureMin:   l.WarningTempTime.count(),
		CriticalTemperatureMin:  l.CriticalCompTime.count(),
	}
	for _, t := range bounded(l.TemperatureSensors, maxSensors) {
		if v := t.signed(); v != nil {
			h.TemperatureSensors = append(h.TemperatureSensors, *v)
		}
	}
	return h
}

// selfTests reads the results by the NVMe specification: 5 to 7 are failures.
func (d *nvmeJSON) selfTests() []SelfTest {
	var out []SelfTest
	for _, t := range bounded(d.NVMeSelfTestLog.Table, maxSelfTests) {
		if t.Result.String == "" {
			continue
		}
		out = append(out, SelfTest{
			Type:         string(t.Code.String),
			Result:       string(t.Result.String),
			Passed:       testResult(t.Result.Value.int(-1), 5, 7),
			PowerOnHours: t.PowerOnHours.count(),
			LBA:          t.LBA.count(),
		})
	}
	return out
}
