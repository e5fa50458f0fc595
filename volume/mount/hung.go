package mount

import (
	"errors"

	"storage_exporter/internal/hang"
)

// ErrHung says that a call into a mount has not come back.
var ErrHung = errors.New("the mount hangs")

// ErrTooManyHung says that too many mounts hang to ask another.
var ErrTooManyHung = errors.New("too many mounts hang: no further one is asked")

// newGuard makes the guard of a host's mounts. onHung may be nil.
func newGuard(onHung func(delta int)) *hang.Guard {
	return hang.NewGuard(hang.Config{Hung: ErrHung, TooMany: ErrTooManyHung, OnHung: func(_ string, delta int) {
		if onHung != nil {
			onHung(delta)
		}
	}})
}
