package inbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// slow is how long a client may keep us waiting for it to take a piece of its answer
	// while others want its place.
	slow = 250 * time.Millisecond
	// handover is how long a place may take to be free once its request was cut off.
	handover = time.Second
)

// Bounds are those of the requests for some paths.
type Bounds struct {
	// Places are how many requests are answered at once; 0 means no bound.
	Places int
	// Body bounds the body of a request, in bytes.
	Body int64
	// Time bounds how long the handler may take; 0 leaves that to the handler.
	Time time.Duration
}

// Limit keeps the bounds of some paths together.
type Limit struct {
	Bounds
	free chan struct{} // nil: no bound

	mu    sync.Mutex // guards taken, and the fields of each place
	taken map[*place]struct{}
}

// NewLimit makes a limit with all places free.
func NewLimit(b Bounds) *Limit {
	l := &Limit{Bounds: b, taken: make(map[*place]struct{})}
	if b.Places > 0 {
		l.free = make(chan struct{}, b.Places)
		for range b.Places {
			l.free <- struct{}{}
		}
	}
	return l
}

// place is what a request has while it is answered.
type place struct {
	limit *Limit
	conn  *connection

	// Guarded by limit.mu.
	waiting time.Time // since when for its client; zero: it does not wait
}

// Bound lets a request to the handler once it has arrived whole and has a place. Where
// all places are taken, it gets that of the request whose client has kept us waiting
// longest, else 503.
func (l *Limit) Bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := requestOf(r.Context())
		if q == nil {
			q = &request{arrived: r.ContentLength == 0}
		}
		body, missing := l.arrive(w, r)
		if missing != nil {
			missing.Write(w)
			return
		}
		q.arrived = true
		q.conn.count(1)
		defer q.conn.count(-1)
		p := l.enter(r.Context(), q.conn)
		if p == nil {
			w.Header().Set("Retry-After", "1")
			Problem{Status: http.StatusServiceUnavailable, Title: "Too many requests at once",
				Detail: fmt.Sprintf("%d requests for such paths are being answered, which is the limit: try again later", l.Places)}.Write(w)
			return
		}
		defer p.leave()
		q.place = p
		defer func() { q.place = nil }()
		ctx := r.Context()
		if l.Time > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, l.Time)
			defer cancel()
		}
		whole := r.WithContext(ctx)
		if body != nil {
			whole.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(w, whole)
	})
}

// arrive reads the body; nil for none. The problem is why it did not come.
func (l *Limit) arrive(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	tooLarge := &Problem{Status: http.StatusRequestEntityTooLarge, Title: "Request too large",
		Detail: fmt.Sprintf("the body of a request for this path has at most %d bytes", l.Body)}
	if r.ContentLength > l.Body {
		return nil, tooLarge
	}
	// net/http takes the deadline back at the body's end, from where on it only looks
	// whether the client goes away.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(BodyTime))
	body, err := io.ReadAll(io.LimitReader(r.Body, l.Body+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &Problem{Status: http.StatusRequestTimeout, Title: "Request timeout", Detail: fmt.Sprintf("the body did not arrive within %v", BodyTime)}
	case err != nil:
		return nil, &Problem{Status: http.StatusBadRequest, Title: "Bad request", Detail: "the body did not arrive whole"}
	case int64(len(body)) > l.Body:
		return nil, tooLarge
	}
	return body, nil
}

// enter takes a place; nil where there is none.
func (l *Limit) enter(ctx context.Context, c *connection) *place {
	if l.free != nil && !l.wait(ctx) {
		return nil
	}
	p := &place{limit: l, conn: c}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken[p] = struct{}{}
	return p
}

func (l *Limit) wait(ctx context.Context) bool {
	select {
	case <-l.free:
		return true
	default:
	}
	if !l.cutSlowest() {
		return false
	}
	timer := time.NewTimer(handover)
	defer timer.Stop()
	select {
	case <-l.free:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// cutSlowest closes the connection of the request that has waited longest for its
// client, if any has waited long.
func (l *Limit) cutSlowest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var slowest *place
	for p := range l.taken {
		if !p.waiting.IsZero() && (slowest == nil || p.waiting.Before(slowest.waiting)) {
			slowest = p
		}
	}
	if slowest == nil || time.Since(slowest.waiting) < slow {
		return false
	}
	slowest.waiting = time.Time{} // it is cut once
	slowest.conn.cut()
	return true
}

func (p *place) waits(yes bool) {
	p.limit.mu.Lock()
	defer p.limit.mu.Unlock()
	p.waiting = time.Time{}
	if yes {
		p.waiting = time.Now()
	}
}

// leave gives the place back, once.
func (p *place) leave() {
	p.limit.mu.Lock()
	defer p.limit.mu.Unlock()
	if _, ok := p.limit.taken[p]; !ok {
		return
	}
	delete(p.limit.taken, p)
	if p.limit.free != nil {
		p.limit.free <- struct{}{}
	}
}

// Made gives the place of a request back before its answer is sent. It is for handlers
// whose answers take no memory of their own.
func Made(w http.ResponseWriter) {
	if out, ok := w.(*response); ok && out.request.place != nil {
		out.request.place.leave()
	}
}
