package purestorage

import (
	"sync"
	"time"
)

// again is how long a name that was refused is left out.
const again = 5 * time.Minute

// refusals are the names that the array refused. One such name makes it refuse
// the whole call, so that it would hide all others.
type refusals struct {
	mu    sync.Mutex // guards the field below
	names map[string]refusal
}

type refusal struct {
	err   error
	until time.Time
}

func newRefusals() *refusals { return &refusals{names: map[string]refusal{}} }

// of says why a name is not to be asked for now; nil when it may.
func (r *refusals) of(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if was, ok := r.names[name]; ok && time.Now().Before(was.until) {
		return was.err
	}
	delete(r.names, name)
	return nil
}

func (r *refusals) add(name string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[name] = refusal{err, time.Now().Add(again)}
}
