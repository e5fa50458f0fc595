package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Sentinel is a master with one replica, watched by three sentinels that
// replace it a second after it was lost.
type Sentinel struct {
	Name      string // of the master, for the sentinels
	Master    *Server
	Replica   *Server
	Sentinels []*Server
}

// SentinelOptions say what is started.
type SentinelOptions struct {
	Password         string // of the servers
	SentinelPassword string // of the sentinels
}

// StartSentinel returns when the sentinels know of the replica and of each other.
func StartSentinel(tb testing.TB, opts SentinelOptions) *Sentinel {
	tb.Helper()
	s := &Sentinel{Name: "storage", Sentinels: make([]*Server, 3)}
	s.Master = Start(tb, Options{Password: opts.Password})
	s.Replica = Start(tb, Options{Password: opts.Password, ReplicaOf: s.Master})
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
		s.Sentinels[i] = Start(tb, Options{Password: opts.SentinelPassword, Config: conf, sentinel: true})
	}
	for _, server := range s.Sentinels {
		until(tb, 15*time.Second, "the sentinels to find each other", func() bool {
			info := fmt.Sprint(server.Do("INFO", "sentinel"))
			return strings.Contains(info, "slaves=1,sentinels=3")
		})
	}
	return s
}

// Addrs are those of the sentinels.
func (s *Sentinel) Addrs() []string { return addrs(s.Sentinels) }
