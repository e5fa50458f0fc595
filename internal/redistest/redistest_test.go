package redistest_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"storage_exporter/internal/certtest"
	"storage_exporter/internal/redistest"
)

func TestServer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Password: "secret", MaxMemory: "3mb"})
	s.Do("SET", "key", "value")
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Client().Ping(ctx).Err(); err == nil {
		t.Error("a paused server answered")
	}
	s.Resume()
	if got := s.Do("GET", "key"); got != "value" {
		t.Errorf("GET after resume: %v", got)
	}
	s.Restart()
	if got := s.Do("DBSIZE"); got != int64(0) {
		t.Errorf("keys after restart: %v", got)
	}
	s.Kill()
	if conn, err := net.Dial("tcp", s.Addr); err == nil {
		_ = conn.Close()
		t.Error("a killed server still listens")
	}
	s.Kill()
}

func TestServerTLS(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{TLS: certtest.New(t)})
	if got := s.Do("PING"); got != "PONG" {
		t.Errorf("PING: %v", got)
	}
}

func TestServerACL(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{ACL: []string{"reader on >pass ~* +@read"}})
	if got := fmt.Sprint(s.Do("ACL", "LIST")); !strings.Contains(got, "user reader on") {
		t.Errorf("ACL LIST: %s", got)
	}
}

func TestReplica(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, redistest.Options{})
	replica := redistest.Start(t, redistest.Options{ReplicaOf: master})
	if got := fmt.Sprint(replica.Do("INFO", "replication")); !strings.Contains(got, "role:slave") {
		t.Errorf("INFO replication: %s", got)
	}
}

func TestStartCluster(t *testing.T) {
	t.Parallel()
	if c := redistest.StartCluster(t); len(c.Addrs()) != 3 {
		t.Errorf("nodes: %v", c.Addrs())
	}
}

func TestStartSentinel(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinel(t, redistest.SentinelOptions{Password: "a", SentinelPassword: "b"})
	if len(s.Addrs()) != 3 {
		t.Errorf("sentinels: %v", s.Addrs())
	}
	s.Master.Kill()
	s.AwaitReplaced(s.Master)
	s.Master.Restart()
	s.Follow(s.Master)
	if master, other := s.Roles(); master != s.Replica || other != s.Master {
		t.Errorf("%s is the master", master.Addr)
	}
}
