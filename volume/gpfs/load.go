package gpfs

import (
	"sync"
	"time"

	"storage_exporter/volume"
)

// loadLasts is how long a load that was measured says that a file system is in use.
const loadLasts = 2 * time.Minute

// load is when operations of each file system were measured last. Its calls may run
// at once.
type load struct {
	mu   sync.Mutex // guards last
	last map[string]time.Time
}

// note keeps what was measured just now.
func (l *load) note(fs string, did volume.Performance) {
	for _, ops := range []*float64{did.IOPSRead, did.IOPSWrite} {
		if ops != nil && *ops > 0 {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.last == nil {
				l.last = map[string]time.Time{}
			}
			l.last[fs] = time.Now()
			return
		}
	}
}

// now are the file systems that have a load.
func (l *load) now() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	loaded := map[string]bool{}
	for fs, at := range l.last {
		loaded[fs] = time.Since(at) <= loadLasts
	}
	return loaded
}
