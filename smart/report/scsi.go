package report

import (
	"cmp"
	"encoding/json"
	"fmt"

	"storage_exporter/block"
)

// SCSI is what only SAS and other SCSI drives report.
type SCSI struct {
	Vendor            string   `json:"vendor,omitempty"`
	Product           string   `json:"product,omitempty"`
	Revision          string   `json:"revision,omitempty"`
	Version           string   `json:"version,omitempty"` // SPC-4
	DeviceType        string   `json:"device_type,omitempty"`
	TransportProtocol string   `json:"transport_protocol,omitempty"`
	GrownDefects      *float64 `json:"grown_defects,omitempty"`

	StartStopCycles          *float64 `json:"start_stop_cycles,omitempty"`
	StartStopCyclesSpecified *float64 `json:"start_stop_cycles_specified,omitempty"`
	LoadUnloadCycles         *float64 `json:"load_unload_cycles,omitempty"`
	LoadUnloadSpecified      *float64 `json:"load_unload_cycles_specified,omitempty"`
	ManufacturedYear         string   `json:"manufactured_year,omitempty"`
	ManufacturedWeek         string   `json:"manufactured_week,omitempty"`

	Read   *ErrorCounter `json:"read,omitempty"`
	Write  *ErrorCounter `json:"write,omitempty"`
	Verify *ErrorCounter `json:"verify,omitempty"`

	BackgroundScan string `json:"background_scan,omitempty"`
	// Exception is the informational exception of a drive that did not pass, in
	// smartctl's words, and its code: 5Dh predicts a failure, 0Bh is a warning.
	Exception     string `json:"exception,omitempty"`
	ExceptionASC  *int   `json:"exception_asc,omitempty"`
	ExceptionASCQ *int   `json:"exception_ascq,omitempty"`
}

// ErrorCounter counts the errors of reads, writes or verifies over the drive's life.
type ErrorCounter struct {
	CorrectedByECCFast    *float64 `json:"corrected_by_ecc_fast,omitempty"`
	CorrectedByECCDelayed *float64 `json:"corrected_by_ecc_delayed,omitempty"`
	CorrectedByRereads    *float64 `json:"corrected_by_rereads_rewrites,omitempty"`
	TotalCorrected        *float64 `json:"total_corrected,omitempty"`
	AlgorithmInvocations  *float64 `json:"correction_algorithm_invocations,omitempty"`
	BytesProcessed        *float64 `json:"bytes_processed,omitempty"`
	TotalUncorrected      *float64 `json:"total_uncorrected,omitempty"`
}

type scsiJSON struct {
	SCSIVendor   text `json:"scsi_vendor"`
	SCSIProduct  text `json:"scsi_product"`
	SCSIModel    text `json:"scsi_model_name"`
	SCSIRevision text `json:"scsi_revision"`
	SCSIVersion  text `json:"scsi_version"`
	// Before 7.3 these keys had no prefix.
	Vendor            text   `json:"vendor"`
	Product           text   `json:"product"`
	Revision          text   `json:"revision"`
	LogicalUnitID     text   `json:"logical_unit_id"`
	DeviceType        titled `json:"device_type"`
	TransportProtocol titled `json:"scsi_transport_protocol"`
	// 7.3 alone put the trip temperature, and some builds both, under this name.
	SCSITemperature map[string]number `json:"scsi_temperature"`
	GrownDefectList number            `json:"scsi_grown_defect_list"`
	StartStop       struct {
		Year                text   `json:"year_of_manufacture"`
		Week                text   `json:"week_of_manufacture"`
		Specified           number `json:"specified_cycle_count_over_device_lifetime"`
		Accumulated         number `json:"accumulated_start_stop_cycles"`
		LoadUnloadSpecified number `json:"specified_load_unload_count_over_device_lifetime"`
		LoadUnload          number `json:"accumulated_load_unload_cycles"`
	} `json:"scsi_start_stop_cycle_counter"`
	ErrorCounters struct {
		Read   *scsiErrorCounter `json:"read"`
		Write  *scsiErrorCounter `json:"write"`
		Verify *scsiErrorCounter `json:"verify"`
	} `json:"scsi_error_counter_log"`
	EnduranceIndicator number `json:"scsi_percentage_used_endurance_indicator"`
	BackgroundScan     struct {
		Status coded `json:"status"`
	} `json:"scsi_background_scan"`
	SCSIPendingDefects countedLog `json:"scsi_pending_defects"`
}

