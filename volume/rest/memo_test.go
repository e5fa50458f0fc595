package rest_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"storage_exporter/volume/rest"
)

func TestMemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fetched, fails := 0, error(nil)
		m := rest.NewMemo(5*minute, 20*minute, func(context.Context) (int, error) {
			fetched++
			time.Sleep(time.Second)
			return fetched, fails
		})
		expect := func(want, fetches int, age time.Duration) {
			t.Helper()
			got, at, err := m.Get(t.Context())
			if got != want || err != nil || fetched != fetches || time.Since(at) != age {
				t.Errorf("%d after %d, %v old, %v; not %d after %d, %v old", got, fetched, time.Since(at), err, want, fetches, age)
			}
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _, _, _ = m.Get(t.Context()) })
		}
		wg.Wait()
		if fetched != 1 || time.Since(start) != time.Second {
			t.Errorf("%d in %v", fetched, time.Since(start))
		}
		time.Sleep(4 * minute)
		expect(1, 1, 4*minute)
		time.Sleep(minute)
		expect(2, 2, 0)
		fails = errors.New("out of order")
		time.Sleep(5 * minute)
		expect(2, 3, 5*minute+time.Second)
		time.Sleep(20 * time.Second)
		expect(2, 3, 5*minute+21*time.Second)
		time.Sleep(15 * minute)
		for range 3 {
			if got, at, err := m.Get(t.Context()); !errors.Is(err, fails) || got != 0 || !at.IsZero() || fetched != 4 {
				t.Errorf("%d, %v, %v after %d", got, at, err, fetched)
			}
		}
		fails = nil
		time.Sleep(30 * time.Second)
		expect(5, 5, 0)
	})
}

func TestMemoForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		m := rest.NewMemo(5*minute, 0, func(context.Context) (int, error) {
			fetched++
			return 0, rest.Absent("it")
		})
		for range 49 {
			if _, _, err := m.Get(t.Context()); !errors.Is(err, rest.ErrNotFound) {
				t.Error(err)
			}
			time.Sleep(6 * time.Second)
		}
		if fetched != 1 {
			t.Errorf("fetched %d times", fetched)
		}
	})
}

// Who leaves takes nothing along.
func TestMemoCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := rest.NewMemo(minute, 0, func(ctx context.Context) (int, error) {
			select {
			case <-time.After(10 * time.Second):
				return 1, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		})
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, _, err := m.Get(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if got, _, err := m.Get(t.Context()); got != 1 || err != nil {
				t.Errorf("%d, %v", got, err)
			}
		})
		synctest.Wait()
		if _, _, err := m.Get(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		wg.Wait()
	})
}

// A fetch that is cut off says nothing about the value that there is.
func TestMemoCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := false
		m := rest.NewMemo(minute, 5*minute, func(ctx context.Context) (int, error) {
			if hangs {
				<-ctx.Done()
			}
			return 7, ctx.Err()
		})
		if _, _, err := m.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		hangs = true
		for _, age := range []time.Duration{2 * minute, 6 * minute} {
			time.Sleep(age - 2*time.Minute + time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			got, _, err := m.Get(ctx)
			cancel()
			if old := age > 5*minute; old != (err != nil) || !old && got != 7 {
				t.Errorf("after %v: %d, %v", age, got, err)
			}
		}
	})
}

// What all memos keep is bounded: the largest forgets its fact, and the others go on.
func TestMemosTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memo := func(mib int) *rest.Memo[string] {
			return rest.NewMemo(time.Minute, time.Hour, func(context.Context) (string, error) {
				return strings.Repeat("x", mib<<20), nil
			})
		}
		memos := []*rest.Memo[string]{memo(1), memo(3), memo(1)}
		for _, m := range memos {
			if _, _, err := m.Get(t.Context()); err != nil {
				t.Error(err)
			}
		}
		more := memo(2)
		if _, _, err := more.Get(t.Context()); err != nil {
			t.Error(err)
		}
		for i, m := range memos {
			if _, _, err := m.Get(t.Context()); errors.Is(err, rest.ErrBadAnswer) != (i == 1) {
				t.Errorf("memo %d: %v", i, err)
			}
		}
		if _, _, err := memo(7).Get(t.Context()); !errors.Is(err, rest.ErrBadAnswer) {
			t.Errorf("one that is too large alone: %v", err)
		}
		runtime.KeepAlive(memos)
		runtime.KeepAlive(more)
	})
}
