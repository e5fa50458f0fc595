package smart

import (
	"sync/atomic"
	"testing"

	"storage_exporter/internal/fakesmartctl/fleet"
)

// Who composes the reports hears of each new one, and finds the drives without
// waiting for them.
func TestKnownAndChanged(t *testing.T) {
	var changes atomic.Int64
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, func(cfg *DrivesConfig) {
		cfg.OnChange = func() { changes.Add(1) }
	})
	report(t, r.drive(t, "sda"))
	if n := changes.Load(); n < 2 {
		t.Errorf("%d changes, want one of the list and one of the report", n)
	}
	drives, ok := r.Known()
	if !ok || len(drives) != 1 || drives[0].Label != "sda" {
		t.Errorf("known: %v %v", drives, ok)
	}
	r.Close()
	if drives, ok := r.Known(); ok {
		t.Errorf("known after the end: %v", drives)
	}
}
