package hang

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errHung, errTooMany = errors.New("it hangs"), errors.New("too many hang")

func newGuard(onHung func(delta int)) *Guard {
	return NewGuard(Config{Hung: errHung, TooMany: errTooMany, OnHung: func(_ string, delta int) { onHung(delta) }})
}

func within1s(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestGuardAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(func(int) { t.Error("something hung") })
		wrong := errors.New("wrong")
		got, err := Do(within1s(t), g, "m", func() (int, error) { time.Sleep(999 * time.Millisecond); return 7, wrong })
		if got != 7 || !errors.Is(err, wrong) {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

func TestGuardHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hung, calls atomic.Int64
		g := newGuard(func(delta int) { hung.Add(int64(delta)) })
		comeBack := make(chan struct{})
		call := func() (int, error) { calls.Add(1); <-comeBack; return 1, nil }

		start := time.Now()
		if _, err := Do(within1s(t), g, "m", call); !errors.Is(err, errHung) {
			t.Fatalf("got %v", err)
		}
		if elapsed := time.Since(start); elapsed != time.Second {
			t.Errorf("gave up after %v", elapsed)
		}
		for range 1000 { // refused at once, and nothing is started
			if _, err := Do(within1s(t), g, "m", call); !errors.Is(err, errHung) {
				t.Fatalf("got %v", err)
			}
		}
		if time.Since(start) != time.Second || calls.Load() != 1 || hung.Load() != 1 || g.hung != 1 {
			t.Errorf("%v later: %d calls, %d hang", time.Since(start), calls.Load(), hung.Load())
		}
		if _, err := Do(within1s(t), g, "other", func() (int, error) { return 1, nil }); err != nil {
			t.Errorf("another mount: %v", err)
		}
		close(comeBack)
		synctest.Wait()
		if hung.Load() != 0 || g.hung != 0 {
			t.Errorf("%d hang after the call came back", hung.Load())
		}
		if got, err := Do(within1s(t), g, "m", call); got != 1 || err != nil {
			t.Errorf("after it came back: %d, %v", got, err)
		}
		if len(g.calls) != 0 {
			t.Errorf("%d calls are remembered", len(g.calls))
		}
	})
}

// Those who come while a call is in time wait for it, and then make their own.
func TestGuardQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(func(int) {})
		var now, most, done atomic.Int64
		for range 5 {
			go func() {
				_, err := Do(within1s(t), g, "m", func() (int, error) {
					most.Store(max(most.Load(), now.Add(1)))
					time.Sleep(100 * time.Millisecond)
					now.Add(-1)
					return 0, nil
				})
				if err == nil {
					done.Add(1)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(time.Second)
		if most.Load() != 1 || done.Load() != 5 {
			t.Errorf("%d calls at once, %d done", most.Load(), done.Load())
		}
	})
}

// Waiting for one that then hangs ends with the waiter's own time.
func TestGuardQueueBehindHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hung atomic.Int64
		g := newGuard(func(delta int) { hung.Add(int64(delta)) })
		comeBack := make(chan struct{})
		for range 3 {
			go func() {
				if _, err := Do(within1s(t), g, "m", func() (int, error) { <-comeBack; return 0, nil }); !errors.Is(err, errHung) {
					t.Errorf("got %v", err)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		if hung.Load() != 1 {
			t.Errorf("one call that hangs was counted %d times", hung.Load())
		}
		close(comeBack)
	})
}

// A caller that is cancelled leaves its call behind; that is no hung mount, unless
// somebody else waits for it in vain.
func TestGuardCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hung atomic.Int64
		g := newGuard(func(delta int) { hung.Add(int64(delta)) })
		comeBack := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if _, err := Do(ctx, g, "m", func() (int, error) { <-comeBack; return 0, nil }); !errors.Is(err, context.Canceled) || errors.Is(err, errHung) {
			t.Errorf("cancelled: %v", err)
		}
		if _, err := Do(ctx, g, "m", func() (int, error) { t.Error("called after the end"); return 0, nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end: %v", err)
		}
		if hung.Load() != 0 {
			t.Error("cancelled counts as hung")
		}
		if _, err := Do(within1s(t), g, "m", func() (int, error) { return 0, nil }); !errors.Is(err, errHung) || hung.Load() != 1 {
			t.Errorf("behind it: %v, %d hang", err, hung.Load())
		}
		close(comeBack)
		synctest.Wait()
		if hung.Load() != 0 {
			t.Error("it came back and still counts")
		}
	})
}

// Who has less time than the caller before does not make a slow call a hung one.
func TestGuardImpatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(func(int) { t.Error("a slow call counts as hung") })
		go func() {
			time.Sleep(time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := Do(ctx, g, "m", func() (int, error) { return 0, nil }); !errors.Is(err, errHung) {
				t.Errorf("the impatient one: %v", err)
			}
		}()
		if _, err := Do(within1s(t), g, "m", func() (int, error) { time.Sleep(500 * time.Millisecond); return 0, nil }); err != nil {
			t.Errorf("the slow one: %v", err)
		}
	})
}

// Who waits is told as soon as the call before is known to hang.
func TestGuardTellsWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(func(int) {})
		comeBack := make(chan struct{})
		start := time.Now()
		go func() {
			_, _ = Do(within1s(t), g, "m", func() (int, error) { <-comeBack; return 0, nil })
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := Do(ctx, g, "m", func() (int, error) { return 0, nil }); !errors.Is(err, errHung) || time.Since(start) != time.Second {
			t.Errorf("told %v after %v", err, time.Since(start))
		}
		close(comeBack)
	})
}

func TestGuardLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(func(int) {})
		comeBack := make(chan struct{})
		for i := range maxHung {
			if _, err := Do(within1s(t), g, fmt.Sprint(i), func() (int, error) { <-comeBack; return 0, nil }); !errors.Is(err, errHung) {
				t.Fatal(err)
			}
		}
		if _, err := Do(within1s(t), g, "one more", func() (int, error) { return 0, nil }); !errors.Is(err, errTooMany) {
			t.Errorf("got %v", err)
		}
		close(comeBack)
		synctest.Wait()
		if _, err := Do(within1s(t), g, "one more", func() (int, error) { return 0, nil }); err != nil {
			t.Errorf("after they came back: %v", err)
		}
	})
}
