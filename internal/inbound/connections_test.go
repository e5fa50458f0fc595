package inbound

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Of the connections that wait for their client the one goes that has waited longest.
func TestTooManyConnections(t *testing.T) {
	behind(t, 3, Bounds{}, nil, func(r *rig) {
		busy, half, kept := r.dial(), r.dial(), r.dial()
		busy.send(getSlow)
		half.send("GET /fast HTTP/1.1\r\n")
		time.Sleep(time.Second)
		kept.get("/fast")
		fourth := r.dial()
		if status, _, _ := fourth.get("/fast"); status != 200 {
			t.Errorf("the newest: status %d", status)
		}
		if !half.closed() {
			t.Error("the unfinished request that waited longest is still there")
		}
		if status, _, _ := kept.get("/fast"); status != 200 {
			t.Errorf("the connection that waited less long: status %d", status)
		}
		close(r.gate)
		if status, _, _ := busy.answer(); status != 200 {
			t.Errorf("the request that is answered: status %d", status)
		}
	})
}

// A client with many connections costs no other client one.
func TestConnectionsOfOneClient(t *testing.T) {
	behind(t, 10, Bounds{}, nil, func(r *rig) {
		good := r.dialFrom("10.0.0.1:4711")
		good.get("/fast")
		time.Sleep(time.Minute)
		var hostile []*client
		for i := range 40 {
			hostile = append(hostile, r.dialFrom(fmt.Sprintf("10.0.0.2:%d", i)))
		}
		time.Sleep(HeaderTime - time.Second)
		left := 0
		for _, c := range hostile {
			if !c.closed() {
				left++
			}
		}
		if left != 9 {
			t.Errorf("%d hostile connections are open, want 9", left)
		}
		if status, _, _ := good.get("/fast"); status != 200 {
			t.Errorf("status %d", status)
		}
	})
}

// A connection has a moment for its request to come; those that come meanwhile wait
// for theirs.
func TestConnectionsComeFast(t *testing.T) {
	behind(t, 2, Bounds{}, nil, func(r *rig) {
		begun := time.Now()
		for range 4 {
			r.dial()
		}
		last := r.dial()
		if status, _, _ := last.get("/fast"); status != 200 {
			t.Errorf("status %d", status)
		}
		if d := time.Since(begun); d < patience {
			t.Errorf("five connections in %v: the first had no moment", d)
		}
	})
}

// Headers that do not come whole, and a next request that does not come, end the
// connection.
func TestConnectionsThatWait(t *testing.T) {
	behind(t, 10, Bounds{}, nil, func(r *rig) {
		silent, half, kept := r.dial(), r.dial(), r.dial()
		half.send("GET /fast HTTP/1.1\r\nHost: h\r\nX-Half:")
		kept.get("/fast")
		time.Sleep(HeaderTime + time.Millisecond)
		if !silent.closed() || !half.closed() {
			t.Error("a request without end is still waited for")
		}
		if status, _, _ := kept.get("/fast"); status != 200 {
			t.Errorf("a connection that is kept: status %d", status)
		}
		time.Sleep(IdleTime + time.Millisecond)
		if !kept.closed() {
			t.Error("it is kept for ever")
		}
	})
}

// All waiting ones may be cut, but not who waits for us.
func TestAllAreBusy(t *testing.T) {
	behind(t, 2, Bounds{}, nil, func(r *rig) {
		one, two := r.dial(), r.dial()
		one.send(getSlow)
		two.send(getSlow)
		late := r.dial()
		late.send("GET /fast HTTP/1.1\r\nHost: h\r\n\r\n")
		time.Sleep(time.Second)
		synctest.Wait()
		close(r.gate)
		for _, c := range []*client{one, two} {
			if status, _, _ := c.answer(); status != 200 {
				t.Errorf("status %d", status)
			}
		}
	})
}
