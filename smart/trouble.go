package smart

import (
	"context"
	"errors"

	"storage_exporter/cache"
	"storage_exporter/smart/report"
	"storage_exporter/smart/smartctl"
)

// Trouble is why a drive has no new report, or one that says nothing of its health.
type Trouble string

// The troubles. A sleeping drive is in none.
const (
	TroubleNotInstalled Trouble = "not_installed" // smartctl cannot be run
	TroubleNotFound     Trouble = "not_found"     // there is no such device (any more)
	TroublePermission   Trouble = "permission"    // the exporter may not open it
	TroubleTimeout      Trouble = "timeout"       // smartctl did not end in time
	TroubleStuck        Trouble = "stuck"         // nor when it was killed; none is started until it does
	TroubleNoSMART      Trouble = "no_smart"      // it answers, but not as a drive with SMART
	TroubleOpenFailed   Trouble = "open_failed"   // it could not be opened or identified otherwise
	TroubleBadOutput    Trouble = "bad_output"    // smartctl printed something else
	TroubleOther        Trouble = "other"
)

// Trouble is the trouble that the drive is in after its last observation: err is
// what reading its report gave. It is empty for a drive that was read, that
// sleeps, or that was not observed yet.
func (d *Drive) Trouble(err error) Trouble {
	if err == nil {
		// What is shown may be an older report than the last attempt's.
		err = d.Report.Err()
	}
	return troubleOf(err)
}

func troubleOf(err error) Trouble {
	refused := (*smartctl.ReportError)(nil)
	switch {
	case err == nil, errors.Is(err, cache.ErrNothing), errors.Is(err, cache.ErrClosed):
		return ""
	case errors.Is(err, smartctl.ErrNotInstalled):
		return TroubleNotInstalled
	case errors.Is(err, smartctl.ErrNoSuchDevice):
		return TroubleNotFound
	case errors.Is(err, smartctl.ErrPermission):
		return TroublePermission
	case errors.Is(err, cache.ErrStuck):
		return TroubleStuck
	case errors.Is(err, cache.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return TroubleTimeout
	case errors.Is(err, report.ErrBadOutput):
		return TroubleBadOutput
	case errors.As(err, &refused) && refused.NoSMART():
		return TroubleNoSMART
	case errors.Is(err, smartctl.ErrNoReport):
		return TroubleOpenFailed
	}
	return TroubleOther
}
