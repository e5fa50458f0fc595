package mount

import (
	"errors"
	"log/slog"
	"strings"
	"sync"

	"storage_exporter/volume"
)

// Uncounted keeps why the client of a mount has no performance figures. It is logged
// once, and shown with the health.
type Uncounted struct {
	log *slog.Logger

	mu  sync.Mutex // guards why
	why string     // "" when there are figures
}

// NewUncounted is for the volumes of a backend at a path.
func NewUncounted(backend, path string, logger *slog.Logger) *Uncounted {
	return &Uncounted{log: logger.With("backend", backend, "path", path)}
}

// Note takes the outcome of reading the counters. Only ErrUnsupported is kept: any
// other error is a failure, and counted as one.
func (u *Uncounted) Note(err error) {
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

// Why is why there are no figures; empty when there are.
func (u *Uncounted) Why() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.why
}
