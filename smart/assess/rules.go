package assess

import (
	"fmt"
	"maps"
	"strconv"

	"storage_exporter/smart/report"
)

// rule is one thing that a drive is judged by.
type rule struct {
	name string
	// limit is the value from which on the rule speaks; 1 where there is
	// nothing to count, and 0 for the drive's own limit.
	limit  float64
	source string // where the limit comes from
	// minor says that the rule alone does not make a drive well: one of which only
	// the temperature is known is not judged.
	minor bool
	yesNo bool // nothing is counted: it can only be switched off
	look  func(view) finding
}

// Where the rules come from.
const (
	sourceRates    = "annual failure rates by Backblaze, as Scrutiny publishes them"
	sourceCritical = "a critical attribute by Scrutiny; no rate is published"
	sourceNVMe     = "NVMe specification, SMART / health information log"
	sourceSCSI     = "SCSI error counter and defect logs; critical by Scrutiny"
)

// rules is the whole table, in the order of an assessment's reasons. It is
// careful: what is failing must be the drive's own word or a published rate,
// since false alarms are what people complain of in tools like this one.
var rules = []rule{
	{name: "smart_status", limit: 1, yesNo: true, source: "the drive's own verdict; of a SCSI drive, that it predicts a failure (additional sense code 5Dh)", look: view.smartStatus},
	{name: "scsi_warning", limit: 1, yesNo: true, source: "SCSI primary commands: additional sense code 0Bh is a warning, not a prediction of failure", look: view.scsiWarning},
	{name: "exit_status_failing", limit: 1, yesNo: true, source: "smartctl's exit status, bit 3, where the report has no verdict", look: view.exitFailing},
	{name: "exit_status_prefail", limit: 1, yesNo: true, source: "smartctl's exit status, bit 4, where no attribute says so itself", look: view.exitPrefail},
	{name: "attribute_failed_now", limit: 1, yesNo: true, source: "the vendor's threshold of the attribute; failing for prefail attributes", look: view.failedNow},
	{name: "attribute_failed_past", limit: 1, yesNo: true, source: "the vendor's threshold of the attribute", look: view.failedPast},

	{name: "reallocated_sectors", limit: 5, source: sourceRates + "; up to 4 are as good as none", look: attribute(5)},
	{name: "spin_retries", limit: 1, source: sourceCritical, look: attribute(10)},
	{name: "end_to_end_errors", limit: 1, source: sourceCritical, look: attribute(184)},
	{name: "reported_uncorrectable", limit: 1, source: sourceRates, look: attribute(187)},
	{name: "command_timeouts", limit: 101, source: sourceRates + "; up to 100 are as good as none", look: attribute(188)},
	{name: "reallocation_events", limit: 5, source: sourceCritical + "; as many as of reallocated sectors", look: attribute(196)},
	{name: "pending_sectors", limit: 1, source: sourceRates, look: view.pending},
	{name: "offline_uncorrectable", limit: 1, source: sourceRates, look: attribute(198)},

	{name: "critical_warning_spare", limit: 1, yesNo: true, source: sourceNVMe, look: warningBit(0, Warning, "the drive says that its spare capacity has fallen below its threshold")},
	{name: "critical_warning_temperature", limit: 1, yesNo: true, source: sourceNVMe, look: warningBit(1, Warning, "the drive says that a temperature is beyond its threshold")},
	{name: "critical_warning_reliability", limit: 1, yesNo: true, source: sourceNVMe, look: view.reliability},
	{name: "critical_warning_read_only", limit: 1, yesNo: true, source: sourceNVMe, look: warningBit(3, Failing, "the drive says that its media has become read-only")},
	{name: "critical_warning_backup", limit: 1, yesNo: true, source: sourceNVMe, look: warningBit(4, Warning, "the drive says that the backup of its volatile memory has failed")},
	{name: "critical_warning_persistent_memory", limit: 1, yesNo: true, source: sourceNVMe, look: warningBit(5, Warning, "the drive says that its persistent memory region is unreliable or read-only")},
	{name: "available_spare", source: "the drive's own threshold", look: view.spare},
	{name: "endurance_used", limit: 90, source: "the vendor's rated life is 100 %", look: view.endurance},
	{name: "media_errors", limit: 1, source: sourceNVMe, look: view.mediaErrors},

	{name: "grown_defects", limit: 1, source: sourceSCSI, look: view.grownDefects},
	{name: "read_errors_uncorrected", limit: 1, source: sourceSCSI, look: uncorrected("read", func(s *report.SCSI) *report.ErrorCounter { return s.Read })},
	{name: "write_errors_uncorrected", limit: 1, source: sourceSCSI, look: uncorrected("write", func(s *report.SCSI) *report.ErrorCounter { return s.Write })},
	{name: "verify_errors_uncorrected", limit: 1, source: sourceSCSI, look: uncorrected("verify", func(s *report.SCSI) *report.ErrorCounter { return s.Verify })},

	{name: "self_test_failed", limit: 1, yesNo: true, source: "the drive's self-test log and smartctl's count of it: a test that failed and that no newer one of its kind or a fuller one has made good", look: view.selfTest},
	{name: "temperature", source: "the drive's own limits; none, no rule", minor: true, look: view.temperature},
}

// FailingRate names the threshold, in percent a year, from which on the
// published rate of a count makes a drive failing; below it, it is a warning.
const FailingRate = "failing_rate_percent"

// defaultFailingRate is where Scrutiny takes any attribute for failed. (It takes
// 10 % for those that it calls critical, of which no published bucket lies
// between the two but the command timeouts', which it reads packed.)
const defaultFailingRate = 20

// defaultLimits are the limits by name, and names all thresholds.
var defaultLimits = func() Thresholds {
	limits := Thresholds{FailingRate: defaultFailingRate}
	for i := range rules {
		limits[rules[i].name] = rules[i].limit
	}
	return limits
}()

// DefaultLimits are the limits of all rules, by name, with FailingRate.
func DefaultLimits() Thresholds { return maps.Clone(defaultLimits) }

// figure writes a number without an exponent.
func figure(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func quantity(n float64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %s", figure(n), many)
}
