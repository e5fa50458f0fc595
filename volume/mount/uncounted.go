package mount

import (
	"errors"
	"log/slog"
	"strings"
	"sync"

	"storage_exporter/volume"
)

// Uncounted remembers why the client of a mount has no performance figures, to
// log it once and to tell it with the health.
type Uncounted struct {
	log *slog.Logger

	mu  sync.Mutex // guards why
	why string     // "" when there are figures
}

// NewUncounted is for a backend's volumes at a path.
func NewUncounted(backend, path string, logger *slog.Logger) *Uncounted {
	return &Uncounted{log: logger.With("backend", backend, "path", path)}
}

// Tell takes what came of reading the counters. Only that they are not there is
// of interest: anything else is a failure, and counted as one.
func (u *Uncounted) Tell(err error) {
	why := ""
	switch {
	case err == nil, errors.Is(err, volume.ErrNoSample):
	case errors.Is(err, volume.ErrUnsupported):
		why = strings.TrimSuffix(err.Error(), ": "+volume.ErrUnsupported.Error())
	default:
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if why != "" && why != u.why {
		u.log.Warn("volume has no performance figures", "err", why)
	}
	u.why = why
}

// Why says why there are no figures; empty when there are.
func (u *Uncounted) Why() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.why
}
