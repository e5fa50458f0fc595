package demo_test

import (
	"testing"
	"time"

	"storage_exporter/internal/demo"
	"storage_exporter/internal/logtest"
	"storage_exporter/overview"
	"storage_exporter/smart/assess"
)

// slow is longer than the time between two looks at enclosures and pools.
const slow = 110 * time.Second

// seen is what the overview shows of a fault that is broken.
var seen = map[string]func(o *overview.Overview) bool{
	"drive-fails":     func(o *overview.Overview) bool { return o.Counts.Drives.ByVerdict[assess.Failing] > 2 },
	"drive-vanishes":  func(o *overview.Overview) bool { return o.Counts.Slots.Populated == 77 && o.Counts.Drives.Total == 80 },
	"pool-degrades":   func(o *overview.Overview) bool { return memberIs(o, "A3-part1", "FAULTED") },
	"slot-light":      func(o *overview.Overview) bool { return o.Counts.Slots.Fault == 3 },
	"volume-degrades": func(o *overview.Overview) bool { return volumeIs(o, "training", "degraded") },
	"volume-offline":  func(o *overview.Overview) bool { return volumeIs(o, "datasets", "offline") },
	"appliance-hangs": func(o *overview.Overview) bool { return volumeIs(o, "models", "offline") },
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
// exporter looks at seldom is broken before its first look.
func TestFaults(t *testing.T) {
	t.Parallel()
	seldom := []string{"drive-vanishes", "pool-degrades", "slot-light"}
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
		if err := faults[name].Repair(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for name, f := range faults {
		if name == seldom[0] || name == seldom[1] || name == seldom[2] {
			continue
		}
		shows(t, d, "without "+name, soon, not(seen[name]))
		for range 2 { // as often as one likes
			if err := f.Break(t.Context()); err != nil {
				t.Error(err)
			}
		}
		shows(t, d, name, 2*soon, seen[name])
		if err := f.Repair(t.Context()); err != nil {
			t.Error(err)
		}
		shows(t, d, name+" repaired", 2*soon, not(seen[name]))
	}
	for _, name := range seldom {
		shows(t, d, name+" repaired", slow, not(seen[name]))
	}
	shows(t, d, "all drives", soon, func(o *overview.Overview) bool {
		return o.Counts.Drives.InSlots == 78 && o.Counts.Drives.Total == 81 && o.Counts.Pools.ByState["ONLINE"] == 1
	})
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
	for end := time.Now().Add(soon); lines(&out) < 24; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("only:\n%s", &out)
		}
	}
}
