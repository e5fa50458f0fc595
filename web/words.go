package web

import (
	"strings"

	"storage_exporter/smart"
	"storage_exporter/smart/assess"
)

// wording is how a rule of the assessment is said in plain words.
type wording struct {
	// one and many are of the rule's value, %s; without them the reason's own words
	// are the plainest.
	one, many string
	// failing and warning are what to do, empty where there is no clear answer.
	failing, warning string
}

// What to do, where it is the same for several rules.
const (
	replaceIt  = "Replace the drive."
	planIt     = "Plan its replacement."
	coolIt     = "Check the fans and the airflow."
	checkCable = "Check its cable, its power and the backplane."
)

// wordings has the words of every rule.
var wordings = map[string]wording{
	"smart_status":          {failing: replaceIt},
	"scsi_warning":          {},
	"exit_status_failing":   {failing: replaceIt},
	"exit_status_prefail":   {failing: replaceIt},
	"attribute_failed_now":  {failing: replaceIt, warning: planIt},
	"attribute_failed_past": {},

	"reallocated_sectors":    {"%s bad sector was replaced by a spare one.", "%s bad sectors were replaced by spare ones.", replaceIt, planIt},
	"spin_retries":           {"The motor needed %s more attempt to start.", "The motor needed %s more attempts to start.", replaceIt, planIt},
	"end_to_end_errors":      {"Data was damaged inside the drive %s time.", "Data was damaged inside the drive %s times.", replaceIt, planIt},
	"reported_uncorrectable": {"%s read or write failed for good.", "%s reads or writes failed for good.", replaceIt, planIt},
	"command_timeouts":       {"%s command was not answered in time.", "%s commands were not answered in time.", checkCable, checkCable},
	"reallocation_events":    {"Data was moved away from bad sectors %s time.", "Data was moved away from bad sectors %s times.", replaceIt, planIt},
	"pending_sectors":        {"%s sector could not be read and waits to be replaced.", "%s sectors could not be read and wait to be replaced.", replaceIt, planIt},
	"offline_uncorrectable":  {"The drive's own scan found %s sector that cannot be read.", "The drive's own scan found %s sectors that cannot be read.", replaceIt, planIt},

	"critical_warning_spare":             {"The drive runs out of spare capacity.", "", planIt, planIt},
	"critical_warning_temperature":       {"A temperature of the drive is beyond its limit.", "", coolIt, coolIt},
	"critical_warning_reliability":       {failing: replaceIt},
	"critical_warning_read_only":         {"The drive has made itself read-only.", "", replaceIt, replaceIt},
	"critical_warning_backup":            {"The drive can no longer save its cache when the power fails.", "", planIt, planIt},
	"critical_warning_persistent_memory": {"The drive's persistent memory is unreliable or read-only.", "", planIt, planIt},
	"available_spare":                    {"Only %s % of the spare capacity is left.", "Only %s % of the spare capacity is left.", planIt, planIt},
	"endurance_used":                     {"%s % of the rated life of the flash is used.", "%s % of the rated life of the flash is used.", planIt, planIt},
	"media_errors":                       {"Data could not be read back whole %s time.", "Data could not be read back whole %s times.", replaceIt, planIt},

	"grown_defects":             {"%s sector went bad in use and was replaced.", "%s sectors went bad in use and were replaced.", replaceIt, ""},
	"read_errors_uncorrected":   {"%s read failed for good.", "%s reads failed for good.", replaceIt, planIt},
	"write_errors_uncorrected":  {"%s write failed for good.", "%s writes failed for good.", replaceIt, planIt},
	"verify_errors_uncorrected": {"%s check of what was written failed for good.", "%s checks of what was written failed for good.", replaceIt, planIt},

	"self_test_failed": {warning: "Run an extended self-test; if it fails too, replace the drive."},
	"temperature":      {warning: coolIt},
}

// explain says a reason in a plain sentence, and what to do.
func explain(r assess.Reason) (why, do string) {
	w := wordings[r.Rule]
	switch {
	case w.one == "":
		why = sentence(r.Text)
	case r.Value == 1 || w.many == "":
		why = strings.Replace(w.one, "%s", "1", 1)
	default:
		why = strings.Replace(w.many, "%s", round(r.Value), 1)
	}
	if r.Severity == assess.Failing {
		return why, w.failing
	}
	return why, w.warning
}

// troubleWords say why a drive cannot be read, and what to do.
var troubleWords = map[smart.Trouble]struct{ why, do string }{
	smart.TroubleNotInstalled: {"smartctl cannot be run.", "Install smartmontools."},
	smart.TroubleNotFound:     {"The drive is gone.", "Look whether it was pulled or has lost its connection."},
	smart.TroublePermission:   {"The exporter may not open the drive.", "Give its user the rights that docs/permissions.md names."},
	smart.TroubleTimeout:      {"The drive does not answer in time.", checkCable},
	smart.TroubleStuck:        {"The drive does not answer, and smartctl cannot be ended.", checkCable},
	smart.TroubleNoSMART:      {"The drive answers, but has no SMART.", ""},
	smart.TroubleOpenFailed:   {"The drive cannot be opened or identified.", ""},
	smart.TroubleBadOutput:    {"smartctl printed something else than a report.", ""},
	smart.TroubleOther:        {"The drive cannot be read.", ""},
}
