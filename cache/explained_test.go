package cache

import (
	"context"
	"errors"
	"fmt"
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

// What many sources fail with at once is one line of the log, and so is its end.
func TestManyFailAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logtest.Buffer
		var works atomic.Bool
		c := New(Config{
			Store: newFaultyStore(), Observer: "test", Metrics: NewMetrics(prometheus.NewRegistry()),
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})),
		})
		for i := range 30 {
			s := c.NewSource(SourceConfig{
				Kind: "smart", Name: fmt.Sprintf("sd%02d", i), Origin: "o", Interval: 10 * time.Second, Timeout: time.Second,
				Observe: func(context.Context, *Round) error {
					if works.Load() || i == 29 {
						return nil
					}
					return errors.New("no smartctl")
				},
			})
			Add[int](s, s.cfg.Name, time.Minute)
			s.Start()
		}
		time.Sleep(time.Minute)
		works.Store(true)
		time.Sleep(100 * time.Second)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		failed, again := strings.Count(log.String(), "observation failed"), strings.Count(log.String(), "works again")
		if failed != 1 || again > 10 || !strings.Contains(log.String(), `name="sd00, sd01, sd02 and 26 more" kind=smart err="no smartctl"`) {
			t.Errorf("%d failed, %d work again:\n%s", failed, again, &log)
		}
	})
}
