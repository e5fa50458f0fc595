package assess

import (
	"cmp"
	"slices"

	"storage_exporter/smart/report"
)

func (v view) smartStatus() finding {
	switch {
	case v.Passed == nil:
		return nothing
	case *v.Passed || v.warns() || v.exception() != prediction:
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
		return fine(v.SparePercent)
	}
	return speaks(Warning, *v.SparePercent, "%s %% of the spare capacity is left, below %s %s %%", figure(*v.SparePercent), whose, figure(*limit))
}

func (v view) endurance() finding {
	used := v.wear()
	switch {
	case used == nil:
		return nothing
	case *used < v.limit:
		return fine(used)
	case *used >= 100:
		return speaks(Warning, *used, "%s %% of the rated life of the flash is used: it is beyond what the vendor vouches for", figure(*used))
	}
	return speaks(Warning, *used, "%s %% of the rated life of the flash is used", figure(*used))
}

// wear takes ATA's device statistics where smartctl has no figure of its own, which is
// before 7.5.
func (v view) wear() *float64 {
	used := cmp.Or(v.EnduranceUsedPercent, v.statistic("Percentage Used Endurance Indicator"))
	if used == nil || *used < 0 {
		return nil
	}
	return used
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

// The limits of temperature, in degrees Celsius, that make sense: drives say 0
// for none.
const leastTemperatureLimit, mostTemperatureLimit = 30, 150

// temperature speaks at the limit, which is the operator's or else the highest
// of the drive's own that is reached, or where the drive itself says that it is hot.
func (v view) temperature() finding {
	now, ok := v.Temperatures["current"]
	if ok && v.overridden {
		if now < v.limit {
			return fine(&now)
		}
		return speaks(Warning, now, "%s °C, the configured limit is %s °C", figure(now), figure(v.limit))
	}
	found, reached, name := nothing, 0.0, ""
	for _, l := range v.temperatureLimits() {
		if !l.sensible() {
			continue
		}
		if ok {
			found = fine(&now)
		}
		if ok && now >= *l.at && *l.at > reached {
			reached, name = *l.at, l.name
		}
	}
	switch {
	case reached != 0:
		return speaks(Warning, now, "%s °C, the drive's %s is %s °C", figure(now), name, figure(reached))
	case v.exception() == heat && ok:
		return speaks(Warning, now, "%s °C, the drive says that it is too hot: %s", figure(now), v.exceptionWords())
	case v.exception() == heat:
		return speaks(Warning, 1, "the drive says that it is too hot: %s", v.exceptionWords())
	}
	return found
}

type temperatureLimit struct {
	name string
	at   *float64
}

func (l temperatureLimit) sensible() bool {
	return l.at != nil && *l.at >= leastTemperatureLimit && *l.at <= mostTemperatureLimit
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
