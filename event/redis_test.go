package event

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/internal/redistest"
	"storage_exporter/internal/secret"
)

// server receives webhooks over the network.
type server struct {
	*httptest.Server
	mu  sync.Mutex // guards ids
	ids map[string]int
}

func startServer(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *server {
	s := &server{ids: make(map[string]int)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.ids[r.Header.Get("webhook-id")]++
		s.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) got() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[string]int, len(s.ids))
	for id, n := range s.ids {
		ids[id] = n
	}
	return ids
}

func onRedis(t *testing.T, server *redistest.Server) cachestore.Store {
	t.Helper()
	return open(t, cachestore.RedisConfig{Mode: cachestore.RedisSingle, Addresses: []string{server.Addr}, Timeout: 5 * time.Second})
}

func open(t *testing.T, cfg cachestore.RedisConfig) cachestore.Store {
	t.Helper()
	store, err := cachestore.NewRedis(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited for %s in vain", what)
}

// Two replicas on one Redis both see each change, again and again and at the same
// moment; one of them sends it, once.
func TestOneDeliveryOnRedis(t *testing.T) {
	redis := redistest.Start(t, redistest.Options{})
	receiver := startServer(t, nil)
	hooks := []Webhook{{Name: "w", URL: secret.New(receiver.URL), Format: FormatJSON, Timeout: 5 * time.Second}}
	var replicas []*rig
	for _, name := range []string{"a", "b"} {
		r := newNetworkRig(t, onRedis(t, redis), name, 0, hooks)
		replicas = append(replicas, r)
	}
	const volumes, rounds = 10, 6
	at := time.Now()
	look := func(state string) {
		at = at.Add(time.Second)
		var all sync.WaitGroup
		for _, r := range replicas {
			all.Go(func() {
				for v := range volumes {
					r.Observe(Observation{Subject: Subject{Volume, fmt.Sprint("v", v)}, State: state, At: at})
				}
			})
		}
		all.Wait()
	}
	settled := func(sequence uint64, state string) bool {
		for v := range volumes {
			items, err := replicas[0].store.Get(t.Context(), fmt.Sprint("storage:event:volume:v", v))
			if err != nil {
				t.Fatal(err)
			}
			if r, err := readRecord(items[0].Value); err != nil || r == nil || r.Sequence != sequence || r.State != state || r.Unsent != nil {
				return false
			}
		}
		return true
	}
	states := []string{"healthy", "offline"}
	look(states[0])
	eventually(t, "the first states", func() bool { return settled(0, states[0]) })
	for round := range rounds {
		state := states[(round+1)%2]
		look(state)
		look(state)
		look(state)
		eventually(t, "the change", func() bool { return settled(uint64(round+1), state) })
	}
	ids := receiver.got()
	if len(ids) != volumes*rounds {
		t.Errorf("%d events of %d", len(ids), volumes*rounds)
	}
	for id, n := range ids {
		if n != 1 {
			t.Errorf("%s was delivered %d times", id, n)
		}
	}
	page, err := replicas[1].List(t.Context(), Filter{}, "", MaxPage)
	if err != nil || len(page.Events) != volumes*rounds {
		t.Errorf("the history has %d events, %v", len(page.Events), err)
	}
	if n := len(replicas[0].events()) + len(replicas[1].events()); n != volumes*rounds {
		t.Errorf("counted %d times", n)
	}
}

// newNetworkRig is newRig whose webhooks use the network.
func newNetworkRig(t *testing.T, store cachestore.Store, name string, claim time.Duration, hooks []Webhook) *rig {
	t.Helper()
	r := makeRig(t, store, name, hooks...)
	r.cfg.transport, r.cfg.claimFor = nil, claim
	r.Apply(0, nil)
	r.Apply(0, hooks)
	r.Start()
	t.Cleanup(r.Close)
	return r
}

// A replica that dies between its claim and the delivery: the other delivers, under the
// same id, also where the Redis is lost at the same time and comes back, or another
// server takes its place.
func TestDeathBeforeDeliveryOnRedis(t *testing.T) {
	const key = "storage:event:volume:v1"
	unsent := func(t *testing.T, s *redistest.Server) func() bool {
		return func() bool {
			return s.Do("EXISTS", key) == int64(1) && strings.Contains(fmt.Sprint(s.Do("GET", key)), "unsent")
		}
	}
	t.Run("single", func(t *testing.T) {
		redis := redistest.Start(t, redistest.Options{})
		deathBeforeDelivery(t, func() cachestore.Store { return onRedis(t, redis) }, func() {})
	})
	t.Run("sentinel", func(t *testing.T) {
		s := redistest.StartSentinel(t, redistest.SentinelOptions{})
		deathBeforeDelivery(t, func() cachestore.Store {
			return open(t, cachestore.RedisConfig{
				Mode: cachestore.RedisSentinel, Addresses: s.Addrs(), Sentinel: cachestore.RedisSentinelConfig{Master: s.Name},
			})
		}, func() {
			eventually(t, "the replica to have the event", unsent(t, s.Replica))
			s.Master.Kill()
			s.AwaitReplaced(s.Master)
		})
	})
	t.Run("cluster", func(t *testing.T) {
		c := redistest.StartCluster(t)
		deathBeforeDelivery(t, func() cachestore.Store {
			return open(t, cachestore.RedisConfig{Mode: cachestore.RedisCluster, Addresses: c.Addrs()})
		}, func() {
			for _, node := range c.Nodes {
				if fmt.Sprint(node.Do("KEYS", key)) == "["+key+"]" {
					node.Pause()
					time.AfterFunc(2*time.Second, node.Resume)
				}
			}
		})
	})
}

// deathBeforeDelivery has one replica die while it delivers, and the Redis lose
// something, and the other deliver.
func deathBeforeDelivery(t *testing.T, store func() cachestore.Store, lose func()) {
	hang := make(chan struct{})
	dead := startServer(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	defer close(hang)
	good := startServer(t, nil)
	hook := func(s *server) []Webhook {
		return []Webhook{{Name: "w", URL: secret.New(s.URL), Format: FormatJSON, Timeout: time.Minute}}
	}
	a := newNetworkRig(t, store(), "a", 500*time.Millisecond, hook(dead))
	b := newNetworkRig(t, store(), "b", 500*time.Millisecond, hook(good))
	at := time.Now()
	look := func(r *rig, state string) {
		at = at.Add(time.Second)
		r.Observe(Observation{Subject: Subject{Volume, "v1"}, State: state, At: at})
	}
	look(a, "healthy")
	eventually(t, "the first state", func() bool {
		items, err := a.store.Get(t.Context(), "storage:event:volume:v1")
		return err == nil && items[0].Value != nil
	})
	look(a, "offline")
	look(a, "offline")
	eventually(t, "the first to try", func() bool { return len(dead.got()) == 1 })
	a.cancel() // as kill -9 does: nothing is given back
	a.wg.Wait()
	lose()
	eventually(t, "the other to deliver", func() bool { look(b, "offline"); return len(good.got()) == 1 })
	for id := range dead.got() {
		if good.got()[id] != 1 {
			t.Errorf("delivered %v, tried %s", good.got(), id)
		}
	}
}