type scsiErrorCounter struct {
	ECCFast        number `json:"errors_corrected_by_eccfast"`
	ECCDelayed     number `json:"errors_corrected_by_eccdelayed"`
	Rereads        number `json:"errors_corrected_by_rereads_rewrites"`
	TotalCorrected number `json:"total_errors_corrected"`
	Invocations    number `json:"correction_algorithm_invocations"`
	Gigabytes      number `json:"gigabytes_processed"` // a string with three decimals
	Uncorrected    number `json:"total_uncorrected_errors"`
}

// scsiSelfTest stands under the keys scsi_self_test_0 (the newest) to _19.
type scsiSelfTest struct {
	Code        coded `json:"code"`
	Result      coded `json:"result"`
	PowerOnTime struct {
		Hours number `json:"hours"`
	} `json:"power_on_time"`
	LBA coded `json:"lba_first_failure"`
}

// fill takes the whole JSON again for the self-tests: each has a key of its own.
func (d *scsiJSON) fill(r *Report, b []byte) {
	s := &SCSI{
		Vendor:                   first(d.SCSIVendor, d.Vendor),
		Product:                  first(d.SCSIProduct, d.Product),
		Revision:                 first(d.SCSIRevision, d.Revision),
		Version:                  string(d.SCSIVersion),
		DeviceType:               string(d.DeviceType.Name),
		TransportProtocol:        string(d.TransportProtocol.Name),
		GrownDefects:             d.GrownDefectList.count(),
		StartStopCycles:          d.StartStop.Accumulated.count(),
		StartStopCyclesSpecified: d.StartStop.Specified.count(),
		LoadUnloadCycles:         d.StartStop.LoadUnload.count(),
		LoadUnloadSpecified:      d.StartStop.LoadUnloadSpecified.count(),
		ManufacturedYear:         string(d.StartStop.Year),
		ManufacturedWeek:         string(d.StartStop.Week),
		Read:                     d.ErrorCounters.Read.counter(),
		Write:                    d.ErrorCounters.Write.counter(),
		Verify:                   d.ErrorCounters.Verify.counter(),
		BackgroundScan:           string(d.BackgroundScan.Status.String),
	}
	r.WWN = block.NormalWWN(string(d.LogicalUnitID))
	r.ModelName = first(text(r.ModelName), d.SCSIModel)
	if r.PowerCycles == nil {
		r.PowerCycles = s.StartStopCycles
	}
	if r.EnduranceUsedPercent == nil {
		r.EnduranceUsedPercent = d.EnduranceIndicator.count()
	}
	r.PendingDefects = d.SCSIPendingDefects.Count.count()
	r.Temperatures = scsiTemperatures(r.Temperatures, temperatures(d.SCSITemperature))
	r.SelfTests = scsiSelfTests(b)
	r.SCSI = s
}

// scsiTemperatures joins the two objects over which versions spread the
// temperatures. A drive without a temperature log has 0 for both its
// temperature and the limit; a limit of 0 is none.
func scsiTemperatures(t, more map[string]float64) map[string]float64 {
	for name, v := range more {
		if t == nil {
			t = make(map[string]float64, len(more))
		}
		if _, ok := t[name]; !ok {
			t[name] = v
		}
	}
	if t["drive_trip"] <= 0 {
		delete(t, "drive_trip")
		if t["current"] == 0 {
			delete(t, "current")
		}
	}
	if len(t) == 0 {
		return nil
	}
	return t
}

func (c *scsiErrorCounter) counter() *ErrorCounter {
	if c == nil {
		return nil
	}
	return &ErrorCounter{
		CorrectedByECCFast:    c.ECCFast.count(),
		CorrectedByECCDelayed: c.ECCDelayed.count(),
		CorrectedByRereads:    c.Rereads.count(),
		TotalCorrected:        c.TotalCorrected.count(),
		AlgorithmInvocations:  c.Invocations.count(),
		BytesProcessed:        times(c.Gigabytes, 1e9),
		TotalUncorrected:      c.Uncorrected.count(),
	}
}

// scsiSelfTests reads the results by the SCSI specification: 3 to 7 are failures,
// 15 runs.
func scsiSelfTests(b []byte) []SelfTest {
	var keys map[string]json.RawMessage
	if decode(b, &keys) != nil {
		return nil
	}
	var out []SelfTest
	for i := range maxSelfTests {
		raw, ok := keys[fmt.Sprintf("scsi_self_test_%d", i)]
		var t scsiSelfTest
		if !ok || decode(raw, &t) != nil || t.Result.String == "" {
			continue
		}
		out = append(out, SelfTest{
			Type:         string(t.Code.String),
			Result:       string(t.Result.String),
			Passed:       testResult(t.Result.Value.int(-1), 3, 7),
			PowerOnHours: t.PowerOnTime.Hours.count(),
			LBA:          t.LBA.Value.count(),
		})
	}
	return out
}

func first(texts ...text) string { return string(cmp.Or(texts...)) }
