package cache

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/internal/logtest"
)

// A failure that the log explains elsewhere is no warning of its own; one that begins
// to lack an explanation is, once, and then its end is told.
func TestExplainedFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logtest.Buffer
		var explained, works atomic.Bool
		explained.Store(true)
		c := New(Config{
			Store: newFaultyStore(), Observer: "test", Metrics: NewMetrics(prometheus.NewRegistry()),
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})),
		})
		s := c.NewSource(SourceConfig{
			Kind: "usage", Name: "v", Origin: "o", Interval: 10 * time.Second, Timeout: time.Second, Explained: explained.Load,
			Observe: func(context.Context, *Round) error {
				if works.Load() {
					return nil
				}
				return errors.New("broken")
			},
		})
		Add[int](s, "k", time.Minute)
		s.Start()
		for _, step := range []struct {
			explained, works bool
			failed, again    int // lines by then
		}{{true, false, 0, 0}, {false, false, 1, 0}, {true, false, 1, 0}, {true, true, 1, 1}, {true, false, 1, 1}, {true, true, 1, 1}} {
			explained.Store(step.explained)
			works.Store(step.works)
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			text := log.String()
			if strings.Count(text, "observation failed") != step.failed || strings.Count(text, "works again") != step.again {
				t.Errorf("%+v: %s", step, text)
			}
		}
		s.Close()
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
