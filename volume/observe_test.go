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
		if n := r.counts("v").Successes; n != 1 {
			t.Errorf("%v performance observations beside a probe that hangs", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if h := r.health("v"); h.Status != Offline || !strings.Contains(h.Info, "in time") {
			t.Errorf("hung: %+v", h)
		}
		// Its performance is observed all the same.
		time.Sleep(20 * time.Second)
		if n := r.counts("v").Successes; n < 2 {
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

func TestCounts(t *testing.T) {
	run(t, "", func(r *rig) {
		broken := errors.New("broken")
		r.apply(array("a", "https://x"), array("b", "https://x"))
		f := r.made[0]
		if got := r.counts("a"); got != (Counts{Observed: true, Successes: 1, Durations: [...]uint64{1, 1, 1, 1, 1, 1, 1}}) {
			t.Errorf("%+v at the start", got)
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
		ok := r.counts("a").Successes
		answer(ErrNoSample, broken)
		if r.counts("a").Successes <= ok || r.counts("a").Failures != 0 || r.counts("b").Failures == 0 {
			t.Error("no sample yet is a success, and one volume's failure not another's")
		}
		answer(ErrUnsupported, nil)
		if got := r.counts("a"); got != (Counts{}) {
			t.Errorf("unsupported, it has %+v", got)
		}
		answer(broken, nil)
		if r.counts("a").Failures == 0 {
			t.Error("supported again, its failures are not counted")
		}
		before := r.counts("b")
		f.set(func() {
			f.performance = func(ctx context.Context) (map[string]Result[Performance], error) {
				<-ctx.Done()
				time.Sleep(time.Second) // returns after it was given up
				return each(f, Performance{}), nil
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		b := r.counts("b")
		if b.Failures <= before.Failures {
			t.Error("a timeout is not counted as a failure")
		}
		late := b.Failures - before.Failures
		if b.Durations[len(b.Durations)-1] != before.Durations[len(b.Durations)-1]+late || b.Durations[2] != before.Durations[2] || b.Seconds < before.Seconds+5 {
			t.Errorf("%d timeouts of 5 s and more made %+v of %+v", late, b, before)
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
		if got, want := r.counts("a").Transitions, [...]uint64{1, 1, 1, 0}; got != want { // the first state is no change
			t.Errorf("%v of %v, want %v", got, Found, want)
		}
	})
}
