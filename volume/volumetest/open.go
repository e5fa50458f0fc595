package volumetest

import (
	"log/slog"
	"testing"

	"storage_exporter/volume"
)

// Open makes the Backend of volumes, which are to share one. It closes with the
// test.
func Open[B volume.Backend](t testing.TB, kind volume.Kind, cfgs ...volume.Config) B {
	t.Helper()
	for _, cfg := range cfgs {
		if _, err := kind.Identify(cfg); err != nil {
			t.Fatal(err)
		}
	}
	b, err := kind.New(cfgs, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b.(B)
}
