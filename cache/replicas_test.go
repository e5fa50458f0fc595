package cache

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cachestore"
	"storage_exporter/internal/redistest"
)

// diary notes when which source was observed, by whichever replica.
type diary struct {
	mu sync.Mutex
	at map[string][]time.Time
}

func (d *diary) note(source string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at[source] = append(d.at[source], time.Now())
}

// replica is one exporter's cache, on a connection of its own.
type replica struct {
	cache   *Cache
	store   cachestore.Store
	entries []*Entry[int]
}

// kill ends a replica as SIGKILL would: it gives nothing back.
func (r *replica) kill() {
	_ = r.store.Close()
	r.cache.cancel()
}

func startReplica(t *testing.T, server *redistest.Server, name, origin string, interval time.Duration, sources int, d *diary) *replica {
	t.Helper()
	redis, err := cachestore.NewRedis(cachestore.RedisConfig{Mode: cachestore.RedisSingle, Addresses: []string{server.Addr}})
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	store := cachestore.NewBreaker(redis, cachestore.BreakerConfig{})
	c := New(Config{Store: store, Observer: name, Metrics: NewMetrics(prometheus.NewRegistry()), Logger: logger})
	r := &replica{cache: c, store: store}
	lane := NewLane(8)
	for i := range sources {
		var e *Entry[int]
		id := fmt.Sprintf("%s/%d", origin, i)
		s := c.NewSource(SourceConfig{
			Kind: "test", Name: fmt.Sprint(i), Origin: origin, Lane: lane, Interval: interval, Timeout: interval / 2,
			Observe: func(ctx context.Context, r *Round) error {
				d.note(id)
				select {
				case <-time.After(10 * time.Millisecond):
				case <-ctx.Done():
					return ctx.Err()
				}
				v := len(origin)
				e.Put(r, &v, time.Time{})
				return nil
			},
		})
		e = Add[int](s, fmt.Sprintf("test:%d", i), 3*interval)
		r.entries = append(r.entries, e)
		s.Start()
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("close %s: %v", name, err)
		}
		_ = store.Close()
	})
	return r
}

// Replicas on one Redis together observe each source about once an interval,
// and when the one that observes is killed another takes over.
func TestReplicasOnRedis(t *testing.T) {
	t.Parallel()
	const interval, intervals, sources = time.Second, 12, 10
	for _, n := range []int{2, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{})
			d := &diary{at: map[string][]time.Time{}}
			var replicas []*replica
			for i := range n {
				replicas = append(replicas, startReplica(t, server, fmt.Sprint("replica", i), "host1", interval, sources, d))
			}
			// The first interval is not steady: the sources' turns are being spread.
			time.Sleep(interval * 3 / 2)
			from := time.Now()
			time.Sleep(intervals * interval)
			to := time.Now()
			killed := replicas[0]
			killed.kill()
			time.Sleep(3 * interval)

			d.mu.Lock()
			defer d.mu.Unlock()
			for source, at := range d.at {
				steady := slices.DeleteFunc(slices.Clone(at), func(x time.Time) bool { return x.Before(from) || !x.Before(to) })
				rate := float64(len(steady)) / (to.Sub(from).Seconds() / interval.Seconds())
				// One more or less at the ends of the window.
				if least, most := 0.95-1.0/intervals, 1.2; rate < least || rate > most {
					t.Errorf("%s: %.2f observations an interval", source, rate)
				}
				after := slices.DeleteFunc(slices.Clone(at), func(x time.Time) bool { return x.Before(from) })
				for i := 1; i < len(after); i++ {
					if gap := after[i].Sub(after[i-1]); gap > interval*12/10+250*time.Millisecond {
						t.Errorf("%s: a gap of %v", source, gap)
					}
				}
			}
			for _, r := range replicas[1:] {
				for _, res := range GetAll(within(t, time.Second), r.entries) {
					if res.Err != nil || res.Snapshot.Lookup != Hit {
						t.Errorf("after the kill: %+v", res)
					}
				}
			}
		})
	}
}

