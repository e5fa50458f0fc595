package assess

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/internal/outside"
	"storage_exporter/smart/report"
	"storage_exporter/smart/report/reporttest"
)

// disk is a report of a hard disk with one attribute.
func disk(id int, name string, raw float64) *report.Report {
	return &report.Report{
		RotationRate: new(7200.0),
		ATA:          &report.ATA{Attributes: []report.Attribute{{ID: id, Name: name, Flags: "-O--CK", Raw: &raw, Value: new(100.0), Worst: new(100.0), Thresh: new(10.0)}}},
	}
}

func flash(id int, name string, raw float64) *report.Report {
	r := disk(id, name, raw)
	r.RotationRate = new(0.0)
	return r
}

// unlisted is a drive that smartctl's database does not have.
func unlisted(r *report.Report) *report.Report {
	r.ATA.InDatabase, r.Passed = new(false), new(true)
	return r
}

func heated(now, trip float64) func(*report.Report) {
	return func(r *report.Report) {
		r.Temperatures = map[string]float64{"current": now, "drive_trip": trip}
	}
}

func attributeFailed(when, flags string) *report.Report {
	r := disk(7, "Seek_Error_Rate", 0)
	r.ATA.Attributes[0].WhenFailed, r.ATA.Attributes[0].Flags = when, flags
	return r
}

func nvme(change func(*report.NVMeHealth)) *report.Report {
	r := &report.Report{NVMe: &report.NVMe{Health: &report.NVMeHealth{}}}
	change(r.NVMe.Health)
	return r
}

func warning(bits float64) *report.Report {
	return nvme(func(h *report.NVMeHealth) { h.CriticalWarning = &bits })
}

func sas(change func(*report.SCSI)) *report.Report {
	r := &report.Report{SCSI: &report.SCSI{}}
	change(r.SCSI)
	return r
}

func warm(now float64, limits map[string]float64) *report.Report {
	r := &report.Report{Passed: new(true), Temperatures: map[string]float64{"current": now}}
	for name, at := range limits {
		r.Temperatures[name] = at
	}
	return r
}

// tested has a log of tests, the newest first: a kind and a result.
func tested(tests ...string) *report.Report {
	r := &report.Report{}
	for _, test := range tests {
		i := strings.LastIndex(test, " ")
		t := report.SelfTest{Type: test[:i], Result: test[i+1:]}
		switch t.Result {
		case "passed":
			t.Passed = new(true)
		case "failed":
			t.Passed = new(false)
		}
		r.SelfTests = append(r.SelfTests, t)
	}
	return r
}

// counted is smartctl's own count of failed tests.
func counted(errors, outdated float64) func(*report.Report) {
	return func(r *report.Report) {
		r.ATA = &report.ATA{SelfTestsStandard: &report.SelfTestLog{ErrorCount: &errors, OutdatedErrorCount: &outdated}}
	}
}

// except is a SCSI drive that did not pass, with smartctl's words and code.
func except(asc, ascq int, words string) *report.Report {
	return &report.Report{
		Passed: new(false), Smartctl: report.Program{ExitStatus: report.ExitFailing},
		SCSI: &report.SCSI{Exception: words, ExceptionASC: &asc, ExceptionASCQ: &ascq},
	}
}

func and(r *report.Report, changes ...func(*report.Report)) *report.Report {
	for _, change := range changes {
		change(r)
	}
	return r
}

func exited(status int) *report.Report {
	return &report.Report{Smartctl: report.Program{ExitStatus: status}}
}

