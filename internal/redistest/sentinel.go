package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Sentinel is a master with one replica, watched by three sentinels that replace it
// a second after it was lost.
type Sentinel struct {
	Name      string    // of the master, for the sentinels
	Master    *Server   // at the start
	Replica   *Server   // at the start
	Sentinels []*Server // their ends lose nothing: they write down what they know

	tb testing.TB
}

// SentinelOptions say what is started.
type SentinelOptions struct {
	Password         string // of the servers
	SentinelPassword string // of the sentinels
}

// StartSentinel returns when the sentinels know of the replica and of each other.
func StartSentinel(tb testing.TB, opts SentinelOptions) *Sentinel {
	tb.Helper()
	s := &Sentinel{Name: "storage", Sentinels: make([]*Server, 3), tb: tb}
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
		s.Sentinels[i] = Start(tb, Options{Password: opts.SentinelPassword, Config: conf, Sentinel: true})
	}
	s.AwaitWell()
	return s
}

// Addrs are those of the sentinels.
func (s *Sentinel) Addrs() []string { return addrs(s.Sentinels) }

// AwaitWell returns when each sentinel calls the master and the replica well, and the
// replica has what the master has.
func (s *Sentinel) AwaitWell() {
	s.tb.Helper()
	for _, server := range s.Sentinels {
		Until(s.tb, 15*time.Second, "the sentinels to be well", func() bool {
			info := fmt.Sprint(server.Do("INFO", "sentinel"))
			return strings.Contains(info, "status=ok") && strings.Contains(info, "slaves=1,sentinels=3") &&
				!strings.Contains(fmt.Sprint(server.Do("SENTINEL", "REPLICAS", s.Name)), "s_down")
		})
	}
	_, other := s.Roles()
	Until(s.tb, 15*time.Second, "the replica to follow", func() bool {
		return strings.Contains(fmt.Sprint(other.Do("INFO", "replication")), "master_link_status:up")
	})
}

// Roles are who is the master now, as the sentinels agree, and the other server.
func (s *Sentinel) Roles() (master, other *Server) {
	s.tb.Helper()
	var addr string
	Until(s.tb, 15*time.Second, "the sentinels to agree", func() bool {
		addr = ""
		for _, server := range s.Sentinels {
			reply, _ := server.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", s.Name).([]any)
			if len(reply) != 2 {
				return false
			}
			named := net.JoinHostPort(fmt.Sprint(reply[0]), fmt.Sprint(reply[1]))
			if addr != "" && addr != named {
				return false
			}
			addr = named
		}
		return true
	})
	if addr == s.Master.Addr {
		return s.Master, s.Replica
	}
	return s.Replica, s.Master
}

// AwaitReplaced returns when the sentinels name another master than this one, and it
// takes writes.
func (s *Sentinel) AwaitReplaced(old *Server) {
	s.tb.Helper()
	Until(s.tb, 15*time.Second, "a new master", func() bool {
		master, _ := s.Roles()
		return master != old && strings.Contains(fmt.Sprint(master.Do("ROLE")), "master")
	})
}

// Follow makes a server that came back the replica of the master. The sentinels would
// do so after some ten seconds.
func (s *Sentinel) Follow(back *Server) {
	s.tb.Helper()
	master, _ := s.Roles()
	host, port, _ := net.SplitHostPort(master.Addr)
	back.Do("REPLICAOF", host, port)
	s.AwaitWell()
}
