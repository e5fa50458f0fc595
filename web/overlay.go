package web

import (
	"slices"

	"storage_exporter/overview"
)

// overlay is what the slots of an enclosure show.
type overlay string

// The overlays.
const (
	showAssessment  overlay = "assessment"
	showTemperature overlay = "temperature"
	showHours       overlay = "hours"
	showWear        overlay = "wear"
	showErrors      overlay = "errors"
	showPool        overlay = "pool"
)

// overlays lists them all, the usual one first.
var overlays = []overlay{showAssessment, showTemperature, showHours, showWear, showErrors, showPool}

// overlayOf is the overlay that an address asks for; the usual one for any other word.
func overlayOf(word string) overlay {
	if i := slices.Index(overlays, overlay(word)); i >= 0 {
		return overlays[i]
	}
	return showAssessment
}

// title is the overlay's name.
func (o overlay) title() string { return title(string(o)) }

// meaning says what the steps of the overlay are.
func (o overlay) meaning() string {
	switch o {
	case showTemperature:
		return "below 46 °C; then three steps up to 5 °C below the drive's own limit, or 60 °C where it has none; and beyond"
	case showHours:
		return "below 4 years of power-on time, from 4, from 5, from 6, from 7"
	case showWear:
		return "nothing of the flash's rated life used, below 50 %, from 50 %, from 80 %, from 90 %"
	case showErrors:
		return "no sector lost or replaced and no error, up to 4, up to 16, up to 100, more"
	}
	return ""
}

// value is what the overlay shows of a drive, and its step of heat, -1 for none.
func (o overlay) value(d *overview.Drive) (shown string, step int) {
	switch o {
	case showHours:
		return measured(d.PowerOnSeconds, years, func(v float64) int { return steps(v/(365.25*24*3600), 4, 5, 6, 7) })
	case showWear:
		return measured(d.WearPercent, percent, func(v float64) int { return steps(v, 0.5, 50, 80, 90) })
	case showErrors:
		return measured(d.Errors, grouped, func(v float64) int { return steps(v, 1, 5, 17, 101) })
	case showTemperature:
		return measured(d.TemperatureCelsius, celsius, func(v float64) int { return heat(v, d.TemperatureLimit) })
	}
	return measured(d.TemperatureCelsius, celsius, func(float64) int { return -1 })
}

func measured(v *float64, write func(float64) string, step func(float64) int) (string, int) {
	if v == nil {
		return dash, -1
	}
	return write(*v), step(*v)
}

// steps is how many of the limits a value reaches.
func steps(v float64, limits ...float64) (n int) {
	for _, l := range limits {
		if v >= l {
			n++
		}
	}
	return n
}

// The degrees below which a temperature is neutral, and at which it is at the last step
// where the drive has no limit of its own.
const warm, hot = 46, 60

// heat is the step of a temperature: the last one from five degrees below the drive's
// own limit on.
func heat(v float64, limit *float64) int {
	last := float64(hot)
	if limit != nil {
		last = *limit - 5
	}
	switch {
	case v >= last:
		return 4
	case v < warm:
		return 0
	}
	return 1 + min(int(3*(v-warm)/(last-warm)), 2)
}
