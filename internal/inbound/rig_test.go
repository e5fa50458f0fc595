package inbound

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rig is a server behind a door, in a bubble. Its connections are pipes: what is
// written waits until it is read.
type rig struct {
	*testing.T
	accepted chan net.Conn
	door     *Door
	gate     chan struct{} // of the handler that waits
}

// behind runs f with a server of the handlers. auth, if not nil, is what checks who asks.
func behind(t *testing.T, most int, b Bounds, auth func(http.Handler) http.Handler, f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, accepted: make(chan net.Conn, 1000), door: New(most, slog.New(slog.DiscardHandler)), gate: make(chan struct{})}
		admitted := r.door.Admitted(handlers(NewLimit(b), r.gate))
		if auth != nil {
			admitted = auth(admitted)
		}
		server := r.door.Server(r.door.Outside(admitted))
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(r.door.Listener(r)) })
		f(r)
		close(r.accepted)
		_ = server.Close()
		serving.Wait()
	})
}

// The rig is the listener, too.
func (r *rig) Accept() (net.Conn, error) {
	if c, ok := <-r.accepted; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (r *rig) Close() error   { return nil }
func (r *rig) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// client is one connection.
type client struct {
	*rig
	net.Conn
	in *bufio.Reader
}

type located struct {
	net.Conn
	from string
}

func (l located) RemoteAddr() net.Addr { return &net.UnixAddr{Name: l.from} }

func (r *rig) dial() *client { return r.dialFrom("host:1") }

func (r *rig) dialFrom(address string) *client {
	near, far := net.Pipe()
	r.accepted <- located{far, address}
	c := &client{r, near, bufio.NewReader(near)}
	r.Cleanup(func() { near.Close() })
	synctest.Wait()
	return c
}

// send writes without waiting for the server to read it.
func (c *client) send(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	go func() { _, _ = io.WriteString(c.Conn, text) }()
	synctest.Wait()
}

// answer reads one.
func (c *client) answer() (int, http.Header, string) {
	c.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	if resp.Close {
		resp.Header.Set("Connection", "close") // which was taken out
	}
	synctest.Wait() // the handler has returned, too
	return resp.StatusCode, resp.Header, string(body)
}

func (c *client) get(path string, headers ...string) (int, http.Header, string) {
	c.Helper()
	c.send("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, strings.Join(append(headers, ""), "\r\n"))
	return c.answer()
}

// closed is whether the server has closed the connection by now.
func (c *client) closed() bool {
	synctest.Wait()
	_ = c.SetReadDeadline(time.Now().Add(time.Nanosecond))
	_, err := io.Copy(io.Discard, c.in)
	_ = c.SetReadDeadline(time.Time{})
	return err == nil // the end
}
