package collector

import (
	"sync/atomic"
	"testing"
)

// A panic goes on in the caller, once the others have ended.
func TestTogetherPassesAPanicOn(t *testing.T) {
	var ended atomic.Bool
	defer func() {
		if r := recover(); r != "index out of range" || !ended.Load() {
			t.Errorf("recovered %v, the other ended: %v", r, ended.Load())
		}
	}()
	together(func() { panic("index out of range") }, func() { ended.Store(true) })
	t.Error("no panic")
}
