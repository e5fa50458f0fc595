package smart

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"storage_exporter/cache"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/smart/smartctl"
)

func TestTroubleOf(t *testing.T) {
	refused := func(message string) error {
		return fmt.Errorf("smart sda: %w", &smartctl.ReportError{Device: "/dev/sda", Type: smartctl.Auto, Message: message, ExitStatus: report.ExitOpen})
	}
	tests := []struct {
		err  error
		want Trouble
	}{
		{nil, ""},
		{ErrAsleep, ""},
		{cache.ErrClosed, ""},
		{fmt.Errorf("x: %w", smartctl.ErrNotInstalled), TroubleNotInstalled},
		{refused("Smartctl open device: /dev/sda failed: No such device"), TroubleNotFound},
		{refused("Smartctl open device: /dev/sda failed: Permission denied"), TroublePermission},
		{refused("Smartctl open device: /dev/sda failed: Operation not permitted"), TroublePermission},
		{refused("/dev/sda: Unable to detect device type"), TroubleNoSMART},
		{refused("/dev/sdb: Unknown USB bridge [0x1234:0x5678 (0x100)]"), TroubleNoSMART},
		{refused("Smartctl open device: /dev/sda failed: DELL or MegaRaid controller, please try adding '-d megaraid,N'"), TroubleNoSMART},
		{refused("Read Device Identity failed: Input/output error"), TroubleOpenFailed},
		{refused(""), TroubleOpenFailed},
		{fmt.Errorf("%w after 20s", cache.ErrTimeout), TroubleTimeout},
		{fmt.Errorf("%w: %w", cache.ErrTimeout, report.ErrBadOutput), TroubleTimeout},
		{context.DeadlineExceeded, TroubleTimeout},
		{cache.ErrStuck, TroubleStuck},
		{fmt.Errorf("x: %w", report.ErrBadOutput), TroubleBadOutput},
		{errors.New("fork: no more processes"), TroubleOther},
	}
	for _, tt := range tests {
		if got := troubleOf(tt.err); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}

// A drive that fails is distinguished from one that sleeps, also while its last report
// is still shown.
func TestDriveTrouble(t *testing.T) {
	r := newRig(t, []fleet.Drive{fleet.ATA("/dev/sda", 1, 2)}, func(c *DrivesConfig) { c.TTL = time.Minute })
	d := r.drive(t, "sda")
	reported(t, d)
	if got := d.Trouble(nil); got != "" {
		t.Errorf("a drive that is well is in trouble: %s", got)
	}
	broken := fleet.ATA("/dev/sda", 1, 2)
	broken.Exit = report.ExitOpen
	if err := r.fleet.Put(broken); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it cannot be opened", func() bool { return d.Trouble(nil) == TroubleOpenFailed })
	reported(t, d) // still
	asleep := fleet.ATA("/dev/sda", 1, 2)
	asleep.PowerMode = "STANDBY"
	if err := r.fleet.Put(asleep); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it sleeps", func() bool { return d.Trouble(nil) == "" })
	if got := d.Assess(reported(t, d).Value).Verdict; got == assess.Unknown {
		t.Error("a sleeping drive lost its last assessment")
	}
}
