// Package inbound bounds what clients may cost: how many connections there are, how
// long a request may take to arrive and its answer to be taken, how large it may be,
// how many are answered at once, and how many passwords are checked. It is where every
// answer gets the headers that all have, and where every error becomes a problem
// document.
//
// One rule decides who has to go when there is no room: who waits for us stays, and of
// those that we wait for, the one that has kept us waiting longest goes.
package inbound

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The bounds of every request.
const (
	// HeaderTime is how long a request's headers, and a TLS handshake, may take.
	HeaderTime = 5 * time.Second
	// HeaderBytes bounds the headers of a request, in bytes.
	HeaderBytes = 32 << 10
	// BodyTime is how long the body of a request may take to arrive.
	BodyTime = 5 * time.Second
	// IdleTime is how long a connection is kept for the next request.
	IdleTime = 2 * time.Minute
	// AnswerTime is how long a client may keep us waiting in all, while it takes an
	// answer.
	AnswerTime = 30 * time.Second
	// streams bounds the requests at once on one connection of HTTP/2.
	streams = 32
)

// Door is where clients come in.
type Door struct {
	connections connections
	passwords   passwords
}

// New makes a door for at most so many connections at once.
func New(most int, logger *slog.Logger) *Door {
	d := &Door{}
	d.connections.init(most, logger)
	d.passwords.init()
	return d
}

// Server is a server of a handler that keeps the bounds. Its listeners must be made by
// Listener, and its handler in the end be one of Outside.
func (d *Door) Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: HeaderTime,
		IdleTimeout:       IdleTime,
		MaxHeaderBytes:    HeaderBytes,
		ConnContext:       withConnection,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: streams, MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 64 << 10,
			SendPingTimeout: IdleTime, WriteByteTimeout: AnswerTime,
		},
	}
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	conn, _ := c.(*connection)
	return context.WithValue(ctx, connectionKey{}, conn)
}

type requestKey struct{}

// request is one request while it is here. It is nil where there is no door, as in
// tests of a handler alone; all methods work then.
type request struct {
	conn     *connection
	arrived  bool // nothing of it is missing any more
	admitted func()
	place    *place
}

func requestOf(ctx context.Context) *request {
	q, _ := ctx.Value(requestKey{}).(*request)
	return q
}

// Outside goes around the handler that checks who asks. Passwords that were right
// before are checked at once, others one after the other.
func (d *Door) Outside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{arrived: r.ContentLength == 0}
		q.conn, _ = r.Context().Value(connectionKey{}).(*connection)
		q.conn.count(0)
		out := &response{ResponseWriter: w, request: q, left: AnswerTime}
		defer out.end()
		d.passwords.check(next, out, r.WithContext(context.WithValue(r.Context(), requestKey{}, q)))
	})
}

// Admitted goes around the handler that the checks let requests through to.
func (d *Door) Admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := requestOf(r.Context()); q != nil && q.admitted != nil {
			q.admitted()
		}
		next.ServeHTTP(w, r)
	})
}
