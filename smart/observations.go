package smart

import (
	"errors"
	"sync/atomic"

	"storage_exporter/cache"
)

// Observations counts how the observations of a drive ended. That of a sleeping drive,
// which is not woken, is a success.
type Observations struct{ Successes, Failures uint64 }

// tally counts the observations of one drive.
type tally struct{ successes, failures atomic.Uint64 }

func (t *tally) add(err error) {
	if err != nil && !errors.Is(err, cache.ErrNothing) {
		t.failures.Add(1)
	} else {
		t.successes.Add(1)
	}
}

func (t *tally) read() Observations { return Observations{t.successes.Load(), t.failures.Load()} }
