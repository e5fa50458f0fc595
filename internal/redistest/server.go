// Package redistest runs real redis-server processes for tests and benchmarks.
package redistest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"storage_exporter/internal/certtest"
	"storage_exporter/internal/needtest"
)

// Options say what server is started. The zero value is a plain one.
type Options struct {
	Password  string
	ACL       []string              // users as in a configuration file, "NAME on >PASSWORD ~* +@all"
	TLS       *certtest.Certificate // then the server takes TLS connections only
	MaxMemory string                // as in "2mb"; then nothing is evicted
	Config    []string              // further lines of the configuration
	ReplicaOf *Server
	Sentinel  bool // a sentinel, no server
}

// Server is one redis-server process. It dies with the test.
type Server struct {
	Addr     string // 127.0.0.1:port
	Password string
	TLS      *certtest.Certificate

	tb   testing.TB
	dir  string
	argv []string
	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has been waited for
	log  *bytes.Buffer // of cmd; may be read when done is closed
}

// startTimeout bounds how long a server may take to answer.
const startTimeout = 10 * time.Second

// Start runs a server and returns when it answers.
func Start(tb testing.TB, opts Options) *Server {
	tb.Helper()
	requireServer(tb)
	var err error
	for range 5 { // another process may take the port that was just found free
		s := newServer(tb, opts)
		if err = s.start(); err == nil {
			tb.Cleanup(s.Kill)
			return s
		}
	}
	tb.Fatalf("start redis-server: %v", err)
	return nil
}

// requireServer skips the test where there is no redis-server, unless the
// environment says that all parts must be there.
func requireServer(tb testing.TB) {
	tb.Helper()
	needtest.Program(tb, "redis-server", "redis-server")
}

func newServer(tb testing.TB, opts Options) *Server {
	tb.Helper()
	port := freePort(tb)
	s := &Server{
		Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Password: opts.Password, TLS: opts.TLS,
		tb: tb, dir: tb.TempDir(),
	}
	lines := []string{"bind 127.0.0.1", "dir " + s.dir, `save ""`, "appendonly no", "loglevel notice"}
	if opts.TLS == nil {
		lines = append(lines, fmt.Sprintf("port %d", port))
	} else {
		lines = append(lines, "port 0", fmt.Sprintf("tls-port %d", port),
			"tls-cert-file "+opts.TLS.CertFile, "tls-key-file "+opts.TLS.KeyFile, "tls-ca-cert-file "+opts.TLS.CAFile,
			"tls-auth-clients optional")
	}
	if opts.Password != "" {
		lines = append(lines, "requirepass "+opts.Password, "masterauth "+opts.Password)
	}
	for _, user := range opts.ACL {
		lines = append(lines, "user "+user)
	}
	if opts.MaxMemory != "" {
		lines = append(lines, "maxmemory "+opts.MaxMemory, "maxmemory-policy noeviction")
	}
	if !opts.Sentinel {
		lines = append(lines, "repl-diskless-sync yes", "repl-diskless-sync-delay 0")
	}
	if opts.ReplicaOf != nil {
		host, masterPort, _ := net.SplitHostPort(opts.ReplicaOf.Addr)
		lines = append(lines, "replicaof "+host+" "+masterPort)
	}
	lines = append(lines, opts.Config...)
	conf := filepath.Join(s.dir, "redis.conf")
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	s.argv = []string{"redis-server", conf}
	if opts.Sentinel {
		s.argv = append(s.argv, "--sentinel")
	}
	return s
}

func freePort(tb testing.TB) int {
	tb.Helper()
	// A cluster node also takes the port 10000 above.
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if port+10000 > 65535 {
			continue
		}
		bus, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+10000))
		if err != nil {
			continue
		}
		_ = bus.Close()
		return port
	}
	tb.Fatal("no free port with one 10000 above it")
	return 0
}

// start runs the process and waits until it accepts connections.
func (s *Server) start() error {
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	log := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	// A test that crashes runs no cleanup. The signal comes when the thread
	// that forks ends, and the runtime keeps its threads.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	s.mu.Lock()
	s.cmd, s.done, s.log = cmd, done, log
	s.mu.Unlock()
	if err := s.await(done); err != nil {
		s.Kill()
		return fmt.Errorf("%w\n%s", err, log)
	}
	return nil
}

// await returns when the server speaks its protocol.
func (s *Server) await(done <-chan struct{}) error {
	deadline := time.Now().Add(startTimeout)
	for time.Now().Before(deadline) {
		select {
		case <-done:
			return fmt.Errorf("server on %s ended", s.Addr)
		case <-time.After(10 * time.Millisecond):
		}
		if s.TLS == nil && answers(s.Addr) || s.TLS != nil && shakesHands(s.Addr, s.TLS.Client()) {
			return nil
		}
	}
	return fmt.Errorf("server on %s does not answer", s.Addr)
}

func shakesHands(addr string, cfg *tls.Config) bool {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", addr, cfg)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// answers says whether anything comes back on a PING, be it an error.
func answers(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && !strings.HasPrefix(line, "-LOADING")
}

// Pause stops the process with SIGSTOP: connections are still accepted by the
// kernel, but nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.tb.Errorf("signal %v: %v", sig, err)
	}
}

// Kill ends the process with SIGKILL and waits for it. Killing a dead server
// is no error.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Restart kills the process and starts it again, empty, on the same port.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.tb.Fatalf("restart redis-server: %v", err)
	}
}

// Client connects to the server as a test would, without this project's
// store. It is closed with the test.
func (s *Server) Client() *redis.Client {
	s.tb.Helper()
	opts := &redis.Options{
		Addr: s.Addr, Password: s.Password,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if s.TLS != nil {
		opts.TLSConfig = s.TLS.Client()
	}
	c := redis.NewClient(opts)
	s.tb.Cleanup(func() { _ = c.Close() })
	return c
}

// Do runs one command on the server, which must succeed.
func (s *Server) Do(args ...any) any {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c := s.Client()
	defer c.Close()
	reply, err := c.Do(ctx, args...).Result()
	if err != nil {
		s.tb.Fatalf("%v: %v", args, err)
	}
	return reply
}
