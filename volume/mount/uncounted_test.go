package mount

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"storage_exporter/internal/logtest"
	"storage_exporter/volume"
)

// It is logged when it is new; a failure says nothing about it.
func TestUncounted(t *testing.T) {
	var log logtest.Buffer
	u := NewUncounted("cephfs", "/data", slog.New(slog.NewTextHandler(&log, nil)))
	none := fmt.Errorf("debugfs is not mounted: %w", volume.ErrUnsupported)
	for i, step := range []struct {
		err  error
		why  string
		logs int
	}{
		{nil, "", 0}, {volume.ErrNoSample, "", 0}, {none, "debugfs is not mounted", 1}, {none, "debugfs is not mounted", 1},
		{errors.New("out of memory"), "debugfs is not mounted", 1}, {none, "debugfs is not mounted", 1},
		{volume.ErrNoSample, "", 1}, {none, "debugfs is not mounted", 2}, {nil, "", 2},
	} {
		u.Note(step.err)
		if why, logs := u.Why(), strings.Count(log.String(), "\n"); why != step.why || logs != step.logs {
			t.Errorf("%d: %q after %d lines, not %q after %d", i, why, logs, step.why, step.logs)
		}
	}
	if line, _, _ := strings.Cut(log.String(), "\n"); !strings.Contains(line, "backend=cephfs path=/data") {
		t.Error(line)
	}
}
