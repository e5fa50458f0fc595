package inbound

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// turnTime is how long a request may wait until its password is checked.
	turnTime = 10 * time.Second
	// maxRest bounds the rest after a wrong password.
	maxRest = 100 * time.Millisecond
	// maxRight bounds how many right passwords are remembered.
	maxRight = 64
)

// passwords decides whose password is checked when: to check one takes much CPU on
// purpose. One that was right before is checked at once, as the handler below remembers
// most of them, too. The others are checked one at a time, in turn the newest and the
// oldest: so the one that comes before a flood or after it is not held up. After a wrong
// one there is a rest as long as the check took, and then another client's is next, if
// there is one.
type passwords struct {
	key [sha256.Size]byte // so that what is remembered is no password's plain hash

	mu       sync.Mutex // guards the fields below
	right    map[credential]time.Time
	checking bool
	queue    []*turn // the oldest first; as many as there may be requests
	last     string  // whose password was wrong last
	oldest   bool    // which of the queue is next
}

// credential stands for a name and a password.
type credential [sha256.Size]byte

// turn is what a request waits for.
type turn struct {
	from string
	come chan struct{}
}

func (p *passwords) init() {
	_, _ = rand.Read(p.key[:]) // never fails
	p.right = make(map[credential]time.Time)
}

func (p *passwords) check(next http.Handler, w *response, r *http.Request) {
	q := w.request
	header := r.Header.Get("Authorization")
	if header == "" {
		next.ServeHTTP(w, r)
		return
	}
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write([]byte(header))
	id := credential(mac.Sum(nil))
	if p.known(id) {
		next.ServeHTTP(w, r)
		if w.status == http.StatusUnauthorized { // the password was changed
			p.forget(id)
		}
		return
	}
	var from string
	if q.conn != nil {
		from = q.conn.from
	}
	if !p.await(r.Context(), from) {
		Problem{Status: http.StatusServiceUnavailable, Title: "Too many passwords to check", Detail: "try again later"}.Write(w)
		return
	}
	begun, admitted := time.Now(), false
	q.admitted = func() {
		admitted = true
		p.remember(id)
		p.pass("")
	}
	defer func() {
		if !admitted {
			time.Sleep(min(time.Since(begun), maxRest))
			p.pass(from)
		}
	}()
	next.ServeHTTP(w, r)
}

// await waits for the turn to check a password. It is false where that does not come
// in time.
func (p *passwords) await(ctx context.Context, from string) bool {
	p.mu.Lock()
	if !p.checking {
		p.checking = true
		p.mu.Unlock()
		return true
	}
	t := &turn{from, make(chan struct{})}
	p.queue = append(p.queue, t)
	p.mu.Unlock()

	timer := time.NewTimer(turnTime)
	defer timer.Stop()
	select {
	case <-t.come:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, t); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		return false
	}
	return true // it came at the same moment
}

// pass gives the turn to the next. wrong is whose password was wrong, empty if it was
// right.
func (p *passwords) pass(wrong string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wrong != "" {
		p.last = wrong
	}
	if len(p.queue) == 0 {
		p.checking = false
		return
	}
	waiting := slices.DeleteFunc(slices.Clone(p.queue), func(t *turn) bool { return t.from == p.last })
	if len(waiting) == 0 {
		waiting = p.queue
	}
	next := waiting[len(waiting)-1]
	if p.oldest {
		next = waiting[0]
	}
	p.oldest = !p.oldest
	i := slices.Index(p.queue, next)
	p.queue = slices.Delete(p.queue, i, i+1)
	close(next.come)
}

func (p *passwords) known(id credential) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.right[id]
	if ok {
		p.right[id] = time.Now()
	}
	return ok
}

// remember forgets the one that was not used for longest where there are too many.
func (p *passwords) remember(id credential) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.right[id] = time.Now()
	if len(p.right) <= maxRight {
		return
	}
	oldest := id
	for other, used := range p.right {
		if used.Before(p.right[oldest]) {
			oldest = other
		}
	}
	delete(p.right, oldest)
}

func (p *passwords) forget(id credential) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.right, id)
}
