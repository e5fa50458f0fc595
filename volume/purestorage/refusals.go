package purestorage

import (
	"sync"
	"time"
)

// again is how long an object that was refused is left out.
const again = 5 * time.Minute

// object is a file system's traffic by one protocol. What is known of the file
// system itself has no protocol.
type object struct{ fs, protocol string }

// refusals are the objects that the array refused. One such name makes it refuse
// the whole call, so that it would hide all others.
type refusals struct {
	mu      sync.Mutex // guards the field below
	objects map[object]refusal
}

type refusal struct {
	err   error
	until time.Time
}

func newRefusals() *refusals { return &refusals{objects: map[object]refusal{}} }

// of says why an object is not to be asked for now; nil when it may.
func (r *refusals) of(o object) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if was, ok := r.objects[o]; ok && time.Now().Before(was.until) {
		return was.err
	}
	delete(r.objects, o)
	return nil
}

func (r *refusals) add(o object, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[o] = refusal{err, time.Now().Add(again)}
}
