package inbound

import (
	"cmp"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a connection may wait for its client before it can be closed
// in favour of another: time enough for a request that was sent at once.
const patience = 250 * time.Millisecond

// connections are all that are open, of all listeners.
type connections struct {
	most int
	log  *slog.Logger

	mu     sync.Mutex // guards the fields below, and those of each connection
	open   map[*connection]struct{}
	closed int       // in favour of others, since the log said so
	last   time.Time // when the last one was
}

func (s *connections) init(most int, logger *slog.Logger) {
	s.most, s.log, s.open = most, logger, make(map[*connection]struct{})
}

// connection is one that is open.
type connection struct {
	net.Conn
	all  *connections
	from string // the client's host

	// Guarded by all.mu.
	asked bool      // a request has come on it
	busy  int       // requests that are being answered
	since time.Time // when it began to wait for its client; holds while busy is 0
}

// Listener counts the connections of l and makes room for each.
func (d *Door) Listener(l net.Listener) net.Listener { return &listener{l, &d.connections} }

type listener struct {
	net.Listener
	all *connections
}

// Accept waits until there is room for the connection. So clients that come faster
// than others can be closed stay with the kernel.
func (l *listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: raw, all: l.all, from: raw.RemoteAddr().String(), since: time.Now()}
	if host, _, err := net.SplitHostPort(c.from); err == nil {
		c.from = host
	}
	l.all.mu.Lock()
	l.all.open[c] = struct{}{}
	l.all.mu.Unlock()
	for wait := l.all.makeRoom(); wait > 0; wait = l.all.makeRoom() {
		time.Sleep(wait)
	}
	return c, nil
}

// makeRoom closes connections while there are too many. It returns how long to wait
// before one more can be closed, 0 when there is room.
func (s *connections) makeRoom() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.closed > 0 && now.Sub(s.last) > time.Minute {
		s.log.Info("There is room for connections again", "closed", s.closed)
		s.closed = 0
	}
	for len(s.open) > s.most {
		c := s.longest()
		if c == nil {
			return patience // all wait for us, which ends
		}
		if waited := now.Sub(c.since); waited < patience {
			return patience - waited
		}
		if s.closed == 0 {
			s.log.Warn("Too many connections: those are closed that have kept the exporter waiting longest", "limit", s.most, "client", c.from)
		}
		s.closed++
		s.last = now
		c.drop()
	}
	return 0
}

// longest is the connection that has waited longest for its client: of the client that
// has most of them, whatever the others do. nil if none waits.
func (s *connections) longest() *connection {
	var waiting []*connection
	of := make(map[string]int)
	for c := range s.open {
		if c.busy == 0 {
			waiting = append(waiting, c)
			of[c.from]++
		}
	}
	slices.SortFunc(waiting, func(a, b *connection) int {
		return cmp.Or(of[b.from]-of[a.from], a.since.Compare(b.since))
	})
	for _, c := range waiting {
		if of[c.from] < of[waiting[0].from] {
			break
		}
		if !c.unread() {
			return c
		}
	}
	return nil
}

// unread is whether a first request, or the handshake before it, has come that nobody
// has had the time to read yet: such a connection waits for us.
func (c *connection) unread() (yes bool) {
	socket, ok := c.Conn.(syscall.Conn)
	if c.asked || !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		yes = err == nil && n > 0
	})
	return yes
}

// drop closes the connection at once. all.mu is held.
func (c *connection) drop() {
	delete(c.all.open, c)
	c.forget()
	_ = c.Conn.Close() // below TLS, whose farewell could have to wait
}

// forget has the kernel throw away what is still to be sent when the connection is
// closed, which it would else keep for minutes.
func (c *connection) forget() {
	if t, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = t.SetLinger(0)
	}
}

// Write sends. A client that did not take all in time gets no more.
func (c *connection) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.forget()
	}
	return n, err
}

// cut closes the connection of a client that does not take its answer.
func (c *connection) cut() {
	if c == nil {
		return
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.drop()
}

// Close ends the connection.
func (c *connection) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite tells the client that nothing more comes, so that an answer to a request
// which was not read to its end is not lost.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// count notes that a request has come, and that so many more are being answered.
func (c *connection) count(more int) {
	if c == nil {
		return
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.asked = true
	c.busy += more
	if c.busy == 0 {
		c.since = time.Now()
	}
}
