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