func TestDrive(t *testing.T) {
	const ok, warn, fail, unknown = OK, Warning, Failing, Unknown
	tests := []struct {
		name string
		r    *report.Report
		t    Thresholds
		want Verdict
		rule string // the only one that speaks
		text string // part of it
	}{
		{"no report", nil, nil, unknown, "", ""},
		{"a report without anything", &report.Report{}, nil, unknown, "", ""},
		{"slept from the start", &report.Report{NotRead: true, Passed: new(false)}, nil, unknown, "", ""},
		{"asleep keeps the last", &report.Report{PowerMode: report.Standby, Passed: new(false)}, nil, fail, "smart_status", ""},

		{"passed", &report.Report{Passed: new(true)}, nil, ok, "", ""},
		{"not passed", &report.Report{Passed: new(false)}, nil, fail, "smart_status", "the drive says that it is failing"},
		{"not passed, SCSI says why", &report.Report{Passed: new(false), SCSI: &report.SCSI{Exception: "TOO MANY BLOCK REASSIGNS"}}, nil, fail, "smart_status", "TOO MANY BLOCK REASSIGNS"},
		{"SCSI predicts a failure", except(0x5d, 0x10, "HARDWARE IMPENDING FAILURE"), nil, fail, "smart_status", "failing: HARDWARE IMPENDING FAILURE"},
		{"SCSI predicts a failure, of the media's endurance", except(0x5d, 0x73, "MEDIA IMPENDING FAILURE ENDURANCE LIMIT MET"), nil, fail, "smart_status", "ENDURANCE"},
		{"SCSI tries its reports", except(0x5d, 0xff, "FAILURE PREDICTION THRESHOLD EXCEEDED (FALSE)"), nil, ok, "", ""},
		{"SCSI warns", except(0x0b, 0x00, "WARNING"), nil, warn, "scsi_warning", "the drive warns, though of no failure: WARNING"},
		{"SCSI warns of the enclosure", except(0x0b, 0x02, "WARNING - ENCLOSURE DEGRADED"), nil, warn, "scsi_warning", "of its surroundings, which is no reason to replace it: WARNING - ENCLOSURE DEGRADED"},
		{"SCSI warns of a background test", except(0x0b, 0x03, "WARNING - BACKGROUND SELF-TEST FAILED"), nil, warn, "scsi_warning", "SELF-TEST"},
		{"SCSI warns of cold", except(0x0b, 0x0d, "WARNING - LOW OPERATING TEMPERATURE LIMIT EXCEEDED"), nil, warn, "scsi_warning", "surroundings"},
		{"SCSI warns of firmware", except(0x0b, 0x13, "WARNING - MICROCODE DIGITAL SIGNATURE VALIDATION FAILURE"), nil, warn, "scsi_warning", "MICROCODE"},
		{"SCSI warns in the vendor's way", except(0x0b, 0x84, ""), nil, warn, "scsi_warning", "code 0B/84"},
		{"SCSI says something else", except(0x3f, 0x03, "INQUIRY DATA HAS CHANGED"), nil, warn, "scsi_warning", "INQUIRY"},
		{"SCSI warns of heat", except(0x0b, 0x01, "WARNING - SPECIFIED TEMPERATURE EXCEEDED"), nil, warn, "temperature", "the drive says that it is too hot: WARNING - SPECIFIED TEMPERATURE EXCEEDED"},
		{"SCSI warns of heat below its trip temperature", and(except(0x0b, 0x0c, "WARNING"), heated(59, 60)), nil, warn, "temperature", "59 °C, the drive says that it is too hot: WARNING"},
		{"SCSI warns of heat at its trip temperature", and(except(0x0b, 0x0a, "WARNING"), heated(60, 60)), nil, warn, "temperature", "60 °C, the drive's trip temperature is 60 °C"},
		{"SCSI warns of heat, of which the operator knows", and(except(0x0b, 0x01, "WARNING"), heated(59, 60)), Thresholds{"temperature": 65}, ok, "", ""},
		{"SCSI warns, off", except(0x0b, 0x02, "WARNING"), Thresholds{"scsi_warning": Off}, ok, "", ""},
		{"not passed, off", &report.Report{Passed: new(false)}, Thresholds{"smart_status": Off}, unknown, "", ""},

		{"exit status 0 is no sign of health", exited(0), nil, unknown, "", ""},
		{"exit bit 2 is none either", exited(report.ExitCommand), nil, unknown, "", ""},
		{"exit bit 3", exited(report.ExitFailing), nil, fail, "exit_status_failing", ""},
		{"exit bit 3 beside the verdict is not reported twice", &report.Report{Passed: new(false), Smartctl: report.Program{ExitStatus: report.ExitFailing}}, nil, fail, "smart_status", ""},
		{"exit bit 3, off", exited(report.ExitFailing), Thresholds{"exit_status_failing": Off}, unknown, "", ""},
		{"exit bit 4", exited(report.ExitPrefail), nil, fail, "exit_status_prefail", ""},
		{"exit bit 4, off", exited(report.ExitPrefail), Thresholds{"exit_status_prefail": Off}, unknown, "", ""},
		{"exit bits 5 and 6", exited(report.ExitPastPrefail | report.ExitErrorLog), nil, unknown, "", ""},
		{"exit bit 7", exited(report.ExitSelfTestLog), nil, warn, "self_test_failed", "a self-test failed, which no later one has made good"},
		{"exit bit 7, off", exited(report.ExitSelfTestLog), Thresholds{"self_test_failed": Off}, unknown, "", ""},
		{"exit bit 4 beside its attribute is not reported twice", func() *report.Report {
			r := attributeFailed("now", "PO--CK")
			r.Smartctl.ExitStatus = report.ExitPrefail
			return r
		}(), nil, fail, "attribute_failed_now", ""},

		{"prefail attribute failed now", attributeFailed("now", "PO--CK"), nil, fail, "attribute_failed_now", "attribute 7 Seek_Error_Rate is at or below its threshold now (value 100, worst 100, threshold 10)"},
		{"old-age attribute failed now", attributeFailed("now", "-O--CK"), nil, warn, "attribute_failed_now", ""},
		{"in smartctl's words", attributeFailed("FAILING_NOW", "PO--CK"), nil, fail, "attribute_failed_now", ""},
		{"failed now, off", attributeFailed("now", "PO--CK"), Thresholds{"attribute_failed_now": Off}, ok, "", ""},
		{"failed in the past", attributeFailed("past", "PO--CK"), nil, warn, "attribute_failed_past", "once"},
		{"failed in the past, off", attributeFailed("past", "PO--CK"), Thresholds{"attribute_failed_past": Off}, ok, "", ""},
		{"never failed", attributeFailed("", "PO--CK"), nil, ok, "", ""},

		{"spin retries, none", disk(10, "Spin_Retry_Count", 0), nil, ok, "", ""},
		{"spin retries", disk(10, "Spin_Retry_Count", 1), nil, warn, "spin_retries", "1 retried spin-up (id 10)"},
		{"spin retries below the override", disk(10, "Spin_Retry_Count", 4), Thresholds{"spin_retries": 5}, ok, "", ""},
		{"end-to-end, none", disk(184, "End-to-End_Error", 0), nil, ok, "", ""},
		{"end-to-end", disk(184, "End-to-End_Error", 2), nil, warn, "end_to_end_errors", "2 end-to-end errors"},
		{"end-to-end, off", disk(184, "End-to-End_Error", 2), Thresholds{"end_to_end_errors": Off}, ok, "", ""},

		{"reallocated, none", disk(5, "Reallocated_Sector_Ct", 0), nil, ok, "", ""},
		{"reallocated, below", disk(5, "Reallocated_Sector_Ct", 4), nil, ok, "", ""},
		{"reallocated, at", disk(5, "Reallocated_Sector_Ct", 5), nil, warn, "reallocated_sectors", ""},
		{"reallocated, bucket", disk(5, "Reallocated_Sector_Ct", 12), nil, warn, "reallocated_sectors", "12 reallocated sectors (id 5): of drives with 5 to 16, about 7.5 % fail within a year; of drives with none, 2.5 %"},
		{"reallocated, end of the bucket", disk(5, "Reallocated_Sector_Ct", 16), nil, warn, "reallocated_sectors", "7.5 %"},
		{"reallocated, next bucket", disk(5, "Reallocated_Sector_Ct", 17), nil, fail, "reallocated_sectors", "23.6 %"},
		{"reallocated, beyond all", disk(5, "Reallocated_Sector_Ct", 3960), nil, fail, "reallocated_sectors", "3960 reallocated sectors (id 5): of drives with only 17 to 70, about 23.6 % fail within a year; of drives with none, 2.5 %"},
		{"reallocated, override below", disk(5, "Reallocated_Sector_Ct", 9), Thresholds{"reallocated_sectors": 10}, ok, "", ""},
		{"reallocated, override at", disk(5, "Reallocated_Sector_Ct", 10), Thresholds{"reallocated_sectors": 10}, warn, "reallocated_sectors", ""},
		{"reallocated, lower override", disk(5, "Reallocated_Sector_Ct", 1), Thresholds{"reallocated_sectors": 1}, warn, "reallocated_sectors", "2.7 %"},
		{"reallocated, off", disk(5, "Reallocated_Sector_Ct", 900), Thresholds{"reallocated_sectors": Off}, ok, "", ""},
		{"the rate from which on it fails", disk(5, "Reallocated_Sector_Ct", 20), Thresholds{FailingRate: 50}, warn, "reallocated_sectors", ""},
		{"at that rate", disk(5, "Reallocated_Sector_Ct", 12), Thresholds{FailingRate: 7.5}, fail, "reallocated_sectors", ""},
		{"never by a rate", disk(198, "Offline_Uncorrectable", 4), Thresholds{FailingRate: Off}, warn, "offline_uncorrectable", ""},
		{"reallocated, flash has no rate", flash(5, "Reallocated_Sector_Ct", 300), nil, warn, "reallocated_sectors", "300 reallocated sectors (id 5)"},
		{"a name that smartctl guesses", unlisted(flash(198, "Offline_Uncorrectable", 11234)), nil, ok, "", ""},
		{"that of pending sectors", unlisted(flash(197, "Current_Pending_Sector", 11234)), nil, ok, "", ""},
		{"of an SSD by what it can", unlisted(and(flash(196, "Reallocated_Event_Count", 100), func(r *report.Report) { r.RotationRate, r.ATA.TrimSupported = nil, new(true) })), nil, ok, "", ""},
		{"a disk's are no guess", unlisted(disk(198, "Offline_Uncorrectable", 1)), nil, fail, "offline_uncorrectable", ""},
		{"what an unknown SSD says itself", unlisted(and(attributeFailed("now", "PO--CK"), func(r *report.Report) { r.RotationRate = new(0.0) })), nil, fail, "attribute_failed_now", ""},
		{"and what its log has", unlisted(and(flash(197, "Current_Pending_Sector", 0), func(r *report.Report) { r.PendingDefects = new(2.0) })), nil, warn, "pending_sectors", "2 sectors wait"},

		{"reallocated, packed", disk(5, "Reallocated_Sector_Ct", 4*(1<<32)+3*(1<<16)), nil, ok, "", ""},
		{"reallocated, packed with a count", disk(5, "Reallocated_Sector_Ct", 4*(1<<32)+3*(1<<16)+12), nil, warn, "reallocated_sectors", "12 reallocated sectors"},

		{"reported uncorrectable, none", disk(187, "Reported_Uncorrect", 0), nil, ok, "", ""},
		{"reported uncorrectable", disk(187, "Reported_Uncorrect", 1), nil, fail, "reported_uncorrectable", "of drives with 1, about 34 % fail within a year; of drives with none, 2.8 %"},
		{"reported uncorrectable, between buckets", disk(187, "Reported_Uncorrect", 3), nil, fail, "reported_uncorrectable", "3 reported uncorrectable errors (id 187): of drives with only 1, about 34 %"},
		{"reported uncorrectable, a short life", disk(187, "Reported_Uncorrect", 40), nil, fail, "reported_uncorrectable", "drives with 36 to 65 last less than a year on average; of drives with none, 2.8 % fail within a year"},
		{"what no drive counts to", disk(187, "Reported_Uncorrect", 1<<40), nil, ok, "", ""},
		{"another meaning of the number", flash(187, "Unknown_SSD_Attribute", 77), nil, ok, "", ""},

		{"command timeouts, at what is as good as none", disk(188, "Command_Timeout", 100), nil, ok, "", ""},
		{"command timeouts", disk(188, "Command_Timeout", 101), nil, warn, "command_timeouts", "of drives with more than 100, about 10 % fail within a year; of drives with up to 100, 2.5 %"},
		{"command timeouts, lower override", disk(188, "Command_Timeout", 50), Thresholds{"command_timeouts": 40}, warn, "command_timeouts", "50 command timeouts (id 188): of drives with up to 100, about 2.5 % fail within a year"},
		{"command timeouts, packed by Seagate", disk(188, "Command_Timeout", 2*(1<<32)+3*(1<<16)+4), nil, ok, "", ""},
		{"command timeouts, as in the worst false alarm", disk(188, "Command_Timeout", 12885098499), nil, ok, "", ""},
		{"raw read errors, packed", disk(1, "Raw_Read_Error_Rate", 228170137), nil, ok, "", ""},
		{"head flying hours, packed", disk(240, "Head_Flying_Hours", 1.7e14), nil, ok, "", ""},
		{"reallocation events", disk(196, "Reallocated_Event_Count", 4), nil, ok, "", ""},
		{"reallocation events, at", disk(196, "Reallocated_Event_Count", 5), nil, warn, "reallocation_events", ""},

		{"pending, none", disk(197, "Current_Pending_Sector", 0), nil, ok, "", ""},
		{"pending, one, of which no rate is known", disk(197, "Current_Pending_Sector", 1), nil, warn, "pending_sectors", "1 pending sector (id 197)"},
		{"pending", disk(197, "Current_Pending_Sector", 2), nil, fail, "pending_sectors", "34 %"},
		{"pending, override", disk(197, "Current_Pending_Sector", 2), Thresholds{"pending_sectors": 8}, ok, "", ""},
		{"pending, a false alarm of some flash", flash(197, "Current_Pending_ECC_Cnt", 1), nil, ok, "", ""},
		{"pending, SCSI", &report.Report{SCSI: &report.SCSI{}, PendingDefects: new(1.0)}, nil, warn, "pending_sectors", "1 sector waits"},
		{"pending, SCSI, none", &report.Report{SCSI: &report.SCSI{}, PendingDefects: new(0.0)}, nil, ok, "", ""},
		{"offline uncorrectable", disk(198, "Offline_Uncorrectable", 1), nil, fail, "offline_uncorrectable", "81 %"},
		{"offline uncorrectable, none", disk(198, "Offline_Uncorrectable", 0), nil, ok, "", ""},

		{"no critical warning", warning(0), nil, ok, "", ""},
		{"spare low", warning(1), nil, warn, "critical_warning_spare", ""},
		{"temperature", warning(2), nil, warn, "critical_warning_temperature", ""},
		{"reliability", warning(4), nil, fail, "critical_warning_reliability", "the drive says that its reliability is degraded"},
		{"reliability, of media errors that do not matter otherwise", nvme(func(h *report.NVMeHealth) { h.CriticalWarning, h.MediaErrors = new(4.0), new(3.0) }), Thresholds{"media_errors": Off}, fail, "critical_warning_reliability", "degraded; it counts 3 media errors"},
		{"reliability, at the end of its life", nvme(func(h *report.NVMeHealth) {
			h.CriticalWarning, h.MediaErrors, h.AvailableSpare, h.PercentageUsed = new(4.0), new(0.0), new(100.0), new(100.0)
		}), nil, fail, "critical_warning_reliability", "degraded; 100 % of its rated life is used"},
		{"read-only", warning(8), nil, fail, "critical_warning_read_only", ""},
		{"backup", warning(16), nil, warn, "critical_warning_backup", ""},
		{"persistent memory", warning(32), nil, warn, "critical_warning_persistent_memory", ""},
		{"reliability, off", warning(4), Thresholds{"critical_warning_reliability": Off}, ok, "", ""},
		{"a bit of which nothing is known", warning(64), nil, ok, "", ""},
		{"no bit mask at all", warning(1e9), nil, unknown, "", ""},
		{"NVMe's verdict is judged by its bits", func() *report.Report { r := warning(2); r.Passed = new(false); return r }(), nil, warn, "critical_warning_temperature", ""},
		{"but counts where no bit is known", func() *report.Report { r := warning(64); r.Passed = new(false); return r }(), nil, fail, "smart_status", ""},

		{"spare above", &report.Report{SparePercent: new(11.0), SpareThresholdPercent: new(10.0)}, nil, ok, "", ""},
		{"spare at", &report.Report{SparePercent: new(10.0), SpareThresholdPercent: new(10.0)}, nil, ok, "", ""},
		{"spare below", &report.Report{SparePercent: new(9.0), SpareThresholdPercent: new(10.0)}, nil, warn, "available_spare", "9 % of the spare capacity is left, below its threshold 10 %"},
		{"spare without a threshold", &report.Report{SparePercent: new(1.0)}, nil, unknown, "", ""},
		{"spare below the override", &report.Report{SparePercent: new(40.0)}, Thresholds{"available_spare": 50}, warn, "available_spare", "below the configured 50 %"},
		{"spare, off", &report.Report{SparePercent: new(9.0), SpareThresholdPercent: new(10.0)}, Thresholds{"available_spare": Off}, unknown, "", ""},
		{"threshold that cannot be", &report.Report{SparePercent: new(99.0), SpareThresholdPercent: new(255.0)}, nil, unknown, "", ""},

		{"endurance below", &report.Report{EnduranceUsedPercent: new(89.0)}, nil, ok, "", ""},
		{"endurance at", &report.Report{EnduranceUsedPercent: new(90.0)}, nil, warn, "endurance_used", "90 % of the rated life of the flash is used"},
		{"endurance used up", &report.Report{EnduranceUsedPercent: new(100.0)}, nil, warn, "endurance_used", "beyond what the vendor vouches for"},
		{"endurance, override", &report.Report{EnduranceUsedPercent: new(96.0)}, Thresholds{"endurance_used": 110}, ok, "", ""},
		{"endurance from ATA's statistics", &report.Report{ATA: &report.ATA{Statistics: []report.Statistic{{Name: "Percentage Used Endurance Indicator", Value: new(93.0)}}}}, nil, warn, "endurance_used", "93 %"},
		{"media errors, none", nvme(func(h *report.NVMeHealth) { h.MediaErrors = new(0.0) }), nil, ok, "", ""},
		{"media errors", nvme(func(h *report.NVMeHealth) { h.MediaErrors = new(1.0) }), nil, warn, "media_errors", "1 media error"},
		{"media errors, override", nvme(func(h *report.NVMeHealth) { h.MediaErrors = new(3.0) }), Thresholds{"media_errors": 4}, ok, "", ""},
		{"error log entries are harmless", nvme(func(h *report.NVMeHealth) { h.MediaErrors, h.ErrorLogEntries = new(0.0), new(5000.0) }), nil, ok, "", ""},

		{"grown defects, none", sas(func(s *report.SCSI) { s.GrownDefects = new(0.0) }), nil, ok, "", ""},
		{"grown defects", sas(func(s *report.SCSI) { s.GrownDefects = new(3.0) }), nil, warn, "grown_defects", "3 grown defects"},
		{"grown defects, override", sas(func(s *report.SCSI) { s.GrownDefects = new(3.0) }), Thresholds{"grown_defects": 4}, ok, "", ""},
		{"read errors", sas(func(s *report.SCSI) { s.Read = &report.ErrorCounter{TotalUncorrected: new(1.0)} }), nil, warn, "read_errors_uncorrected", "1 uncorrected read error"},
		{"read errors, none", sas(func(s *report.SCSI) { s.Read = &report.ErrorCounter{TotalUncorrected: new(0.0)} }), nil, ok, "", ""},
		{"read errors, not counted", sas(func(s *report.SCSI) { s.Read = &report.ErrorCounter{} }), nil, unknown, "", ""},
		{"write errors", sas(func(s *report.SCSI) { s.Write = &report.ErrorCounter{TotalUncorrected: new(2.0)} }), nil, warn, "write_errors_uncorrected", "2 uncorrected write errors"},
		{"verify errors", sas(func(s *report.SCSI) { s.Verify = &report.ErrorCounter{TotalUncorrected: new(2.0)} }), nil, warn, "verify_errors_uncorrected", ""},
		{"corrected errors are daily bread", sas(func(s *report.SCSI) {
			s.Read = &report.ErrorCounter{TotalUncorrected: new(0.0), TotalCorrected: new(1e9), CorrectedByRereads: new(40.0)}
		}), nil, ok, "", ""},

		{"self-test passed", tested("extended passed", "extended failed"), nil, ok, "", ""},
		{"self-test failed", tested("extended failed", "extended passed"), nil, warn, "self_test_failed", "a self-test (extended) failed, which no later one has made good: failed"},
		{"self-test failed before one was broken off", tested("extended aborted", "extended failed"), nil, warn, "self_test_failed", ""},
		{"self-tests without result", tested("extended aborted"), nil, unknown, "", ""},
		{"a lesser test does not make good a fuller one", tested("Short offline passed", "Short offline passed", "Extended offline failed", "Short offline passed"), nil, warn, "self_test_failed", "(Extended offline)"},
		{"a fuller one makes good all others", tested("Extended captive passed", "Conveyance offline failed", "Selective offline failed", "Short captive failed"), nil, ok, "", ""},
		{"nor does another kind", tested("Conveyance offline passed", "Short offline failed"), nil, warn, "self_test_failed", "(Short offline)"},
		{"the same kind does", tested("Short captive passed", "Short offline failed"), nil, ok, "", ""},
		{"unless smartctl says otherwise", and(tested("Short offline passed", "Short offline failed"), func(r *report.Report) { r.Smartctl.ExitStatus = report.ExitSelfTestLog }), nil, warn, "self_test_failed", "(Short offline)"},
		{"a newer failure", tested("Short offline failed", "Extended offline passed"), nil, warn, "self_test_failed", "(Short offline)"},
		{"SAS, background short after long", tested("Background short passed", "Background long failed"), nil, warn, "self_test_failed", "(Background long)"},
		{"SAS, foreground long after background long", tested("Foreground long passed", "Background long failed"), nil, ok, "", ""},
		{"NVMe, short after extended", tested("Short passed", "Extended failed"), nil, warn, "self_test_failed", "(Extended)"},
		{"NVMe, extended after short", tested("Extended passed", "Short failed"), nil, ok, "", ""},
		{"counted, one that is open", and(tested("Short offline passed", "Short offline failed"), counted(1, 0)), nil, warn, "self_test_failed", "(Short offline)"},
		{"counted, all made good", and(tested("Selective offline passed", "Vendor (0x40) failed"), counted(2, 2)), nil, ok, "", ""},
		{"counted, beyond the entries that were read", and(tested("Short offline passed"), counted(3, 1)), nil, warn, "self_test_failed", "a self-test failed,"},
		{"counted, but not the last test, which only the status has", and(&report.Report{}, counted(0, 0), func(r *report.Report) {
			r.ATA.SelfTestStatus = &report.SelfTest{Result: "read failure", Passed: new(false)}
		}), nil, warn, "self_test_failed", "read failure"},
		{"counted in the log that is read", and(tested("Short offline passed", "Short offline failed"), counted(0, 0), func(r *report.Report) {
			r.ATA.SelfTestsExtended = &report.SelfTestLog{ErrorCount: new(1.0), OutdatedErrorCount: new(0.0)}
		}), nil, warn, "self_test_failed", "(Short offline)"},
		{"an empty log", and(&report.Report{}, counted(0, 0)), nil, unknown, "", ""},
		{"self-test, by the status alone", &report.Report{ATA: &report.ATA{SelfTestStatus: &report.SelfTest{Result: "read failure", Passed: new(false)}}}, nil, warn, "self_test_failed", "read failure"},
		{"self-test, off", tested("extended failed"), Thresholds{"self_test_failed": Off}, unknown, "", ""},

		{"warm without limits", warm(70, nil), nil, ok, "", ""},
		{"below the limit", warm(59, map[string]float64{"op_limit_max": 60}), nil, ok, "", ""},
		{"at the limit", warm(60, map[string]float64{"op_limit_max": 60}), nil, warn, "temperature", "60 °C, the drive's highest operating temperature is 60 °C"},
		{"the highest limit reached", warm(86, map[string]float64{"op_limit_max": 82, "critical_limit_max": 85}), nil, warn, "temperature", "critical temperature is 85 °C"},
		{"trip temperature", warm(65, map[string]float64{"drive_trip": 65}), nil, warn, "temperature", "trip temperature"},
		{"a limit of 0 is none", warm(40, map[string]float64{"drive_trip": 0}), nil, ok, "", ""},
		{"a limit that cannot be", warm(40, map[string]float64{"op_limit_max": 255}), nil, ok, "", ""},
		{"minutes are no limit", warm(40, map[string]float64{"lifetime_over_limit_minutes": 35}), nil, ok, "", ""},
		{"override of the temperature", warm(55, map[string]float64{"op_limit_max": 60}), Thresholds{"temperature": 50}, warn, "temperature", "the configured limit is 50 °C"},
		{"higher override of the temperature", warm(61, map[string]float64{"op_limit_max": 60}), Thresholds{"temperature": 70}, ok, "", ""},
		{"temperature, off", warm(90, map[string]float64{"op_limit_max": 60}), Thresholds{"temperature": Off}, ok, "", ""},
		{"NVMe's own limits", &report.Report{Temperatures: map[string]float64{"current": 84}, NVMe: &report.NVMe{WarningTemperature: new(83.0)}}, nil, warn, "temperature", "warning temperature is 83 °C"},
		{"ATA's statistics have a limit", &report.Report{Temperatures: map[string]float64{"current": 61}, ATA: &report.ATA{Statistics: []report.Statistic{{Name: "Specified Maximum Operating Temperature", Value: new(60.0)}}}}, nil, warn, "temperature", ""},
		{"a fine temperature alone is no health", &report.Report{Temperatures: map[string]float64{"current": 30, "drive_trip": 60}}, nil, unknown, "", ""},

		{"all rules off", &report.Report{Passed: new(true)}, allOff(), unknown, "", ""},
	}
	spoke := make(map[string]bool)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Drive(tt.r, tt.t)
			checkAssessment(t, a)
			var rules []string
			for _, r := range a.Reasons {
				rules = append(rules, r.Rule)
				spoke[r.Rule] = true
				if !strings.Contains(r.Text, tt.text) {
					t.Errorf("%s says %q, want %q in it", r.Rule, r.Text, tt.text)
				}
			}
			if got := strings.Join(rules, " "); a.Verdict != tt.want || got != tt.rule {
				t.Errorf("got %s by %q, want %s by %q", a.Verdict, got, tt.want, tt.rule)
			}
		})
	}
	for _, r := range rules {
		if !spoke[r.name] {
			t.Errorf("no test lets %s speak", r.name)
		}
		if r.source == "" {
			t.Errorf("%s has no source", r.name)
		}
	}
}

