package cachestore

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestMemorySweep shows that what expired is given back long before the
// limits are reached, and that the bytes add up.
func TestMemorySweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		for i := range 100 {
			if err := m.Set(t.Context(), SetItem{Key: fmt.Sprint(i), Value: make([]byte, 1000), TTL: time.Second}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(sweepInterval)
		if err := m.Set(t.Context(), SetItem{Key: "new", Value: make([]byte, 1000), TTL: time.Second}); err != nil {
			t.Fatal(err)
		}
		if want := int64(len("new") + 1000 + recordOverhead); len(m.records) != 1 || m.bytes != want {
			t.Errorf("%d records of %d bytes, want 1 of %d", len(m.records), m.bytes, want)
		}
	})
}
