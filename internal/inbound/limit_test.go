package inbound

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// handlers has a handler that waits, one that answers much, one that repeats the body.
func handlers(l *Limit, gate chan struct{}) http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, h http.HandlerFunc) { mux.Handle(path, l.Bound(h)) }
	handle("/fast", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fast") })
	handle("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-gate:
			_, _ = io.WriteString(w, "slow")
		case <-r.Context().Done():
			http.Error(w, "cut off", http.StatusInternalServerError)
		}
	})
	handle("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	handle("/much", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("much ", 100_000))
	})
	handle("/made", func(w http.ResponseWriter, _ *http.Request) {
		Made(w)
		_, _ = io.WriteString(w, strings.Repeat("made ", 100_000))
	})
	return mux
}

const getSlow = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"

func TestPlaces(t *testing.T) {
	behind(t, 100, Bounds{Places: 2}, nil, func(r *rig) {
		one, two, three := r.dial(), r.dial(), r.dial()
		one.send(getSlow)
		two.send(getSlow)
		if status, header, body := three.get("/fast"); status != 503 || header.Get("Retry-After") == "" || !strings.Contains(body, "limit") {
			t.Errorf("above the limit: %d %v %s", status, header, body)
		}
		r.gate <- struct{}{}
		if status, _, _ := one.answer(); status != 200 {
			t.Errorf("within the limit: %d", status)
		}
		if status, _, _ := three.get("/fast"); status != 200 {
			t.Errorf("with a place free: %d", status)
		}
		r.gate <- struct{}{}
		two.answer()
	})
}

// A client that leaves gives its place back.
func TestClientLeaves(t *testing.T) {
	behind(t, 100, Bounds{Places: 1}, nil, func(r *rig) {
		one, two := r.dial(), r.dial()
		one.send(getSlow)
		one.Conn.Close()
		synctest.Wait()
		if status, _, _ := two.get("/fast"); status != 200 {
			t.Errorf("its place is still taken: %d", status)
		}
	})
}

// A place belongs to a request that has arrived.
func TestBody(t *testing.T) {
	tests := map[string]struct {
		send   string
		status int
		after  time.Duration
	}{
		"whole":               {"Content-Length: 4\r\n\r\nbody", 200, 0},
		"in chunks":           {"Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", 200, 0},
		"none":                {"Content-Length: 1000\r\n\r\n", 408, BodyTime},
		"half":                {"Content-Length: 4\r\n\r\nbo", 408, BodyTime},
		"chunks without end":  {"Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n", 408, BodyTime},
		"no chunks":           {"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400, 0},
		"too large":           {"Content-Length: 1001\r\n\r\n", 413, 0},
		"too large in chunks": {"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + strings.Repeat("b", 1001) + "\r\n0\r\n\r\n", 413, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			behind(t, 100, Bounds{Places: 1, Body: 1000}, nil, func(r *rig) {
				c, other := r.dial(), r.dial()
				begun := time.Now()
				c.send("GET /echo HTTP/1.1\r\nHost: h\r\n%s", tt.send)
				if status, _, _ := other.get("/fast"); status != 200 {
					t.Errorf("another request meanwhile: %d", status)
				}
				status, header, body := c.answer()
				if status != tt.status || time.Since(begun) != tt.after {
					t.Errorf("status %d after %v, want %d after %v: %s", status, time.Since(begun), tt.status, tt.after, body)
				}
				if status == 200 {
					if body != "body" {
						t.Errorf("the handler read %q", body)
					}
					time.Sleep(BodyTime + time.Second)
					if status, _, _ := c.get("/fast"); status != 200 {
						t.Errorf("the next request on the connection: %d", status)
					}
					return
				}
				if header.Get("Connection") != "close" || header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%v", header)
				}
				time.Sleep(time.Second) // in which the client may read the answer
				if !c.closed() {
					t.Error("the rest is waited for")
				}
			})
		})
	}
}

