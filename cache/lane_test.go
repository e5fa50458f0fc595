package cache

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// A snapshot lives until the next one although its source has to wait for a place
// in the lane: no reader ever misses one after the first round.
func TestLifeCoversTheWaitInTheLane(t *testing.T) {
	tests := []struct {
		name              string
		sources, places   int
		interval, timeout time.Duration
		run               func(source, run int) time.Duration
	}{
		{"1,000 drives of 1 s, eight at once", 1000, 8, 90 * time.Second, 20 * time.Second, func(int, int) time.Duration { return time.Second }},
		{"40 drives of 1 s, one at once", 40, 1, 10 * time.Second, 9 * time.Second, func(int, int) time.Duration { return time.Second }},
		{"drives of different speed", 300, 2, 30 * time.Second, 20 * time.Second, func(source, run int) time.Duration {
			return time.Duration(100+(source*37+run*11)%900) * time.Millisecond
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
				lane := NewLane(tt.places)
				entries := make([]*Entry[int], tt.sources)
				for i := range entries {
					run := 0
					s := c.NewSource(SourceConfig{Kind: "k", Name: fmt.Sprint(i), Origin: "o", Interval: tt.interval, Timeout: tt.timeout, Lane: lane,
						Observe: func(ctx context.Context, r *Round) error {
							run++
							select {
							case <-time.After(tt.run(i, run)):
							case <-ctx.Done():
								return ctx.Err()
							}
							entries[i].Put(r, &run, time.Time{})
							return nil
						}})
					entries[i] = Add[int](s, fmt.Sprint("key:", i), tt.interval*4/3)
					s.Start()
				}
				<-c.FirstRoundsEnded()
				for begun := time.Now(); time.Since(begun) < 15*time.Minute; time.Sleep(time.Second) {
					for i, e := range entries {
						if r := e.Peek(); r.Err != nil {
							t.Fatalf("source %d after %v: %v", i, time.Since(begun), r.Err)
						}
					}
				}
				// Nor does it live much longer than that.
				if got, most := entries[0].source.lifeFor(0, 0), tt.interval*11/10+2*time.Duration(tt.sources/tt.places)*time.Second+tt.timeout; got > most {
					t.Errorf("life %v, want at most %v", got, most)
				}
			})
		})
	}
}

// A source whose last attempt failed is not waited for, although the next attempt is
// under way.
func TestNobodyWaitsForWhoFailedLastTime(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
		p := newProbe(c, "a", SourceConfig{Interval: 10 * time.Second, Timeout: 5 * time.Second})
		p.set(func(ctx context.Context, _ *Round) error { <-ctx.Done(); return ctx.Err() })
		p.source.Start()
		if _, err := p.entry.Get(within(t, 3*time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("first attempt: %v, want the reader's deadline", err)
		}
		time.Sleep(3 * time.Second) // the attempt has timed out
		for range 60 {
			begun := time.Now()
			_, err := p.entry.Get(within(t, 10*time.Second))
			if took := time.Since(begun); took > 0 || !errors.Is(err, ErrTimeout) {
				t.Fatalf("after %d attempts: %v after %v, want the timeout at once", p.runs.Load(), err, took)
			}
			time.Sleep(time.Second)
		}
		if p.runs.Load() < 4 {
			t.Errorf("%d attempts, want the source to be tried on", p.runs.Load())
		}
		p.set(nil)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if _, err := p.entry.Get(within(t, time.Second)); err != nil {
			t.Errorf("after the source works again: %v", err)
		}
	})
}

// A snapshot outlives its life only while its source waits for the lane, and not where
// the source is late by its own fault.
func TestWaitingIsNoExcuseForFailing(t *testing.T) {
	for name, failing := range map[string]bool{"well": false, "failed last time": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, c *Cache, _ *faultyStore) {
				lane := NewLane(1)
				p := newProbe(c, "a", SourceConfig{Interval: 10 * time.Second, Timeout: 2 * time.Second, Lane: lane})
				p.source.Start()
				synctest.Wait()
				time.Sleep(time.Second)
				if failing {
					p.set(fails)
					time.Sleep(12 * time.Second) // the next attempt has failed
				}
				_, leave, err := lane.enter(t.Context(), false) // somebody else takes all of the lane
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Minute)
				if r := p.entry.Peek(); (r.Err == nil) == failing {
					t.Errorf("after five minutes: %+v", r)
				}
				p.set(fails)
				leave()
				time.Sleep(time.Second)
				if r := p.entry.Peek(); r.Err == nil {
					t.Error("still served after the attempt has failed")
				}
			})
		})
	}
}
