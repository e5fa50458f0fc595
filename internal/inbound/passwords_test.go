package inbound

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lock checks passwords as the exporter toolkit does: one at a time, and slowly, but
// for those that it remembers.
type lock struct {
	turn     chan struct{} // one check at a time
	right    string
	known    map[string]bool
	next     http.Handler
	checking []string
	took     time.Duration
}

func (l *lock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, password, _ := r.BasicAuth()
	l.turn <- struct{}{}
	if password != "" && !l.known[password] {
		l.checking = append(l.checking, password)
		time.Sleep(l.took)
	}
	right := password == l.right
	if right {
		l.known[password] = true
	}
	<-l.turn
	if !right {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	l.next.ServeHTTP(w, r)
}

func withPassword(path, password string) string {
	r, _ := http.NewRequest(http.MethodGet, path, nil) //nolint:noctx // it is not sent
	r.SetBasicAuth("user", password)
	return "GET " + path + " HTTP/1.1\r\nHost: h\r\nAuthorization: " + r.Header.Get("Authorization") + "\r\n\r\n"
}

func locked(t *testing.T, f func(*rig, *lock)) {
	l := &lock{right: "right", known: map[string]bool{}, took: maxRest}
	behind(t, 1000, Bounds{}, func(h http.Handler) http.Handler { l.next, l.turn = h, make(chan struct{}, 1); return l }, func(r *rig) { f(r, l) })
}

// However many wrong passwords there are, a right one waits for one check at most
// before its own, whether it was seen before or not.
func TestWrongPasswords(t *testing.T) {
	for _, seen := range []bool{false, true} {
		locked(t, func(r *rig, l *lock) {
			good := r.dialFrom("10.0.0.1:1")
			ask := func() time.Duration {
				begun := time.Now()
				good.send("%s", withPassword("/fast", "right"))
				if status, _, body := good.answer(); status != 200 || body != "fast" {
					t.Fatalf("status %d: %s", status, body)
				}
				return time.Since(begun)
			}
			if seen {
				ask()
			}
			for range 200 {
				r.dialFrom("10.0.0.2:1").send("%s", withPassword("/fast", "wrong"))
			}
			if seen {
				delete(l.known, "right") // the flood has pushed it out
			}
			if d := ask(); d > 3*maxRest {
				t.Errorf("seen before %v: answered after %v", seen, d)
			}
			time.Sleep(turnTime)
		})
	}
}

// The newest and the oldest are checked in turn, but another client's goes before the one
// whose password was wrong.
func TestOrderOfChecks(t *testing.T) {
	locked(t, func(r *rig, l *lock) {
		for _, q := range []struct{ from, password string }{
			{"10.0.0.2:1", "a1"}, {"10.0.0.2:2", "a2"}, {"10.0.0.3:1", "b1"}, {"10.0.0.2:3", "a3"}, {"10.0.0.2:4", "a4"}, {"10.0.0.2:5", "a5"},
		} {
			r.dialFrom(q.from).send("%s", withPassword("/fast", q.password))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := strings.Join(l.checking, " "); got != "a1 b1 a2 a5 a3 a4" {
			t.Errorf("checked in the order %s", got)
		}
	})
}

// After a wrong password there is a rest, so that checks take half of the time at most.
func TestRestAfterAWrongPassword(t *testing.T) {
	locked(t, func(r *rig, _ *lock) {
		c := r.dial()
		begun := time.Now()
		for range 3 {
			c.send("%s", withPassword("/fast", "wrong"))
			if status, header, _ := c.answer(); status != 401 || header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("status %d %v", status, header)
			}
		}
		if d := time.Since(begun); d != 6*maxRest {
			t.Errorf("three checks of %v in %v", maxRest, d)
		}
	})
}

// Who waits too long for a check is sent away.
func TestTooManyPasswords(t *testing.T) {
	locked(t, func(r *rig, l *lock) {
		l.took = time.Hour
		r.dial().send("%s", withPassword("/fast", "wrong"))
		begun := time.Now()
		c := r.dial()
		c.send("%s", withPassword("/fast", "right"))
		if status, header, _ := c.answer(); status != 503 || header.Get("Retry-After") == "" || time.Since(begun) != turnTime {
			t.Errorf("status %d after %v", status, time.Since(begun))
		}
		time.Sleep(2 * time.Hour)
	})
}

// A password that is right no more is forgotten.
func TestPasswordIsChanged(t *testing.T) {
	locked(t, func(r *rig, l *lock) {
		c := r.dial()
		for i, want := range []int{200, 401, 200} {
			l.right = []string{"right", "other", "right"}[i]
			c.send("%s", withPassword("/fast", "right"))
			if status, _, _ := c.answer(); status != want {
				t.Errorf("request %d: status %d, want %d", i, status, want)
			}
			if n := len(r.door.passwords.right); n != 1-i%2 {
				t.Errorf("request %d: %d passwords are remembered", i, n)
			}
		}
	})
}

func TestRememberedPasswordsAreBounded(t *testing.T) {
	var p passwords
	p.init()
	for i := range 10 * maxRight {
		p.remember(credential{byte(i), byte(i >> 8)})
	}
	if len(p.right) != maxRight {
		t.Errorf("%d are remembered, want %d", len(p.right), maxRight)
	}
}

// The body of a request that is refused is not waited for.
func TestRefusedWithoutItsBody(t *testing.T) {
	locked(t, func(r *rig, _ *lock) {
		c := r.dial()
		begun := time.Now()
		c.send("GET /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
		if status, _, _ := c.answer(); status != 401 || time.Since(begun) > 0 {
			t.Errorf("status %d after %v", status, time.Since(begun))
		}
		time.Sleep(time.Second)
		if !c.closed() {
			t.Error("the rest is waited for")
		}
	})
}

// A request without a password does not wait for those of others.
func TestNoPassword(t *testing.T) {
	locked(t, func(r *rig, l *lock) {
		c := r.dial()
		r.dial().send("%s", withPassword("/fast", "wrong"))
		begun := time.Now()
		if status, _, _ := c.get("/fast"); status != 401 {
			t.Errorf("status %d", status)
		}
		if d := time.Since(begun); d > l.took {
			t.Errorf("after %v", d)
		}
		time.Sleep(time.Minute)
	})
}