func allOff() Thresholds {
	t := Thresholds{}
	for _, r := range rules {
		t[r.name] = Off
	}
	return t
}

// checkAssessment is what must hold for every assessment.
func checkAssessment(t *testing.T, a Result) {
	t.Helper()
	if !slices.Contains(Verdicts, a.Verdict) {
		t.Errorf("verdict %q", a.Verdict)
	}
	worst := Verdict("")
	if len(a.Reasons) > maxReasons {
		t.Errorf("%d reasons", len(a.Reasons))
	}
	for i, r := range a.Reasons {
		if r.Severity != Failing && r.Severity != Warning || r.Text == "" || math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
			t.Errorf("reason %+v", r)
		}
		if _, ok := defaultLimits[r.Rule]; !ok {
			t.Errorf("reason of no rule: %+v", r)
		}
		if i > 0 && a.Reasons[i-1].Severity == Warning && r.Severity == Failing {
			t.Error("a failing reason after a warning one")
		}
		if worst != Failing {
			worst = r.Severity
		}
	}
	switch {
	case worst != "" && a.Verdict != worst:
		t.Errorf("verdict %s, the worst reason is %s", a.Verdict, worst)
	case worst == "" && a.Verdict != OK && a.Verdict != Unknown:
		t.Errorf("verdict %s without a reason", a.Verdict)
	}
	if _, err := json.Marshal(a); err != nil {
		t.Error(err)
	}
}