// Two hosts that share a Redis by mistake, without node names: each shows its
// own, and neither observes more than alone.
func TestTwoHostsOnOneRedis(t *testing.T) {
	t.Parallel()
	const interval, intervals, sources = time.Second, 8, 5
	server := redistest.Start(t, redistest.Options{})
	d := &diary{at: map[string][]time.Time{}}
	origins := []string{"a", "another"}
	var hosts []*replica
	for _, origin := range origins {
		hosts = append(hosts, startReplica(t, server, origin, origin, interval, sources, d))
	}
	for end := time.Now().Add(intervals * interval); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for i, h := range hosts {
			for _, res := range GetAll(within(t, time.Second), h.entries) {
				if res.Err != nil {
					t.Fatalf("host %q: %v", origins[i], res.Err)
				}
				if *res.Snapshot.Value != len(origins[i]) {
					t.Fatalf("host %q shows what the other observed", origins[i])
				}
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for source, at := range d.at {
		if len(at) > intervals+2 {
			t.Errorf("%s: %d observations in %d intervals", source, len(at), intervals)
		}
	}
}

// What Redis goes through is no reader's trouble: the same values, in time.
func TestRedisOnBadDays(t *testing.T) {
	t.Parallel()
	const interval, sources = time.Second, 20
	days := map[string]func(t *testing.T, s *redistest.Server){
		"killed": func(_ *testing.T, s *redistest.Server) { s.Kill() },
		"hung":   func(_ *testing.T, s *redistest.Server) { s.Pause() },
		"empty":  func(_ *testing.T, s *redistest.Server) { s.Restart() },
		"garbage": func(_ *testing.T, s *redistest.Server) {
			for i := range sources {
				s.Do("set", fmt.Sprintf("test:%d", i), "\x00garbage", "px", "60000")
			}
		},
		"wrong type": func(_ *testing.T, s *redistest.Server) {
			for i := range sources {
				s.Do("del", fmt.Sprintf("test:%d", i))
				s.Do("lpush", fmt.Sprintf("test:%d", i), "x")
			}
		},
		"without expiry": func(_ *testing.T, s *redistest.Server) {
			for i := range sources {
				s.Do("persist", fmt.Sprintf("test:%d", i))
			}
		},
		"out of memory": func(_ *testing.T, s *redistest.Server) { s.Do("config", "set", "maxmemory", "1") },
		"read-only":     func(_ *testing.T, s *redistest.Server) { s.Do("replicaof", "127.0.0.1", "1") },
		"another host": func(_ *testing.T, s *redistest.Server) {
			for i := range sources {
				s.Do("set", fmt.Sprintf("test:%d", i),
					`{"origin":"elsewhere","observer":"x","observed_at":"2026-01-02T03:04:05Z","age_ms":0,"ttl_ms":60000,"value":99}`, "px", "60000")
			}
		},
	}
	for name, spoil := range days {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.Options{})
			d := &diary{at: map[string][]time.Time{}}
			r := startReplica(t, server, "replica1", "host1", interval, sources, d)
			<-r.cache.FirstRoundsEnded()
			spoil(t, server)
			if name == "hung" {
				defer server.Resume()
			}
			for end := time.Now().Add(4 * interval); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				for i, res := range GetAll(ctx, r.entries) {
					if res.Err != nil || *res.Snapshot.Value != len("host1") || res.Snapshot.Age > 3*interval {
						t.Fatalf("entry %d: %+v", i, res)
					}
				}
				cancel()
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			for source, at := range d.at {
				if len(at) > 8 {
					t.Errorf("%s: %d observations in four intervals", source, len(at))
				}
			}
		})
	}
}

// Of what one observation puts, a part lies on a node of a cluster that is lost. Both
// replicas then have all of it alive, and share again when the node is back.
func TestPartOfASourceIsLost(t *testing.T) {
	for _, lost := range []string{"key:a", "key:b"} {
		t.Run(lost, func(t *testing.T) { partOfASourceIsLost(t, lost) })
	}
}

func partOfASourceIsLost(t *testing.T, lost string) {
	bubble(t, func(t *testing.T, c *Cache, store *faultyStore) {
		other := newCache(t, store, "replica2")
		defer closeCache(t, other)
		var probes []*probe
		var second []*Entry[int]
		for _, c := range []*Cache{c, other} {
			p := newProbe(c, "a", SourceConfig{})
			e := Add[int](p.source, "key:b", 30*time.Second)
			p.set(func(_ context.Context, r *Round) error {
				n := int(p.runs.Load())
				p.entry.Put(r, &n, time.Time{})
				e.Put(r, &n, time.Time{})
				return nil
			})
			probes, second = append(probes, p), append(second, e)
			p.source.Start()
		}
		runs := func() int64 { return probes[0].runs.Load() + probes[1].runs.Load() }
		time.Sleep(time.Minute)
		store.lose(lost)
		for range 30 {
			time.Sleep(4 * time.Second)
			for i, p := range probes {
				for _, e := range []*Entry[int]{p.entry, second[i]} {
					if r := e.Peek(); r.Err != nil {
						t.Errorf("replica %d, %s: %v", i+1, e.Key(), r.Err)
					}
				}
			}
		}
		store.lose("")
		time.Sleep(time.Minute)
		before := runs()
		time.Sleep(5 * time.Minute)
		if n := runs() - before; n > 33 {
			t.Errorf("%d observations in 30 intervals after the node was back", n)
		}
	})
}
