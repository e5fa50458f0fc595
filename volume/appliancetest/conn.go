package appliancetest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// pipe is a net.Pipe whose writers do not wait for the reader, as on a network:
// TLS needs that, where both sides may write at once.
func pipe() (a, b net.Conn) {
	x, y := net.Pipe()
	return newConn(x), newConn(y)
}

type conn struct {
	net.Conn
	queue chan []byte
	done  chan struct{}
	once  sync.Once
}

func newConn(inner net.Conn) *conn {
	c := &conn{Conn: inner, queue: make(chan []byte, 256), done: make(chan struct{})}
	go c.pump()
	return c
}

func (c *conn) Write(b []byte) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	default:
	}
	select {
	case c.queue <- bytes.Clone(b):
		return len(b), nil
	case <-c.done:
		return 0, net.ErrClosed
	}
}

// Close lets what was written arrive, for a second at most. What the other side still
// writes is dropped, so that two that close at once do not wait for each other.
func (c *conn) Close() error {
	c.once.Do(func() {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		close(c.done)
		go func() { _, _ = io.Copy(io.Discard, c.Conn) }() // until pump ends
	})
	return nil
}

// SetWriteDeadline does nothing, for no write waits: crypto/tls sets one that is
// over before it closes, and what is on its way would be lost.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline is about reading alone.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// pump ends when either side closes.
func (c *conn) pump() {
	defer func() { _ = c.Conn.Close() }()
	for {
		select {
		case b := <-c.queue:
			if _, err := c.Conn.Write(b); err != nil {
				_ = c.Close()
				return
			}
		case <-c.done:
			if len(c.queue) == 0 {
				return
			}
		}
	}
}
