// Package appliancetest is what the emulators of appliances share: a server that counts
// its calls and knows how to fail, and a network in memory. Tests and the demo use it.
//
// On a Network within a testing/synctest bubble hours of sessions, back-off and pauses
// take no time and every call can be counted. Without one an Appliance listens on the
// loopback interface, for whole programs.
package appliancetest

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// dialTimeout is how long a connection to a host that hangs takes to fail.
const dialTimeout = 5 * time.Second

// Network is one in memory, with hosts that can be down, hang or be unknown. Its
// Dial is a rest.Dialer.
type Network struct {
	mu    sync.Mutex // guards the hosts
	hosts map[string]*host
}

// NewNetwork makes one without hosts.
func NewNetwork() *Network { return &Network{hosts: map[string]*host{}} }

// host is an address; its fields are guarded by the Network.
type host struct {
	listener *listener // nil while it is down
	hung     bool
	unknown  bool // the name server does not know it
}

// Dial connects to a host's address, such as array1.test:443.
func (n *Network) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	h := n.hosts[address]
	var l *listener
	hung := false
	if h != nil {
		l, hung = h.listener, h.hung
	}
	unknown := h == nil || h.unknown
	n.mu.Unlock()
	switch {
	case unknown:
		name, _, _ := net.SplitHostPort(address)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}}
	case hung:
		select {
		case <-time.After(dialTimeout):
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case l == nil:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		_, _ = ours.Close(), theirs.Close()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case <-ctx.Done():
		_, _ = ours.Close(), theirs.Close()
		return nil, ctx.Err()
	}
}

// change lends an address, which exists from then on.
func (n *Network) change(address string, change func(*host)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts[address] == nil {
		n.hosts[address] = &host{}
	}
	change(n.hosts[address])
}

func (n *Network) listen(address string) *listener {
	l := &listener{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	l.leave = func() {
		n.change(address, func(h *host) {
			if h.listener == l {
				h.listener = nil
			}
		})
	}
	n.change(address, func(h *host) { h.listener = l })
	return l
}

// listener is a net.Listener.
type listener struct {
	address string
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
	leave   func()
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		l.leave()
		close(l.closed)
	})
	return nil
}

func (l *listener) Addr() net.Addr { return address(l.address) }

type address string

func (address) Network() string  { return "memory" }
func (a address) String() string { return string(a) }
