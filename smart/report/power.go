package report

import "strings"

// PowerMode is what a drive does with its motor and electronics.
type PowerMode string

// The power modes. Active stands also for an idle drive where smartctl cannot
// distinguish the two (before version 7.5).
const (
	Active  PowerMode = "active"
	Idle    PowerMode = "idle"
	Standby PowerMode = "standby" // the motor stands
	Sleep   PowerMode = "sleep"   // the interface is off as well
)

// PowerModes lists the modes from the most to the least awake.
var PowerModes = []PowerMode{Active, Idle, Standby, Sleep}

// powerModeByName reads smartctl's names: ACTIVE, IDLE_A, STANDBY_Y, "STANDBY
// (OS)", "STANDBY BY TIMER", SLEEP, ...; "" for any other.
func powerModeByName(name string) PowerMode {
	name = strings.ToUpper(name)
	switch {
	case strings.Contains(name, "SLEEP"):
		return Sleep
	case strings.Contains(name, "STANDBY"):
		return Standby
	case strings.HasPrefix(name, "ACTIVE"):
		return Active
	case strings.Contains(name, "IDLE"):
		return Idle
	}
	return ""
}

// powerMode is the drive's mode: as a message says for a drive that was not
// woken, by name since smartctl 7.5, else active for a drive that answered.
func (d *reportJSON) powerMode(r *Report) PowerMode {
	if mode, ok := r.Asleep(); ok {
		return mode
	}
	if mode := powerModeByName(string(d.PowerMode.Name)); mode != "" {
		return mode
	}
	if r.Device.Name != "" && r.Smartctl.ExitStatus&(ExitCommandLine|ExitOpen) == 0 {
		return Active
	}
	return ""
}

// Asleep says whether smartctl left the drive alone because of its power mode,
// and in which it was. smartctl then says so in a message that is no error,
// such as "Device is in STANDBY mode, exit(2)", and exits as if it could not
// open the drive.
func (r *Report) Asleep() (PowerMode, bool) {
	if r.Smartctl.ExitStatus&ExitOpen == 0 || r.Smartctl.ExitStatus&ExitCommandLine != 0 {
		return "", false
	}
	for _, m := range r.Smartctl.Messages {
		name, ok := strings.CutPrefix(m.Text, "Device is in ")
		if !ok || m.Severity == "error" {
			continue
		}
		name, _, _ = strings.Cut(name, " mode")
		if mode := powerModeByName(name); mode != "" {
			return mode, true
		}
		// Some other low-power state, such as "LOW POWER CONDITION".
		return Standby, true
	}
	return "", false
}
