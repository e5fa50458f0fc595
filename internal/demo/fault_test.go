package demo_test

import (
	"errors"
	"testing"
	"time"

	"storage_exporter/internal/demo"
	"storage_exporter/internal/logtest"
	"storage_exporter/overview"
	"storage_exporter/smart/assess"
)

// seen is what the overview shows of a fault that is broken.
var seen = map[string]func(o *overview.Overview) bool{
	"drive-fails":     func(o *overview.Overview) bool { return o.Counts.Drives.ByVerdict[assess.Failing] > 2 },
	"drive-vanishes":  func(o *overview.Overview) bool { return o.Counts.Slots.Populated == 77 && o.Counts.Drives.Total == 80 },
	"pool-degrades":   func(o *overview.Overview) bool { return memberIs(o, "A3-part1", "FAULTED") },
	"slot-light":      func(o *overview.Overview) bool { return o.Counts.Slots.Fault == 3 },
	"volume-degrades": func(o *overview.Overview) bool { return volumeIs(o, "training", "degraded") },
	"volume-offline": func(o *overview.Overview) bool {
		return volumeIs(o, "checkpoints", "offline") && volumeIs(o, "models", "offline")
	},
	"appliance-hangs": func(o *overview.Overview) bool { return volumeIs(o, "archive", "offline") },
	"proxy-appears":   func(o *overview.Overview) bool { return o.Counts.Proxies.ByStatus["healthy"] == 2 },
}

func volumeIs(o *overview.Overview, name, status string) bool {
	for _, v := range o.Volumes {
		if v.Name == name {
			return string(v.Status) == status
		}
	}
	return false
}

func memberIs(o *overview.Overview, name, state string) bool {
	for _, p := range o.Pools {
		for _, v := range p.Vdevs {
			if v.Name == "/dev/disk/by-vdev/"+name {
				return v.State == state && p.State == "DEGRADED"
			}
		}
	}
	return false
}

// Each fault is seen while it is there, and no more once it was repaired. What the
// exporter looks at seldom is broken before its first look, and repaired before it is
// started anew.
func TestFaults(t *testing.T) {
	t.Parallel()
	seldom := []string{"drive-vanishes", "pool-degrades", "slot-light", "volume-degrades", "volume-offline", "appliance-hangs"}
	d := start(t, demo.Options{Broken: seldom})
	if err := d.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	faults := map[string]demo.Fault{}
	for _, f := range d.Faults() {
		faults[f.Name] = f
		if seen[f.Name] == nil || f.Broken == "" || f.Mended == "" {
			t.Errorf("it is not known how to see %q (%s, %s)", f.Name, f.Broken, f.Mended)
		}
	}
	for _, name := range seldom {
		shows(t, d, name, soon, seen[name])
	}
	for _, name := range []string{"drive-fails", "proxy-appears"} {
		f := faults[name]
		shows(t, d, "without "+name, soon, not(seen[name]))
		for range 2 { // as often as one likes
			if err := f.Break(t.Context()); err != nil {
				t.Error(err)
			}
		}
		shows(t, d, name, soon, seen[name])
		if err := f.Repair(t.Context()); err != nil {
			t.Error(err)
		}
		shows(t, d, name+" repaired", soon, not(seen[name]))
	}
	for _, name := range seldom {
		if err := faults[name].Repair(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(d.Restart(t.Context()), d.Await(t.Context())); err != nil {
		t.Fatal(err)
	}
	shows(t, d, "all well that was", soon, asItWas)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if faults["drive-fails"].Break(t.Context()) == nil || d.Restart(t.Context()) == nil {
		t.Error("something goes on after the end")
	}
}

// asItWas is the overview while nothing is broken but what was from the start.
func asItWas(o *overview.Overview) bool {
	for _, broken := range seen {
		if broken(o) {
			return false
		}
	}
	c := o.Counts
	return c.Drives.InSlots == 78 && c.Drives.Total == 81 && c.Pools.ByState["ONLINE"] == 1 && c.Volumes.ByStatus["healthy"] == 6
}

func not(f func(*overview.Overview) bool) func(*overview.Overview) bool {
	return func(o *overview.Overview) bool { return !f(o) }
}

func TestFaultThatIsNone(t *testing.T) {
	t.Parallel()
	o, err := build()
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Broken = t.TempDir(), []string{"nonsense"}
	if _, err := demo.Start(t.Context(), o); err == nil {
		t.Error("it was started")
	}
}

// Chaos says what it does, in a line each, and ends with the demo.
func TestChaos(t *testing.T) {
	t.Parallel()
	var out logtest.Buffer
	d := start(t, demo.Options{Out: &out})
	d.Chaos(100 * time.Millisecond)
	for end := time.Now().Add(soon); lines(&out) < 14; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("only:\n%s", &out)
		}
	}
}
