package web

import (
	"math"

	"storage_exporter/overview"
	"storage_exporter/volume"
)

// volumeView is a row of the table of volumes.
type volumeView struct {
	Name, Backend, Info     string
	State                   state
	OpsRead, OpsWrite       string
	BytesRead, BytesWrite   string
	LatencyRead, LatencyOut string
	Full                    bar
}

// bar is a fullness.
type bar struct {
	Known bool
	Class string
	Done  int // percent, 0 to 100
	Words string
}

func volumeOf(v *overview.Volume) volumeView {
	out := volumeView{Name: text(v.Name), Backend: text(v.Backend), Info: sentence(v.Info), State: stateOfVolume(v.Status)}
	p := v.Performance
	if p == nil {
		p = &volume.Performance{}
	}
	out.OpsRead, out.OpsWrite = known(p.IOPSRead, perSecond), known(p.IOPSWrite, perSecond)
	out.BytesRead, out.BytesWrite = known(p.BytesRead, bytesPerS), known(p.BytesWrite, bytesPerS)
	out.LatencyRead, out.LatencyOut = known(p.LatencyReadUsec, latency), known(p.LatencyWriteUsec, latency)
	out.Full = fullness(v.Usage)
	return out
}

// The percentages from which on a volume is shown as nearly full.
const nearlyFull, full = 85, 95

func fullness(u *volume.Usage) bar {
	if u == nil || u.CapacityBytes == nil || u.UsedBytes == nil || *u.CapacityBytes == 0 {
		return bar{Words: "unknown"}
	}
	share := min(100*float64(*u.UsedBytes)/float64(*u.CapacityBytes), 100)
	b := bar{Known: true, Class: "plain", Done: int(math.Round(share))}
	switch {
	case share >= full:
		b.Class = failing.Class
	case share >= nearlyFull:
		b.Class = warning.Class
	}
	b.Words = percent(math.Round(share)) + " of " + bytesOf(float64(*u.CapacityBytes))
	return b
}
