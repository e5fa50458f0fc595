package cachestore_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"storage_exporter/internal/redistest"
)

// redisSentinel is a master with one replica, watched by three sentinels that
// replace it a second after it was lost.
type redisSentinel struct {
	Name      string // of the master, for the sentinels
	Master    *redistest.Server
	Replica   *redistest.Server
	Sentinels []*redistest.Server
}

// sentinelOptions say what is started.
type sentinelOptions struct {
	Password         string // of the servers
	SentinelPassword string // of the sentinels
}

// startRedisSentinel returns when the sentinels know of the replica and of each other.
func startRedisSentinel(tb testing.TB, opts sentinelOptions) *redisSentinel {
	tb.Helper()
	s := &redisSentinel{Name: "storage", Sentinels: make([]*redistest.Server, 3)}
	s.Master = redistest.Start(tb, redistest.Options{Password: opts.Password})
	s.Replica = redistest.Start(tb, redistest.Options{Password: opts.Password, ReplicaOf: s.Master})
	host, port, _ := net.SplitHostPort(s.Master.Addr)
	conf := []string{
		fmt.Sprintf("sentinel monitor %s %s %s 2", s.Name, host, port),
		fmt.Sprintf("sentinel down-after-milliseconds %s 1000", s.Name),
		fmt.Sprintf("sentinel failover-timeout %s 3000", s.Name),
	}
	if opts.Password != "" {
		conf = append(conf, fmt.Sprintf("sentinel auth-pass %s %s", s.Name, opts.Password))
	}
	for i := range s.Sentinels {
		s.Sentinels[i] = redistest.Start(tb, redistest.Options{Password: opts.SentinelPassword, Config: conf, Sentinel: true})
	}
	for _, server := range s.Sentinels {
		redistest.Until(tb, 15*time.Second, "the sentinels to find each other", func() bool {
			info := fmt.Sprint(server.Do("INFO", "sentinel"))
			return strings.Contains(info, "slaves=1,sentinels=3")
		})
	}
	return s
}

// Addrs are those of the sentinels.
func (s *redisSentinel) Addrs() []string { return addrs(s.Sentinels) }

func TestStartRedisSentinel(t *testing.T) {
	t.Parallel()
	s := startRedisSentinel(t, sentinelOptions{Password: "a", SentinelPassword: "b"})
	if len(s.Addrs()) != 3 {
		t.Errorf("sentinels: %v", s.Addrs())
	}
}

func addrs(servers []*redistest.Server) []string {
	all := make([]string, len(servers))
	for i, s := range servers {
		all[i] = s.Addr
	}
	return all
}
