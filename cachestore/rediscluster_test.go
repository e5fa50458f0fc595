package cachestore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cachestore"
	"storage_exporter/internal/redistest"
	"storage_exporter/internal/secret"
)

// clusterKeys sets 60 keys and returns them with the node of each, found out
// by asking the nodes.
func clusterKeys(t *testing.T, c *redistest.Cluster, store cachestore.Store) (keys []string, node map[string]int) {
	t.Helper()
	node = map[string]int{}
	for i := range 60 {
		keys = append(keys, fmt.Sprint("key", i))
		set(t, store, keys[i], "value")
	}
	for n, server := range c.Nodes {
		for _, key := range server.Do("KEYS", "key[0-9]*").([]any) {
			node[key.(string)] = n
		}
	}
	if len(node) != len(keys) {
		t.Fatalf("%d of %d keys are on the nodes", len(node), len(keys))
	}
	return keys, node
}

// checkWithout checks that only the keys of the lost node fail.
func checkWithout(t *testing.T, store cachestore.Store, keys []string, node map[string]int, lost int) {
	t.Helper()
	items, err := store.Get(t.Context(), keys...)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	for i, key := range keys {
		switch good := items[i].Err == nil && string(items[i].Value) == "value"; {
		case node[key] != lost && !good:
			t.Errorf("%s on a healthy node: %v", key, items[i].Err)
		case node[key] == lost && items[i].Err == nil:
			t.Errorf("%s on the lost node: %q without an error", key, items[i].Value)
		}
	}
}

