package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Thresholds go before the limits of the rules by which a drive is assessed; nil
// leaves the rule its own, ThresholdOff switches it off. What they mean, package
// smart tells.
type Thresholds struct {
	SmartStatus                     *float64 `toml:"smart_status"`
	ExitStatusFailing               *float64 `toml:"exit_status_failing"`
	ExitStatusPrefail               *float64 `toml:"exit_status_prefail"`
	AttributeFailedNow              *float64 `toml:"attribute_failed_now"`
	AttributeFailedPast             *float64 `toml:"attribute_failed_past"`
	ReallocatedSectors              *float64 `toml:"reallocated_sectors"`
	SpinRetries                     *float64 `toml:"spin_retries"`
	EndToEndErrors                  *float64 `toml:"end_to_end_errors"`
	ReportedUncorrectable           *float64 `toml:"reported_uncorrectable"`
	CommandTimeouts                 *float64 `toml:"command_timeouts"`
	ReallocationEvents              *float64 `toml:"reallocation_events"`
	PendingSectors                  *float64 `toml:"pending_sectors"`
	OfflineUncorrectable            *float64 `toml:"offline_uncorrectable"`
	CriticalWarningSpare            *float64 `toml:"critical_warning_spare"`
	CriticalWarningTemperature      *float64 `toml:"critical_warning_temperature"`
	CriticalWarningReliability      *float64 `toml:"critical_warning_reliability"`
	CriticalWarningReadOnly         *float64 `toml:"critical_warning_read_only"`
	CriticalWarningBackup           *float64 `toml:"critical_warning_backup"`
	CriticalWarningPersistentMemory *float64 `toml:"critical_warning_persistent_memory"`
	AvailableSpare                  *float64 `toml:"available_spare"`
	EnduranceUsed                   *float64 `toml:"endurance_used"`
	MediaErrors                     *float64 `toml:"media_errors"`
	GrownDefects                    *float64 `toml:"grown_defects"`
	ReadErrorsUncorrected           *float64 `toml:"read_errors_uncorrected"`
	WriteErrorsUncorrected          *float64 `toml:"write_errors_uncorrected"`
	VerifyErrorsUncorrected         *float64 `toml:"verify_errors_uncorrected"`
	SelfTestFailed                  *float64 `toml:"self_test_failed"`
	Temperature                     *float64 `toml:"temperature"`
	FailingRatePercent              *float64 `toml:"failing_rate_percent"`
}

// ThresholdOff is the threshold "off".
const ThresholdOff = -1

// Given lists those that are set, by key.
func (t Thresholds) Given() map[string]float64 {
	given := make(map[string]float64)
	for key, f := range fieldsOf(&t, "") {
		if at, ok := f.at.(**float64); ok && *at != nil {
			given[key] = **at
		}
	}
	return given
}

var errNoThreshold = errors.New(`must be a number above 0, without quotes, or "off"`)

// setThreshold stores a threshold as TOML has it.
func setThreshold(at **float64, v any) error {
	var n float64
	switch v := v.(type) {
	case int64:
		n = float64(v)
	case float64:
		n = v
	case string:
		if !strings.EqualFold(v, "off") {
			return errNoThreshold
		}
		n = ThresholdOff
	default:
		return errNoThreshold
	}
	if n != ThresholdOff && !(n > 0) || math.IsInf(n, 0) {
		return errNoThreshold
	}
	*at = &n
	return nil
}

// parseThreshold stores what a flag or a variable says.
func parseThreshold(at **float64, s string) error {
	if n, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
		return setThreshold(at, n)
	}
	return setThreshold(at, strings.TrimSpace(s))
}
