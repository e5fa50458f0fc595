package smart

import (
	"context"
	"errors"
	"strings"

	"storage_exporter/cache"
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
	refused := (*ReportError)(nil)
	switch {
	case err == nil, errors.Is(err, cache.ErrNothing), errors.Is(err, cache.ErrClosed):
		return ""
	case errors.Is(err, ErrNotInstalled):
		return TroubleNotInstalled
	case errors.Is(err, ErrNoSuchDevice):
		return TroubleNotFound
	case errors.Is(err, ErrPermission):
		return TroublePermission
	case errors.Is(err, cache.ErrStuck):
		return TroubleStuck
	case errors.Is(err, cache.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return TroubleTimeout
	case errors.Is(err, ErrBadOutput):
		return TroubleBadOutput
	case errors.As(err, &refused) && refused.noSMART():
		return TroubleNoSMART
	case errors.Is(err, ErrNoReport):
		return TroubleOpenFailed
	}
	return TroubleOther
}

// noSMART says that smartctl found no drive that it could talk to behind a
// device that is there, in the words that it has for that.
func (e *ReportError) noSMART() bool {
	for _, words := range []string{
		"Unable to detect device type", "please specify device type", "Unknown USB bridge", "Unsupported USB bridge",
		"lacks SMART capability", "RAID volume", "DELL or MegaRaid controller",
	} {
		if strings.Contains(e.Message, words) {
			return true
		}
	}
	return false
}

// WithoutSMART says that a drive was read and has no SMART, or has it switched
// off, by its own account.
func (r *Report) WithoutSMART() bool {
	return r.SMARTAvailable != nil && !*r.SMARTAvailable || r.SMARTEnabled != nil && !*r.SMARTEnabled
}
