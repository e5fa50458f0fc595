package smart

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart/smartctl"
)

// Who composes the reports hears of each new one, and finds the drives without
// waiting for them.
func TestKnownAndChanged(t *testing.T) {
	var changes atomic.Int64
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, func(cfg *DrivesConfig) {
		cfg.OnChange = func() { changes.Add(1) }
	})
	reported(t, r.drive(t, "sda"))
	if n := changes.Load(); n < 2 {
		t.Errorf("%d changes, want one of the list and one of the report", n)
	}
	drives, err := r.Known()
	if err != nil || len(drives) != 1 || drives[0].Label() != "sda" {
		t.Errorf("known: %v, %v", drives, err)
	}
	r.Close()
	if drives, err := r.Known(); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("after the end: %v, %v", drives, err)
	}
}

// Why there is no list is known without waiting for one.
func TestKnownSaysWhyNot(t *testing.T) {
	for name, once := range map[string]bool{"scanned again and again": false, "scanned once": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, f := faketest.New(t)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			r := newRigAt(t, path, f, cachestore.NewMemory(), func(cfg *DrivesConfig) { cfg.ScanOnce = once })
			eventually(t, "the reason is known", func() bool {
				_, err := r.Known()
				return errors.Is(err, smartctl.ErrNotInstalled)
			})
		})
	}
}
