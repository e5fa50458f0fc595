package web

import (
	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/volume"
)

// state is how a thing is shown: by a word, a letter and a class of the style sheet.
// Colours never stand alone.
type state struct {
	Word   string
	Letter string // none for what is well
	Class  string
	rank   int // the worst first; that of well is the last
}

// The states of drives. Those of pools, volumes and proxies have the same classes.
var (
	failing = state{"failing", "F", "failing", 0}
	warning = state{"warning", "W", "warning", 1}
	unknown = state{"unknown", "?", "unknown", 2}
	asleep  = state{"asleep", "S", "asleep", 3}
	ok      = state{"ok", "", "ok", 4}
)

// wrong says that people should look at it.
func (s state) wrong() bool { return s.rank < asleep.rank }

// as is the state under another word and letter.
func (s state) as(word, letter string) state {
	s.Word, s.Letter = word, letter
	return s
}

func stateOfVerdict(v assess.Verdict) state {
	switch v {
	case assess.OK:
		return ok
	case assess.Warning:
		return warning
	case assess.Failing:
		return failing
	}
	return unknown
}

// stateOfDrive is that of a drive. One that sleeps is asleep unless its last report
// shows something wrong. One that cannot be read is not well only because an older
// report still stands.
func stateOfDrive(d *overview.Drive) state {
	s := stateOfVerdict(d.Assessment.Verdict)
	if d.Outdated() {
		return unknown.as("no new report", "?")
	}
	sleeps := d.PowerMode == report.Standby || d.PowerMode == report.Sleep
	if sleeps && (s == ok || s == unknown && d.Error == "" && d.Trouble == "") {
		return asleep
	}
	return s
}

func stateOfVolume(s volume.Status) state {
	switch s {
	case volume.Healthy:
		return ok.as("healthy", "")
	case volume.Degraded:
		return warning.as("degraded", "W")
	case volume.Offline:
		return failing.as("offline", "O")
	case volume.Unavailable:
		return warning.as("unavailable", "U")
	}
	return unknown
}

func stateOfProxy(s proxy.Status) state {
	switch s {
	case proxy.Healthy:
		return ok.as("healthy", "")
	case proxy.Unhealthy:
		return failing.as("down", "D")
	}
	return unknown
}

// stateOfPool is that of a pool or a vdev by zpool's word.
func stateOfPool(word string) state {
	switch word {
	case "ONLINE", "AVAIL", "INUSE", "":
		return ok.as(text(word), "")
	case "DEGRADED":
		return warning.as(word, "W")
	}
	return failing.as(text(word), "F")
}
