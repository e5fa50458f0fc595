package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThresholds(t *testing.T) {
	c := load(t, "[smart.thresholds]\npending_sectors = 8\ntemperature = 57.5\nsmart_status = \"off\"\nmedia_errors = -1\nspin_retries = \"Off\"\n", Options{
		Overrides: []Override{{Flag: "--x", Key: "smart.thresholds.grown_defects", Values: []string{"3"}}, {Flag: "--y", Key: "smart.thresholds.endurance_used", Values: []string{"off"}}},
	})
	want := map[string]float64{
		"pending_sectors": 8, "temperature": 57.5, "smart_status": ThresholdOff, "media_errors": ThresholdOff, "spin_retries": ThresholdOff,
		"grown_defects": 3, "endurance_used": ThresholdOff,
	}
	if diff := cmp.Diff(want, c.Smart.Thresholds); diff != "" {
		t.Errorf("thresholds (-want +got):\n%s", diff)
	}
}