// A body that drips is cut off all the same.
func TestBodyThatDrips(t *testing.T) {
	behind(t, 100, Bounds{Body: 1000}, nil, func(r *rig) {
		c := r.dial()
		c.send("GET /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
		go func() {
			for {
				if _, err := c.Write([]byte(" ")); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		begun := time.Now()
		if status, _, _ := c.answer(); status != 408 || time.Since(begun) != BodyTime {
			t.Errorf("status %d after %v", status, time.Since(begun))
		}
		c.Conn.Close()
		time.Sleep(time.Second)
	})
}

// The time to arrive does not go on while a request is answered.
func TestLongAnswer(t *testing.T) {
	behind(t, 100, Bounds{Body: 1000}, nil, func(r *rig) {
		plain, withBody := r.dial(), r.dial()
		plain.send(getSlow)
		withBody.send("GET /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")
		time.Sleep(10 * time.Minute)
		close(r.gate)
		for _, c := range []*client{plain, withBody} {
			if status, _, body := c.answer(); status != 200 || body != "slow" {
				t.Errorf("%d %s", status, body)
			}
		}
	})
}

func TestTimeOfTheHandler(t *testing.T) {
	behind(t, 100, Bounds{Time: time.Minute}, nil, func(r *rig) {
		begun := time.Now()
		if status, _, _ := r.dial().get("/slow"); status != 500 || time.Since(begun) != time.Minute {
			t.Errorf("status %d after %v", status, time.Since(begun))
		}
	})
}

// A client that does not read its answer loses its place to the next one, and else after
// AnswerTime.
func TestClientThatDoesNotRead(t *testing.T) {
	behind(t, 100, Bounds{Places: 1}, nil, func(r *rig) {
		idle, good := r.dial(), r.dial()
		idle.send("GET /much HTTP/1.1\r\nHost: h\r\n\r\n")
		if status, _, _ := good.get("/fast"); status != 503 {
			t.Errorf("status %d while the other may still read, want 503", status)
		}
		time.Sleep(slow)
		if status, _, _ := good.get("/fast"); status != 200 {
			t.Errorf("status %d once the other was slow, want 200", status)
		}
		if !idle.closed() {
			t.Error("the slow client is still connected")
		}

		alone := r.dial()
		alone.send("GET /much HTTP/1.1\r\nHost: h\r\n\r\n")
		time.Sleep(AnswerTime + time.Second)
		if !alone.closed() {
			t.Error("a client that does not read at all is still connected")
		}
		if status, _, _ := good.get("/fast"); status != 200 {
			t.Errorf("the deadline of one answer holds for the next: %d", status)
		}
	})
}

// A client that takes a little at a time is cut off all the same.
func TestClientThatReadsSlowly(t *testing.T) {
	behind(t, 100, Bounds{}, nil, func(r *rig) {
		c := r.dial()
		c.send("GET /much HTTP/1.1\r\nHost: h\r\n\r\n")
		read, begun := 0, time.Now()
		for {
			n, err := c.Read(make([]byte, 1000))
			read += n
			if err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		if d := time.Since(begun); d > AnswerTime+5*time.Second {
			t.Errorf("%d bytes in %v", read, d)
		}
	})
}

// What costs nothing to keep is sent without a place.
func TestMade(t *testing.T) {
	behind(t, 100, Bounds{Places: 1}, nil, func(r *rig) {
		idle, good := r.dial(), r.dial()
		idle.send("GET /made HTTP/1.1\r\nHost: h\r\n\r\n")
		for range 3 {
			if status, _, _ := good.get("/fast"); status != 200 {
				t.Errorf("status %d", status)
			}
		}
		if status, _, body := idle.answer(); status != 200 || len(body) != 500_000 {
			t.Errorf("%d with %d bytes", status, len(body))
		}
	})
}

// A handler can be asked without a door, as in tests of it alone.
func TestNoDoor(t *testing.T) {
	r, w := newRequest(t, "/made"), newRecorder()
	handlers(NewLimit(Bounds{Places: 1}), nil).ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}
