package fleet

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/internal/redistest"
)

func openRedis(t testing.TB, cfg cachestore.RedisConfig) cachestore.Store {
	t.Helper()
	cfg.Timeout = 5 * time.Second // the machine may be busy
	store, err := cachestore.NewRedis(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// many puts the digests of n nodes, without their exporters; of every tenth one drive is
// failing.
func many(t testing.TB, store cachestore.Store, n int) {
	t.Helper()
	var items []cachestore.SetItem
	for i := range n {
		node := fmt.Sprintf("node-%05d", i)
		if err := store.Mark(t.Context(), set, node, keep); err != nil {
			t.Fatal(err)
		}
		failing := 0
		if i%10 == 0 {
			failing = 1
		}
		items = append(items, cachestore.SetItem{Key: key(node), Value: aDigest(t, node, failing), TTL: life})
		if len(items) == piece || i == n-1 {
			if err := store.Set(t.Context(), items...); err != nil {
				t.Fatal(err)
			}
			items = nil
		}
	}
}

func TestTenThousandDigests(t *testing.T) {
	const nodes = 10_000
	store := openRedis(t, cachestore.RedisConfig{Mode: cachestore.RedisSingle, Addresses: []string{redistest.Start(t, redistest.Options{}).Addr}})
	many(t, store, nodes)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	r := reading(t, store)
	f := get(t, r)
	if f.Totals.Nodes != (NodeCounts{Total: nodes, Live: nodes}) || f.Totals.Drives.Failing != nodes/10 || len(f.Worst) != maxRows || f.WorstLeftOut != 0 {
		t.Errorf("%s, %d rows, %d left out", shown(t, f.Totals), len(f.Worst), f.WorstLeftOut)
	}
	if used := heap() - before; used > 64<<20 {
		t.Errorf("%d MiB are held", used>>20)
	}
	runtime.KeepAlive(r)
}

func TestFleetInCluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	store := openRedis(t, cachestore.RedisConfig{Mode: cachestore.RedisCluster, Addresses: cluster.Addrs()})
	many(t, store, 1200)
	r := reading(t, store)
	if f := get(t, r); f.Totals.Nodes.Live != 1200 {
		t.Errorf("%+v", f.Totals.Nodes)
	}
	// A lost node costs what it holds, for the view; the targets are remembered.
	for i, node := range cluster.Nodes {
		if !hasSet(node) {
			cluster.Nodes[i].Kill()
			break
		}
	}
	r.newest = nil
	f := get(t, r)
	if c := f.Totals.Nodes; c.Total != 1200 || c.Live == 0 || c.Unknown == 0 || c.Silent != 0 {
		t.Errorf("%+v", c)
	}
	if targets, err := f.Targets(); err != nil || len(targets) != 1200 {
		t.Errorf("%d targets, %v", len(targets), err)
	}
	if f = get(t, reading(t, store)); f.Totals.Nodes.Unknown == 0 {
		t.Errorf("%+v", f.Totals.Nodes)
	}
	if targets, err := f.Targets(); err == nil {
		t.Errorf("%d targets of a list that is not complete", len(targets))
	}
}

func hasSet(node *redistest.Server) bool {
	keys, _ := node.Do("KEYS", set).([]any)
	return len(keys) > 0
}

var processed = regexp.MustCompile(`total_commands_processed:(\d+)`)

// A digest costs at most four commands, those inside scripts counted.
func TestCommandsOfADigest(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	store := openRedis(t, cachestore.RedisConfig{Mode: cachestore.RedisSingle, Addresses: []string{server.Addr}})
	s := sending(store, "n")
	commands := func() int {
		m := processed.FindStringSubmatch(fmt.Sprint(server.Do("INFO", "stats")))
		if m == nil {
			t.Fatal("no number of commands")
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	puts := func(n int) {
		for range n {
			if err := s.put(); err != nil {
				t.Fatal(err)
			}
		}
	}
	puts(marks)
	idle := -commands()
	idle += commands()
	const n = 10 * marks
	cost := -commands()
	puts(n)
	if cost += commands() - idle; cost < n || cost > 4*n {
		t.Errorf("%d commands for %d digests", cost, n)
	}
	t.Logf("%d commands for %d digests", cost, n)
}