func TestRedisClusterNodeKilled(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	for _, server := range c.Nodes { // no more than the rights that are documented
		server.Do("ACL", "SETUSER", "exporter", "on", ">pass", "~key*", "+pttl", "+getrange", "+set", "+get", "+pexpire", "+del",
			"+eval", "+evalsha", "+xadd", "+xrevrange", "+zadd", "+zremrangebyscore", "+zremrangebyrank", "+zrevrange", "+time", "+ping", "+client|setname", "+cluster|slots", "+command")
	}
	store := newRedis(t, cachestore.RedisConfig{
		Mode: cachestore.RedisCluster, Addresses: c.Addrs(),
		Credentials: cachestore.RedisCredentials{Username: "exporter", Password: secret.New("pass")},
	})
	for op, err := range callAll(t.Context(), store, "key") {
		if err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	if err := store.Set(t.Context(), cachestore.SetItem{Key: "key", TTL: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key to be gone", func() bool { return getOne(t, store, "key").Value == nil })
	keys, node := clusterKeys(t, c, store)
	c.Nodes[1].Kill()
	for range 5 {
		checkWithout(t, store, keys, node, 1)
	}
	var items []cachestore.SetItem
	for _, key := range keys {
		items = append(items, cachestore.SetItem{Key: key, Value: []byte("new"), TTL: time.Minute})
	}
	if err := store.Set(t.Context(), items...); err == nil || errors.Is(err, cachestore.ErrUnavailable) {
		t.Errorf("Set without one node: %v, want an error that is not about the store as a whole", err)
	}
	for _, key := range keys {
		if node[key] != 1 && string(getOne(t, store, key).Value) != "new" {
			t.Errorf("%s of a node that is well was not set", key)
		}
	}
	for _, server := range c.Nodes {
		server.Kill()
	}
	if _, err := store.Get(t.Context(), keys...); !errors.Is(err, cachestore.ErrUnavailable) {
		t.Errorf("Get without any node: %v", err)
	}
}

func TestRedisClusterNodeHung(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	store := newRedis(t, cachestore.RedisConfig{Mode: cachestore.RedisCluster, Addresses: c.Addrs(), Timeout: 500 * time.Millisecond})
	keys, node := clusterKeys(t, c, store)
	c.Nodes[2].Pause()
	refused := 0
	for range 6 {
		checkWithout(t, store, keys, node, 2)
		items, err := store.Get(t.Context(), keys...)
		if err != nil {
			t.Fatal(err)
		}
		for i, key := range keys {
			// Refused by the gate: the node was not waited for.
			if node[key] == 2 && items[i].Err != nil && strings.Contains(items[i].Err.Error(), "cluster node") {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("the hung node is waited for each time")
	}
	c.Nodes[2].Resume()
	eventually(t, "the node to be asked again", func() bool {
		items, err := store.Get(t.Context(), keys...)
		if err != nil {
			return false
		}
		for _, item := range items {
			if item.Err != nil {
				return false
			}
		}
		return true
	})
}

// A node that is lost is one trouble, however much the others answer meanwhile, and it
// ends when that node answers. The breaker keeps nobody from the others.
func TestRedisClusterNodeLostIsOneTrouble(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string][2]func(*redistest.Server){
		"killed": {(*redistest.Server).Kill, (*redistest.Server).Restart},
		"hung":   {(*redistest.Server).Pause, (*redistest.Server).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := redistest.StartCluster(t)
			reg := prometheus.NewRegistry()
			logger, log := newLog()
			redis := newRedis(t, cachestore.RedisConfig{Mode: cachestore.RedisCluster, Addresses: c.Addrs(), Timeout: 300 * time.Millisecond})
			store := cachestore.NewInstrument(cachestore.NewBreaker(redis, cachestore.BreakerConfig{}), "redis", cachestore.NewMetrics(reg), logger)
			keys, node := clusterKeys(t, c, store)
			lose[0](c.Nodes[1])
			open := 0
			for i := range 40 {
				_, _ = store.Get(t.Context(), keys[i], keys[i+1])
				for _, key := range []string{keys[i], keys[i+1]} {
					_, err := store.Claim(t.Context(), "claim:{"+key+"}", "h", time.Second)
					if errors.Is(err, cachestore.ErrOpen) && node[key] != 1 {
						open++
					}
				}
				_ = store.Set(t.Context(), cachestore.SetItem{Key: keys[i], TTL: time.Minute}, cachestore.SetItem{Key: keys[i+1], TTL: time.Minute})
			}
			begins, ends := log.count("cannot be used"), log.count("available again")
			if begins != 1 || ends != 0 || open > 0 {
				t.Errorf("%d begins, %d ends, %d calls of other nodes refused:\n%s", begins, ends, open, log)
			}
			if !strings.Contains(log.String(), "reason=connection") && !strings.Contains(log.String(), "reason=timeout") {
				t.Error(log)
			}
			wantUp(t, reg, 0)
			lose[1](c.Nodes[1])
			eventually(t, "the end of the trouble", func() bool {
				for _, key := range keys {
					_ = store.Set(t.Context(), cachestore.SetItem{Key: key, TTL: time.Minute})
					_, _ = store.Get(t.Context(), key)
					_, _ = store.Claim(t.Context(), "claim:{"+key+"}", "h", time.Second)
				}
				return strings.Contains(log.String(), "available again")
			})
			wantUp(t, reg, 1)
			if log.count("level=WARN") != 1 || log.count("available again") != 1 {
				t.Error(log)
			}
		})
	}
}

// TestRedisClusterSlotMoved shows that a slot that went to another node is
// found there.
func TestRedisClusterSlotMoved(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	store := newRedis(t, cachestore.RedisConfig{Mode: cachestore.RedisCluster, Addresses: c.Addrs()})
	_, node := clusterKeys(t, c, store)
	from := node["key0"]
	to := (from + 1) % 3
	slot := c.Nodes[from].Do("CLUSTER", "KEYSLOT", "key0")
	id := c.Nodes[to].Do("CLUSTER", "MYID")
	for _, key := range c.Nodes[from].Do("CLUSTER", "GETKEYSINSLOT", slot, 100).([]any) {
		c.Nodes[from].Do("DEL", key)
	}
	for _, n := range []int{to, from, 3 - to - from} {
		c.Nodes[n].Do("CLUSTER", "SETSLOT", slot, "NODE", id)
	}
	eventually(t, "the slot to be found", func() bool {
		err := store.Set(t.Context(), cachestore.SetItem{Key: "key0", Value: []byte("new"), TTL: time.Minute})
		if err != nil && errors.Is(err, cachestore.ErrUnavailable) {
			t.Errorf("Set: %v", err)
		}
		return err == nil
	})
	if string(getOne(t, store, "key0").Value) != "new" {
		t.Error("the value is not there")
	}
}
