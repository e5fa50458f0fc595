package observed

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
)

func TestHealthOfErrors(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	tests := []struct {
		name   string
		health func(context.Context) (map[string]volume.Result[volume.Health], error)
		status volume.Status
	}{
		{"refused", func(context.Context) (map[string]volume.Result[volume.Health], error) { return nil, refused }, volume.Offline},
		{"401", func(context.Context) (map[string]volume.Result[volume.Health], error) { return nil, errors.New("401") }, volume.Unavailable},
		{"no such name", func(context.Context) (map[string]volume.Result[volume.Health], error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}, volume.Unavailable},
		{"obeys the deadline", func(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, volume.Offline},
		{"the volume's own error", func(context.Context) (map[string]volume.Result[volume.Health], error) {
			return map[string]volume.Result[volume.Health]{"a": {Err: refused}}, nil
		}, volume.Offline},
		{"left out", func(context.Context) (map[string]volume.Result[volume.Health], error) { return nil, nil }, volume.Unavailable},
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

// What a Backend has heard is shown without what does not print, whatever else of it.
func TestHealthIsPrintable(t *testing.T) {
	run(t, "", func(r *rig) {
		facts := map[string]string{"source": "//server/\u202eerahs", "options": "rw"}
		r.prepare = func(f *fake) {
			f.health = func(context.Context) (map[string]volume.Result[volume.Health], error) {
				return each(f, volume.Health{Status: volume.Degraded, Info: "a node\x1b[31m is\ndown", Metadata: facts}), nil
			}
		}
		r.apply(array("a", "https://x"))
		time.Sleep(time.Second)
		h := r.health("a")
		if h.Info != "a node[31m is down" || h.Metadata["source"] != "//server/erahs" || h.Metadata["options"] != "rw" {
			t.Errorf("%+v", h)
		}
		if !strings.Contains(facts["source"], "\u202e") {
			t.Error("the Backend's own map was changed")
		}
	})
}

// A Backend that does not even obey its deadline is offline as soon as that has
// passed, and what it says in the end counts again.
func TestHealthOfHung(t *testing.T) {
	run(t, "", func(r *rig) {
		answer := make(chan struct{})
		r.prepare = func(f *fake) {
			f.health = func(context.Context) (map[string]volume.Result[volume.Health], error) {
				<-answer
				return each(f, volume.Health{Status: volume.Degraded, Info: "slow"}), nil
			}
		}
		r.apply(volume.Config{Name: "v", Backend: "local", Path: "/v"})
		time.Sleep(4 * time.Second)
		if n := r.counts("v").Successes; n != 1 {
			t.Errorf("%v performance observations beside a probe that hangs", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if h := r.health("v"); h.Status != volume.Offline || !strings.Contains(h.Info, ": health: no answer within ") {
			t.Errorf("hung: %+v", h)
		}
		// Its performance is observed all the same.
		time.Sleep(20 * time.Second)
		if n := r.counts("v").Successes; n < 2 {
			t.Errorf("%v performance observations behind a hung probe", n)
		}
		close(answer)
		synctest.Wait()
		if h := r.health("v"); h.Status != volume.Degraded {
			t.Errorf("returned: %+v", h)
		}
	})
}

func TestShutdownIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.apply(array("a", "https://x"))
		entry := r.Volume("a").healthPut
		r.made[0].set(func() {
			r.made[0].health = func(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
				<-ctx.Done() // as a mount that does not answer in time
				return each(r.made[0], volume.Health{Status: volume.Offline}), nil
			}
		})
		time.Sleep(31 * time.Second) // a check is under way
		if err := errors.Join(r.Close(context.Background()), r.cache.Close(context.Background())); err != nil {
			t.Error(err)
		}
		if last, _ := entry.Last(); last.Value.Status != volume.Healthy {
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
				f.performance = func(context.Context) (map[string]volume.Result[volume.Performance], error) {
					results := each(f, volume.Performance{})
					results["a"], results["b"] = volume.Result[volume.Performance]{Err: a}, volume.Result[volume.Performance]{Err: b}
					return results, nil
				}
			})
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		ok := r.counts("a").Successes
		answer(volume.ErrNoSample, broken)
		if r.counts("a").Successes <= ok || r.counts("a").Failures != 0 || r.counts("b").Failures == 0 {
			t.Error("no sample yet is a success, and one volume's failure not another's")
		}
		answer(volume.ErrUnsupported, nil)
		if got := r.counts("a"); got != (Counts{}) {
			t.Errorf("unsupported, it has %+v", got)
		}
		answer(broken, nil)
		if r.counts("a").Failures == 0 {
			t.Error("supported again, its failures are not counted")
		}
		before := r.counts("b")
		f.set(func() {
			f.performance = func(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
				<-ctx.Done()
				time.Sleep(time.Second) // returns after it was given up
				return each(f, volume.Performance{}), nil
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

// Each health that was observed here is handed on, and the changes that were found are
// counted.
func TestTransitions(t *testing.T) {
	run(t, "", func(r *rig) {
		var seen []volume.Status
		r.cfg.OnHealth = func(name string, ofHost bool, h cache.Snapshot[volume.Health]) {
			if name != "a" || ofHost || !h.Mine {
				t.Errorf("%s, %t, %+v", name, ofHost, h)
			}
			seen = append(seen, h.Value.Status)
		}
		r.apply(array("a", "https://x"))
		f := r.made[0]
		for _, status := range []volume.Status{volume.Healthy, volume.Degraded, volume.Degraded, volume.Offline, volume.Healthy} {
			f.set(func() {
				f.health = func(context.Context) (map[string]volume.Result[volume.Health], error) {
					return each(f, volume.Health{Status: status}), nil
				}
			})
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if got := slices.Compact(seen); !slices.Equal(got, []volume.Status{volume.Healthy, volume.Degraded, volume.Offline, volume.Healthy}) {
			t.Errorf("handed on %v", got)
		}
		r.Transitioned("a", volume.Offline)
		r.Transitioned("a", volume.Unknown)
		r.Transitioned("b", volume.Offline)
		if got, want := r.counts("a").Transitions, [...]uint64{0, 0, 1, 0}; got != want {
			t.Errorf("%v of %v, want %v", got, Found, want)
		}
	})
}