func TestOrder(t *testing.T) {
	r := disk(197, "Current_Pending_Sector", 3)
	r.ATA.Attributes = append([]report.Attribute{{ID: 10, Name: "Spin_Retry_Count", Raw: new(2.0)}}, r.ATA.Attributes...)
	r.Passed = new(false)
	var first string
	for range 20 {
		var got []string
		for _, reason := range Drive(r, nil).Reasons {
			got = append(got, fmt.Sprintf("%s %s", reason.Severity, reason.Rule))
		}
		text := strings.Join(got, ", ")
		if first == "" {
			first = text
		}
		if text != first {
			t.Fatalf("%s, then %s", first, text)
		}
	}
	if want := "failing smart_status, failing pending_sectors, warning spin_retries"; first != want {
		t.Errorf("got %s, want %s", first, want)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	r := &report.Report{ATA: &report.ATA{}}
	for id := range 255 {
		r.ATA.Attributes = append(r.ATA.Attributes, report.Attribute{ID: id + 1, Name: strings.Repeat("n", 1000), WhenFailed: "now"})
	}
	a := Drive(r, nil)
	checkAssessment(t, a)
	if len(a.Reasons) != maxReasons || len(a.Reasons[0].Text) > outside.MaxText {
		t.Errorf("%d reasons of %d bytes", len(a.Reasons), len(a.Reasons[0].Text))
	}
}

func parse(tb testing.TB, doc []byte) *report.Report {
	tb.Helper()
	r, err := report.Parse(doc)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// The golden assessments of all documents: one line of verdict and reasons each.
func TestDocuments(t *testing.T) {
	got := make(map[string]string)
	for name, doc := range reporttest.Documents(t) {
		r := parse(t, doc)
		if r.Smartctl.ExitStatus&(report.ExitCommandLine|report.ExitOpen) != 0 {
			continue // no report: it never gets here
		}
		a := Drive(r, nil)
		checkAssessment(t, a)
		var rules []string
		for _, reason := range a.Reasons {
			rules = append(rules, reason.Rule)
		}
		got[name] = strings.TrimSpace(string(a.Verdict) + " " + strings.Join(rules, " "))
	}
	want := map[string]string{
		"ata-behind-areca-7.4":        "ok",
		"ata-hdd-packed-raw-7.4":      "ok",
		"nvme-two-namespaces-hot-7.5": "warning critical_warning_temperature temperature",
		"scsi-usb-without-smart-7.4":  "unknown",
		"ata-behind-megaraid-7.3":     "warning reallocated_sectors",
		"ata-emulated-7.3":            "ok",
		"ata-hdd-7.4":                 "failing reported_uncorrectable pending_sectors offline_uncorrectable reallocated_sectors self_test_failed",
		"ata-hdd-failing-7.2":         "failing smart_status attribute_failed_now reallocated_sectors pending_sectors attribute_failed_past spin_retries",
		"ata-ssd-7.0":                 "ok",
		"ata-ssd-7.5":                 "ok",
		"nvme-7.4":                    "warning self_test_failed",
		"nvme-emulated-7.3":           "ok",
		"nvme-failing-7.5":            "failing critical_warning_read_only critical_warning_spare available_spare endurance_used media_errors",
		"nvme-huge-counters-7.3":      "warning endurance_used",
		"nvme-no-health-7.0":          "unknown",
		"nvme-sntjmicron-7.2":         "ok",
		"odd-shapes-7.4":              "ok",
		"scsi-behind-cciss-7.4":       "warning grown_defects",
		"scsi-behind-megaraid-7.4":    "ok",
		"scsi-debug-7.3":              "ok",
		"scsi-debug-missing-logs-7.3": "ok",
		"scsi-hdd-7.1":                "ok",
		"scsi-hdd-7.3":                "failing smart_status read_errors_uncorrected write_errors_uncorrected",
		"scsi-hdd-7.4":                "warning grown_defects write_errors_uncorrected self_test_failed",
		"scsi-ssd-7.5":                "warning pending_sectors",
		"scsi-virtual-disk-7.3":       "unknown",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("assessments (-want +got):\n%s", diff)
	}
}

func TestThresholdsAreChecked(t *testing.T) {
	tests := []struct {
		t    Thresholds
		want string
	}{
		{Thresholds{"pending_sectors": 3, FailingRate: Off, "smart_status": Off, "self_test_failed": 1}, ""},
		{DefaultLimits(), ""},
		{Thresholds{"pending": 3}, "pending"},
		{Thresholds{"smart_status": 5, "critical_warning_spare": 2, "spin_retries": 2}, "critical_warning_spare smart_status"},
	}
	for _, tt := range tests {
		var wrong []string
		tt.t.Check(func(name, _ string, _ ...any) { wrong = append(wrong, name) })
		if got := strings.Join(wrong, " "); got != tt.want {
			t.Errorf("%v: wrong is %q, want %q", tt.t, got, tt.want)
		}
	}
}

func FuzzDrive(f *testing.F) {
	for _, doc := range reporttest.Documents(f) {
		f.Add(doc, "pending_sectors", 3.0)
	}
	f.Add([]byte(`{"smartctl":{},"device":{"protocol":"ATA"},"ata_smart_attributes":{"table":[{"id":188,"raw":{"value":1e300}}]}}`), FailingRate, -1.0)
	f.Fuzz(func(t *testing.T, b []byte, name string, limit float64) {
		r, err := report.Parse(b)
		if err != nil {
			return
		}
		checkAssessment(t, Drive(r, nil))
		checkAssessment(t, Drive(r, Thresholds{name: limit}))
		if a := Drive(r, allOff()); a.Verdict != Unknown || len(a.Reasons) != 0 {
			t.Errorf("without rules: %+v", a)
		}
	})
}

func BenchmarkDrive(b *testing.B) {
	r := parse(b, reporttest.Documents(b)["ata-hdd-failing-7.2"])
	b.ReportAllocs()
	for b.Loop() {
		Drive(r, nil)
	}
}

// The table of docs/metrics.md is this table.
func TestRulesAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string][]string)
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		documented[cells[0]] = cells
	}
	for _, r := range rules {
		cells := documented[r.name]
		if cells == nil {
			t.Errorf("%s is not documented", r.name)
			continue
		}
		if n, err := strconv.ParseFloat(strings.TrimSuffix(cells[1], " %"), 64); err == nil && n != r.limit || err != nil && r.limit > 1 {
			t.Errorf("%s speaks from %v, documented is %q", r.name, r.limit, cells[1])
		}
		if cells[3] != r.source {
			t.Errorf("%s: source %q, documented is %q", r.name, r.source, cells[3])
		}
	}
}
