package volume

import (
	"encoding/json"
	"testing"
)

// A state that is none, from a store, is garbage: it never becomes a label.
func TestStatusFromStore(t *testing.T) {
	var h Health
	if err := json.Unmarshal([]byte(`{"status":"on fire"}`), &h); err == nil {
		t.Errorf("read as %+v", h)
	}
	if err := json.Unmarshal([]byte(`{"status":"degraded"}`), &h); err != nil || h.Status != Degraded {
		t.Errorf("%+v, %v", h, err)
	}
}

// Of several limits the tightest counts, in whatever order they are compared.
func TestTighter(t *testing.T) {
	n := func(v uint64) *uint64 { return &v }
	order := []Usage{ // the tightest first
		{CapacityBytes: n(3), UsedBytes: n(2), AvailableBytes: n(1)},
		{CapacityBytes: n(9), UsedBytes: n(8), AvailableBytes: n(1)},
		{CapacityBytes: n(9), UsedBytes: n(7), AvailableBytes: n(1), Inodes: n(9), InodesUsed: n(8)},
		{CapacityBytes: n(9), UsedBytes: n(7), AvailableBytes: n(1)},
		{CapacityBytes: n(2), UsedBytes: n(0), AvailableBytes: n(2)},
		{CapacityBytes: n(7)},
		{InodesUsed: n(7)},
		{},
	}
	for i, u := range order {
		for j, other := range order {
			if u.Tighter(other) != (i < j) {
				t.Errorf("%d tighter than %d: %v", i, j, u.Tighter(other))
			}
		}
	}
}
