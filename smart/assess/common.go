package assess

import (
	"fmt"
	"slices"

	"storage_exporter/smart/report"
)

// warningBits are those of NVMe's critical warning that have a rule.
const warningBits = 1<<6 - 1

// criticalWarning is NVMe's bit mask, where it is known.
func (v view) criticalWarning() (int, bool) {
	if v.NVMe == nil || v.NVMe.Health == nil || v.NVMe.Health.CriticalWarning == nil {
		return 0, false
	}
	w := *v.NVMe.Health.CriticalWarning
	if w < 0 || w > 255 {
		return 0, false
	}
	return int(w), true
}

// warns says whether the bits of NVMe's critical warning say what is wrong. What
// smartctl calls the drive's verdict is only whether any of them is set, a
// temperature for instance, so that the bits are judged in its place.
func (v view) warns() bool {
	w, _ := v.criticalWarning()
	return w&warningBits != 0
}

func (v view) smartStatus() finding {
	switch {
	case v.Passed == nil:
		return nothing
	case *v.Passed || v.warns():
		return well
	case v.SCSI != nil && v.SCSI.Exception != "":
		return speaks(Failing, 1, "the drive says that it is failing: %s", v.SCSI.Exception)
	}
	return speaks(Failing, 1, "the drive says that it is failing")
}

// exitFailing judges the exit status only where a bit is set: it is also 0 for what
// reports no health.
func (v view) exitFailing() finding {
	if v.Smartctl.ExitStatus&report.ExitFailing == 0 || v.Passed != nil || v.warns() {
		return nothing
	}
	return speaks(Failing, 1, "smartctl says that the drive is failing")
}

func (v view) exitPrefail() finding {
	if v.Smartctl.ExitStatus&report.ExitPrefail == 0 {
		return nothing
	}
	if slices.ContainsFunc((view{Report: v.Report}).failedNow().reasons, func(r Reason) bool { return r.Severity == Failing }) {
		return nothing
	}
	return speaks(Failing, 1, "smartctl says that an attribute that foretells failure is at or below its threshold")
}

// warningBit is the rule of one bit of NVMe's critical warning.
func warningBit(bit int, severity Verdict, text string) func(view) finding {
	return func(v view) finding {
		w, ok := v.criticalWarning()
		switch {
		case !ok:
			return nothing
		case w&(1<<bit) == 0:
			return well
		}
		return speaks(severity, 1, "%s", text)
	}
}

// spare speaks below the limit, which is the drive's own if the operator gives none.
func (v view) spare() finding {
	limit, whose := v.SpareThresholdPercent, "its threshold"
	if v.overridden {
		limit, whose = &v.limit, "the configured"
	}
	switch {
	case v.SparePercent == nil || limit == nil || *limit > 100:
		return nothing
	case *v.SparePercent >= *limit:
		return well
	}
	return speaks(Warning, *v.SparePercent, "%s %% of the spare capacity is left, below %s %s %%", figure(*v.SparePercent), whose, figure(*limit))
}

// endurance takes ATA's device statistics where smartctl has no figure of its
// own, which is before 7.5.
func (v view) endurance() finding {
	used := v.EnduranceUsedPercent
	if used == nil {
		used = v.statistic("Percentage Used Endurance Indicator")
	}
	switch {
	case used == nil || *used < 0:
		return nothing
	case *used < v.limit:
		return well
	case *used >= 100:
		return speaks(Warning, *used, "%s %% of the rated life of the flash is used: it is beyond what the vendor vouches for", figure(*used))
	}
	return speaks(Warning, *used, "%s %% of the rated life of the flash is used", figure(*used))
}

// statistic is a device statistic by its name.
func (v view) statistic(name string) *float64 {
	if v.ATA == nil {
		return nil
	}
	for i := range v.ATA.Statistics {
		if s := &v.ATA.Statistics[i]; s.Name == name {
			return s.Value
		}
	}
	return nil
}

func (v view) mediaErrors() finding {
	if v.NVMe == nil || v.NVMe.Health == nil {
		return nothing
	}
	return v.count(v.NVMe.Health.MediaErrors, "media error: data could not be read back whole", "media errors: data could not be read back whole")
}

func (v view) grownDefects() finding {
	if v.SCSI == nil {
		return nothing
	}
	return v.count(v.SCSI.GrownDefects, "grown defect", "grown defects")
}

// uncorrected is the rule of one of SCSI's error counters.
func uncorrected(what string, of func(*report.SCSI) *report.ErrorCounter) func(view) finding {
	return func(v view) finding {
		if v.SCSI == nil || of(v.SCSI) == nil {
			return nothing
		}
		return v.count(of(v.SCSI).TotalUncorrected, "uncorrected "+what+" error", "uncorrected "+what+" errors")
	}
}

// selfTest judges the last test that came to a result: one that was aborted or
// still runs says nothing, and a later one that passed makes good.
func (v view) selfTest() finding {
	for i := range v.SelfTests {
		if t := &v.SelfTests[i]; t.Passed != nil {
			return v.tested(t)
		}
	}
	if v.ATA != nil && v.ATA.SelfTestStatus != nil && v.ATA.SelfTestStatus.Passed != nil {
		return v.tested(v.ATA.SelfTestStatus)
	}
	return nothing
}

func (v view) tested(t *report.SelfTest) finding {
	if *t.Passed {
		return well
	}
	text := "the last self-test failed"
	if t.Type != "" {
		text = fmt.Sprintf("the last self-test (%s) failed", t.Type)
	}
	if t.Result != "" {
		text += ": " + t.Result
	}
	return speaks(Warning, 1, "%s", text)
}

// The limits of temperature, in degrees Celsius, that make sense: drives say 0
// for none.
const leastTemperatureLimit, mostTemperatureLimit = 30, 150

// temperature speaks at the limit, which is the operator's or else the highest
// of the drive's own that is reached.
func (v view) temperature() finding {
	now, ok := v.Temperatures["current"]
	if !ok {
		return nothing
	}
	if v.overridden {
		if now < v.limit {
			return well
		}
		return speaks(Warning, now, "%s °C, the configured limit is %s °C", figure(now), figure(v.limit))
	}
	found, reached, name := nothing, 0.0, ""
	for _, l := range v.temperatureLimits() {
		if l.at == nil || *l.at < leastTemperatureLimit || *l.at > mostTemperatureLimit {
			continue
		}
		found.judged = true
		if now >= *l.at && *l.at > reached {
			reached, name = *l.at, l.name
		}
	}
	if reached == 0 {
		return found
	}
	return speaks(Warning, now, "%s °C, the drive's %s is %s °C", figure(now), name, figure(reached))
}

type temperatureLimit struct {
	name string
	at   *float64
}

func (v view) temperatureLimits() []temperatureLimit {
	reported := func(key string) *float64 {
		if t, ok := v.Temperatures[key]; ok {
			return &t
		}
		return nil
	}
	limits := []temperatureLimit{
		{"highest operating temperature", reported("op_limit_max")},
		{"highest operating temperature", v.statistic("Specified Maximum Operating Temperature")},
		{"critical temperature", reported("critical_limit_max")},
		{"trip temperature", reported("drive_trip")},
	}
	if n := v.NVMe; n != nil {
		limits = append(limits, temperatureLimit{"warning temperature", n.WarningTemperature}, temperatureLimit{"critical temperature", n.CriticalTemperature})
	}
	return limits
}
