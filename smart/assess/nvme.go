package assess

import "fmt"

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

// reliability speaks by the third bit, whose reason the drive does not give: errors
// of the media, others of its own, with some drives the end of its rated life.
func (v view) reliability() finding {
	text := "the drive says that its reliability is degraded"
	if h := v.NVMe; h != nil && h.Health != nil {
		if n := h.Health.MediaErrors; n != nil && *n > 0 {
			text += "; it counts " + quantity(*n, "media error", "media errors")
		}
		if used := h.Health.PercentageUsed; used != nil && *used >= 100 {
			text += fmt.Sprintf("; %s %% of its rated life is used", figure(*used))
		}
	}
	return warningBit(2, Failing, text)(v)
}

func (v view) mediaErrors() finding {
	if v.NVMe == nil || v.NVMe.Health == nil {
		return nothing
	}
	return v.count(v.NVMe.Health.MediaErrors, "media error: data could not be read back whole", "media errors: data could not be read back whole")
}
