package cache

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"
)

// modelCopy is a snapshot as the model knows it.
type modelCopy struct {
	value int
	put   time.Time
	ttl   time.Duration
	ours  bool // of our origin and well-formed
}

func (m *modelCopy) alive(now time.Time) bool { return m != nil && now.Sub(m.put) < m.ttl }

// readModel is the read path in a few lines: what a reader must get, whatever
// happens to the store and to the source.
type readModel struct {
	own, stored       *modelCopy
	storeBroken       bool
	sourceBroken      bool
	due               time.Time
	quiet             bool
	failures, success int
	next              int // the value of the next observation
	spread            float64
}

const (
	modelInterval = 10 * time.Second
	modelLife     = 30 * time.Second
)

// read says what a reader gets at now: a value with its lookup, or an error.
func (m *readModel) read(now time.Time) (value int, lookup Lookup, ok bool) {
	if !m.storeBroken && m.stored.alive(now) && m.stored.ours && (m.own == nil || m.stored.put.After(m.own.put)) {
		c := *m.stored
		m.own = &c
	}
	if m.own.alive(now) {
		lookup = Hit
		if now.Sub(m.own.put) > modelInterval*5/4 {
			lookup = Stale
		}
		value = m.own.value
		if lookup == Stale {
			m.observe(now)
		}
		return value, lookup, true
	}
	m.observe(now)
	if m.own.alive(now) {
		return m.own.value, Miss, true
	}
	return 0, Miss, false
}

func (m *readModel) observe(now time.Time) {
	if m.quiet && now.Before(m.due) {
		return
	}
	m.quiet = true
	if m.sourceBroken {
		m.due = now.Add(backOff(2*time.Second, m.failures, modelInterval))
		m.failures++
		return
	}
	m.next++
	m.failures = 0
	m.own = &modelCopy{value: m.next, put: now, ttl: modelLife, ours: true}
	if !m.storeBroken {
		c := *m.own
		m.stored = &c
	}
	wait := modelInterval
	if m.success == 0 {
		wait = time.Duration(float64(wait) * m.spread)
	}
	m.success++
	m.due = now.Add(wait)
}

// noDeadline lets rapid run in a bubble, where a test has no deadline.
type noDeadline struct{ *testing.T }

func (noDeadline) Deadline() (time.Time, bool) { return time.Time{}, false }

func TestReadPathAgainstModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(rt *rapid.T) {
			store := newFaultyStore()
			c := New(Config{
				Store: store, Observer: "replica1", Metrics: NewMetrics(prometheus.NewRegistry()),
				Logger: slog.New(slog.DiscardHandler),
			})
			m := &readModel{}
			var entry *Entry[int]
			source := c.NewSource(SourceConfig{
				Kind: "k", Name: "n", Origin: "host1", Interval: modelInterval, Timeout: time.Second,
				Observe: func(_ context.Context, r *Round) error {
					if m.sourceBroken {
						return errBroken
					}
					v := m.next // the model counted this observation already
					entry.Put(r, &v, time.Time{})
					return nil
				},
			})
			entry = Add[int](source, "key", modelLife)
			m.spread = source.pace.spread
			// moment waits until a value that was put age ago was not put when another was:
			// two such count as one.
			put := map[time.Time]bool{}
			moment := func(age time.Duration) {
				for at := time.Now().Add(-age); put[at] || m.own != nil && m.own.put.Equal(at); at = time.Now().Add(-age) {
					time.Sleep(time.Millisecond)
				}
				put[time.Now().Add(-age)] = true
			}

			rt.Repeat(map[string]func(*rapid.T){
				"wait": func(rt *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(1, 40_000).Draw(rt, "ms")) * time.Millisecond)
				},
				"store breaks": func(*rapid.T) { store.breakWith(errBroken, nil); m.storeBroken = true },
				"store heals":  func(*rapid.T) { store.breakWith(nil, nil); m.storeBroken = false },
				"store forgets": func(*rapid.T) {
					store.mu.Lock()
					clear(store.keys)
					store.mu.Unlock()
					m.stored = nil
				},
				"source breaks": func(*rapid.T) { m.sourceBroken = true },
				"source heals":  func(*rapid.T) { m.sourceBroken = false },
				"another writes": func(rt *rapid.T) {
					age := time.Duration(rapid.IntRange(0, 29_000).Draw(rt, "put ms ago")) * time.Millisecond
					v := rapid.IntRange(1_000_000, 2_000_000).Draw(rt, "value")
					origin := rapid.SampledFrom([]string{"host1", "host2"}).Draw(rt, "origin")
					moment(age)
					store.plant("key", fmt.Sprintf(`{"origin":%q,"observer":"x%d","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":%d,"value":%d}`,
						origin, len(put), modelLife.Milliseconds(), v), modelLife-age) // no two have the same bytes
					m.stored = &modelCopy{value: v, put: time.Now().Add(-age), ttl: modelLife, ours: origin == "host1"}
				},
				"garbage is written": func(rt *rapid.T) {
					moment(0)
					store.plant("key", rapid.String().Draw(rt, "garbage"), modelLife)
					m.stored = nil
				},
				"read": func(rt *rapid.T) {
					value, lookup, ok := m.read(time.Now())
					snap, err := entry.Get(t.Context())
					synctest.Wait() // for the refresh of a stale one
					switch {
					case (err == nil) != ok:
						rt.Fatalf("got %+v %v, model says %v", snap, err, ok)
					case ok && (*snap.Value != value || snap.Lookup != lookup):
						rt.Fatalf("got %d %v, model says %d %v", *snap.Value, snap.Lookup, value, lookup)
					case ok && snap.Age >= modelLife:
						rt.Fatalf("served at the age of %v", snap.Age)
					}
				},
			})
			if err := c.Close(t.Context()); err != nil {
				rt.Fatal(err)
			}
		})
	})
}
