package volume

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cache"
)

func TestHealthOfErrors(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	tests := []struct {
		name   string
		health func(context.Context) (map[string]Result[Health], error)
		status Status
	}{
		{"refused", func(context.Context) (map[string]Result[Health], error) { return nil, refused }, Offline},
		{"401", func(context.Context) (map[string]Result[Health], error) { return nil, errors.New("401") }, Unavailable},
		{"no such name", func(context.Context) (map[string]Result[Health], error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}, Unavailable},
		{"obeys the deadline", func(ctx context.Context) (map[string]Result[Health], error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, Offline},
		{"the volume's own error", func(context.Context) (map[string]Result[Health], error) {
			return map[string]Result[Health]{"a": {Err: refused}}, nil
		}, Offline},
		{"left out", func(context.Context) (map[string]Result[Health], error) { return nil, nil }, Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, "", func(r *rig) {
				r.prepare = func(f *fake) { f.health = tt.health }
				r.apply(array("a", "https://x"))
				time.Sleep(29 * time.Second)
				if h := r.health("a"); h.Status != tt.status || h.Info == "" || h.Backend != "array" {
					t.Errorf("%+v, want %s", h, tt.status)
				}
			})
		})
	}
}

// A Backend that does not even obey its deadline is offline as soon as that has
// passed, and what it says in the end counts again.
func TestHealthOfHung(t *testing.T) {
	run(t, "", func(r *rig) {
		answer := make(chan struct{})
		r.prepare = func(f *fake) {
			f.health = func(context.Context) (map[string]Result[Health], error) {
				<-answer
				return each(f, Health{Status: Degraded, Info: "slow"}), nil
			}
		}
		r.apply(Config{Name: "v", Backend: "local", Path: "/v"})
		time.Sleep(4 * time.Second)
		if n := r.observations("v", "success"); n != 1 {
			t.Errorf("%v performance observations beside a probe that hangs", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if h := r.health("v"); h.Status != Offline || !strings.Contains(h.Info, "in time") {
			t.Errorf("hung: %+v", h)
		}
		// Its performance is observed all the same.
		time.Sleep(20 * time.Second)
		if n := r.observations("v", "success"); n < 2 {
			t.Errorf("%v performance observations behind a hung probe", n)
		}
		close(answer)
		synctest.Wait()
		if h := r.health("v"); h.Status != Degraded {
			t.Errorf("returned: %+v", h)
		}
	})
}

func TestShutdownIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.apply(array("a", "https://x"))
		entry := r.Volume("a").Health
		r.made[0].set(func() {
			r.made[0].health = func(ctx context.Context) (map[string]Result[Health], error) {
				<-ctx.Done() // as a mount that does not answer in time
				return each(r.made[0], Health{Status: Offline}), nil
			}
		})
		time.Sleep(31 * time.Second) // a check is under way
		if err := errors.Join(r.Close(context.Background()), r.cache.Close(context.Background())); err != nil {
			t.Error(err)
		}
		if last, _ := entry.Last(); last.Value.Status != Healthy {
			t.Errorf("the shutdown made it %s", last.Value.Status)
		}
		if !r.made[0].closed {
			t.Error("the backend was not closed")
		}
		if err := r.Apply(nil); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("apply after close: %v", err)
		}
		_ = r.store.Close()
	})
}

func TestMetrics(t *testing.T) {
	run(t, "", func(r *rig) {
		broken := errors.New("broken")
		r.apply(array("a", "https://x"), array("b", "https://x"))
		f := r.made[0]
		if got := r.observations("a", "failure"); r.count("a") != 7 || got != 0 { // 2 counters, a histogram, 4 transitions
			t.Errorf("%d series, %v failures at the start", r.count("a"), got)
		}
		answer := func(a, b error) {
			f.set(func() {
				f.performance = func(context.Context) (map[string]Result[Performance], error) {
					results := each(f, Performance{})
					results["a"], results["b"] = Result[Performance]{Err: a}, Result[Performance]{Err: b}
					return results, nil
				}
			})
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		ok := r.observations("a", "success")
		answer(ErrNoSample, broken)
		if r.observations("a", "success") <= ok || r.observations("a", "failure") != 0 || r.observations("b", "failure") == 0 {
			t.Error("no sample yet is a success, and one volume's failure not another's")
		}
		answer(ErrUnsupported, nil)
		if n := r.count("a"); n != 4 {
			t.Errorf("unsupported, it has %d series", n)
		}
		answer(broken, nil)
		if r.observations("a", "failure") == 0 {
			t.Error("supported again, its failures are not counted")
		}
		failures := r.observations("b", "failure")
		f.set(func() {
			f.performance = func(ctx context.Context) (map[string]Result[Performance], error) {
				<-ctx.Done()
				time.Sleep(time.Second) // returns after it was given up
				return each(f, Performance{}), nil
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.observations("b", "failure") <= failures {
			t.Error("a timeout is not counted as a failure")
		}
		lint, err := testutil.GatherAndLint(r.reg)
		if err != nil || len(lint) != 0 {
			t.Errorf("%v, %v", lint, err)
		}
	})
}

func TestTransitions(t *testing.T) {
	run(t, "", func(r *rig) {
		r.apply(array("a", "https://x"))
		f := r.made[0]
		become := func(status Status) {
			f.set(func() {
				f.health = func(context.Context) (map[string]Result[Health], error) { return each(f, Health{Status: status}), nil }
			})
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		for _, status := range []Status{Healthy, Degraded, Degraded, Offline, Healthy} {
			become(status)
		}
		const want = `
# HELP backendai_storage_volume_health_transitions_total Changes of the volume's health that this process saw, by the new status.
# TYPE backendai_storage_volume_health_transitions_total counter
backendai_storage_volume_health_transitions_total{status="degraded",volume="a"} 1
backendai_storage_volume_health_transitions_total{status="healthy",volume="a"} 1
backendai_storage_volume_health_transitions_total{status="offline",volume="a"} 1
backendai_storage_volume_health_transitions_total{status="unavailable",volume="a"} 0
`
		if err := testutil.GatherAndCompare(r.reg, strings.NewReader(want), "backendai_storage_volume_health_transitions_total"); err != nil {
			t.Error(err)
		}
	})
}
