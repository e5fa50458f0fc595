package observed

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/internal/logtest"
	"storage_exporter/volume"
)

// Many volumes of an appliance that is dead are one line.
func TestOneLineForManyVolumes(t *testing.T) {
	run(t, "", func(r *rig) {
		var log logtest.Buffer
		r.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		dead := func(f *fake) func(context.Context) (map[string]volume.Result[volume.Health], error) {
			return func(context.Context) (map[string]volume.Result[volume.Health], error) {
				return nil, fmt.Errorf("array: %w", context.DeadlineExceeded)
			}
		}
		r.prepare = func(f *fake) { f.health = dead(f) }
		var cfgs []volume.Config
		for i := range 500 {
			cfg := array(fmt.Sprintf("v%03d", i), "https://x")
			if i%2 > 0 {
				cfg.RequireMount = new(true)
				r.seen.Store(cfg.Name, volume.Mounted{Health: volume.Health{Status: volume.Offline, Info: cfg.Path + " is gone"}})
			}
			cfgs = append(cfgs, cfg)
		}
		r.apply(cfgs...)
		seen := 0
		expect := func(want string) {
			t.Helper()
			time.Sleep(35 * time.Second)
			synctest.Wait()
			if text := log.String()[seen:]; strings.Count(text, "\n") != 1 || !strings.Contains(text, want) {
				t.Errorf("%d lines, not one of %s: %.600s", strings.Count(text, "\n"), want, text)
			}
			seen = len(log.String())
		}
		expect(`level=WARN msg="volume is not healthy" volume="v000, v001, v002 and 497 more" status=offline`)
	})
}
