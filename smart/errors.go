package smart

import (
	"errors"
	"fmt"

	"storage_exporter/cache"
)

var (
	// ErrNotScanned says that the first scan for drives has not ended.
	ErrNotScanned = errors.New("the drives are not known yet: the first scan is under way")
	// ErrUnknownDrive says that no monitored drive has the label.
	ErrUnknownDrive = errors.New("unknown drive")
	// ErrAsleep says that a drive sleeps and was never read before, so that
	// there is no document of it. It is no failure.
	ErrAsleep = fmt.Errorf("the drive sleeps and was not read before: %w", cache.ErrNothing)
)
