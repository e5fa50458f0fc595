package observed

import (
	"time"

	"storage_exporter/volume"
)

// Timing is how one kind of observation goes on. Zero means the default.
type Timing struct {
	Interval time.Duration // from one to the next
	Timeout  time.Duration // bounds one; held below the interval
	TTL      time.Duration // how long a snapshot may be shown
}

// The defaults for mounted volumes. An appliance needs more time to answer:
// applianceTimeout, or what its interval allows.
var (
	DefaultPerformance = Timing{Interval: 10 * time.Second, Timeout: 5 * time.Second, TTL: 30 * time.Second}
	DefaultHealth      = Timing{Interval: 30 * time.Second, Timeout: 5 * time.Second, TTL: 90 * time.Second}
	DefaultUsage       = Timing{Interval: 60 * time.Second, Timeout: 5 * time.Second, TTL: 180 * time.Second}
)

const applianceTimeout = 30 * time.Second

func performanceTiming(c volume.Config) Timing {
	return Timing{c.PerformanceInterval, c.PerformanceTimeout, c.PerformanceTTL}
}

func healthTiming(c volume.Config) Timing {
	return Timing{c.HealthCheckInterval, c.HealthCheckTimeout, c.HealthCheckTTL}
}

func usageTiming(c volume.Config) Timing {
	return Timing{c.UsageInterval, c.UsageTimeout, c.UsageTTL}
}

// timingOf is the timing of a Backend's volumes: the shortest interval, but not below
// slowest, at which its figures change, and the longest timeout and TTL. local is
// false where an appliance is asked.
func timingOf(asked []Timing, standard Timing, slowest time.Duration, local bool) Timing {
	var t Timing
	for _, a := range asked {
		interval := a.Interval
		if interval <= 0 {
			interval = standard.Interval
		}
		if t.Interval == 0 || interval < t.Interval {
			t.Interval = interval
		}
		t.Timeout, t.TTL = max(t.Timeout, a.Timeout), max(t.TTL, a.TTL)
	}
	raised := slowest > t.Interval
	t.Interval = max(t.Interval, slowest)
	if t.Timeout <= 0 {
		t.Timeout = standard.Timeout
		if !local {
			t.Timeout = applianceTimeout
		}
	}
	t.Timeout = min(t.Timeout, t.Interval/10*9)
	switch {
	case t.TTL <= 0:
		t.TTL = max(standard.TTL, 3*t.Interval)
	case raised:
		t.TTL = max(t.TTL, 3*t.Interval)
	}
	return t
}
