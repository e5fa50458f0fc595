package rest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"storage_exporter/internal/secret"
)

const (
	maxCalls    = 2                      // to one appliance at once
	maxBody     = 16 << 20               // of a reply, unpacked
	dialTimeout = 5 * time.Second        // to connect, within a call's timeout
	closeTime   = 2 * time.Second        // for the logout
	jitterLeast = 100 * time.Millisecond // before a call is repeated
	jitterMost  = 500 * time.Millisecond
)

// Dialer makes the connections of a Client; nil is the network. Tests bring their
// own.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Config is what a Client is made of.
type Config struct {
	Access Access
	Auth   Auth // zero for none
	// Secrets are the passwords and tokens that the backend read. They never show
	// in an error, even where the appliance repeats them.
	Secrets []secret.Text
	Header  http.Header // sent with every call; may be nil
	Dial    Dialer
	Logger  *slog.Logger
}

// Client talks to one appliance for all of its volumes: at most two calls at
// once, on connections that are kept. It may be used by many at a time.
//
// Of several endpoints it uses one until that refuses, does not answer or says
// 502 or 503, then the next. A GET that could not connect or got 502, 503 or 504
// is repeated once after a moment. When the appliance says how long it wants to be left
// alone (Retry-After), all calls until then fail at once with ErrThrottled.
type Client struct {
	cfg    Config
	http   *http.Client
	turns  chan struct{}   // taken by each call
	base   context.Context // ends with Close
	end    context.CancelFunc
	keeper *keeper
	pause  pause
	used   atomic.Uint32 // which endpoint, modulo their number

	closing sync.Once
}

// NewClient makes a client and asks nothing. The error is the user's: a CA file
// that cannot be read. It logs one warning where certificates are not verified, or
// where there is no TLS at all.
func NewClient(cfg Config) (*Client, error) {
	tlsConfig, err := cfg.Access.tls()
	if err != nil {
		return nil, err
	}
	if len(cfg.Access.Endpoints) == 0 {
		return nil, errors.New("no endpoint")
	}
	if cfg.Access.Timeout <= 0 {
		cfg.Access.Timeout = DefaultTimeout
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	if cfg.Access.Insecure {
		cfg.Logger.Warn("the appliance's certificate is not verified: anyone in between can read the credentials",
			"endpoint", cfg.Access.Endpoint(), "option", cfg.Access.verifyKey)
	}
	for _, u := range cfg.Access.Endpoints {
		if u.Scheme == "http" {
			cfg.Logger.Warn("the appliance is asked without TLS: anyone in between can read the credentials", "endpoint", u.String())
		}
	}
	transport := &http.Transport{
		DialContext:            cfg.Dial,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    dialTimeout,
		MaxIdleConns:           maxCalls,
		MaxIdleConnsPerHost:    maxCalls,
		MaxConnsPerHost:        maxCalls,
		IdleConnTimeout:        2 * time.Minute,
		MaxResponseHeaderBytes: 256 << 10,
	}
	if cfg.Access.Proxy != nil {
		transport.Proxy = http.ProxyURL(cfg.Access.Proxy)
	}
	c := &Client{cfg: cfg, turns: make(chan struct{}, maxCalls)}
	c.base, c.end = context.WithCancel(context.Background())
	c.http = &http.Client{Transport: transport, CheckRedirect: sameOrigin}
	c.keeper = newKeeper(c)
	return c, nil
}

// Request is one call.
type Request struct {
	Method string // GET unless it says otherwise
	// Path begins with a slash and goes below the endpoint. What is special in it
	// is escaped (url.PathEscape); it may have a query.
	Path  string
	Query url.Values // added to the query
	// Header is added to the Client's.
	Header http.Header
	// Body is nil for none, url.Values for a form, and anything else is JSON.
	Body any
	// Optional is for what the volumes can do without. An account that may not see
	// it is answered with 401 by some appliances: then this call fails with
	// ErrForbidden, and the others go on.
	Optional bool

	rooted bool // Path is from the root of the host, as a link in a reply has it
}

// Get asks for path and decodes the answer into what into points to. A nil into
// drops the answer.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	answer, err := c.Do(ctx, Request{Path: path, Query: query})
	if err != nil || into == nil {
		return err
	}
	return answer.Decode(into)
}

// GetOptional is Get for what the volumes can do without: see Request.
func (c *Client) GetOptional(ctx context.Context, path string, query url.Values, into any) error {
	answer, err := c.Do(ctx, Request{Path: path, Query: query, Optional: true})
	if err != nil {
		return err
	}
	return answer.Decode(into)
}

// Do makes a call and returns an answer with a status of 2xx, or an error. It logs
// in before where that is needed, and when the appliance answers 401, once more.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	token, err := c.keeper.token(ctx, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.send(ctx, r, token)
	if r.Optional && errors.Is(err, ErrUnauthorized) && c.keeper.stays(token) {
		return nil, notForUs(err)
	}
	if !c.keeper.expired(token, err) {
		if err == nil {
			c.keeper.accepted(token)
		}
		return answer, err
	}
	fresh, err := c.keeper.instead(ctx, token, err)
	if err != nil {
		return nil, err
	}
	answer, err = c.send(ctx, r, fresh)
	switch {
	case err == nil:
		c.keeper.accepted(fresh)
	case r.Optional && errors.Is(err, ErrUnauthorized):
		err = notForUs(err)
	case errors.Is(err, ErrUnauthorized):
		err = c.keeper.refuse(fresh, err)
	}
	return answer, err
}

// Close logs out, within two seconds, and ends the connections. Calls from then
// on get ErrClosed.
func (c *Client) Close() error {
	var err error
	c.closing.Do(func() {
		c.end()
		err = c.keeper.close()
		c.http.CloseIdleConnections()
	})
	return err
}

// send makes the call with a token, which may be nil, and repeats it where that
// may help.
func (c *Client) send(ctx context.Context, r Request, token *Token) (*Answer, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	var body []byte
	var bodyType string
	switch b := r.Body.(type) {
	case nil:
	case url.Values:
		body, bodyType = []byte(b.Encode()), "application/x-www-form-urlencoded"
	default:
		var err error
		if body, err = json.Marshal(b); err != nil {
			return nil, err
		}
		bodyType = "application/json"
	}
	others := len(c.cfg.Access.Endpoints) - 1
	for tries := 0; ; tries++ {
		used := c.used.Load()
		answer, failed, err := c.attempt(ctx, r, token, body, bodyType, c.cfg.Access.Endpoints[int(used)%(others+1)])
		if err == nil {
			return answer, nil
		}
		if failed.rotate && ctx.Err() == nil {
			c.used.CompareAndSwap(used, used+1)
		}
		switch {
		case failed.unsent && tries < others: // another endpoint may answer
		case failed.repeat && tries == 0 && r.Method == http.MethodGet:
		default:
			return nil, err
		}
		if !wait(ctx, jitterLeast+rand.N(jitterMost-jitterLeast)) { //nolint:gosec // not for secrecy
			return nil, err
		}
	}
}

// wait is false when ctx ends before, or will have ended by then.
func wait(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// sameOrigin follows a redirect only where the credentials may go, too.
func sameOrigin(next *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || first.Method != http.MethodGet || next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// secrets are all that must not show, in every spelling in which it travels, each
// with what stands for it.
func (c *Client) secrets(token *Token) []string {
	bare := append(token.secrets(), c.keeper.secrets()...)
	for _, s := range c.cfg.Secrets {
		bare = append(bare, s.Reveal())
	}
	slices.SortFunc(bare, func(a, b string) int { return len(b) - len(a) }) // one may begin like another
	var pairs []string
	for _, s := range bare {
		if s == "" {
			continue
		}
		quoted, err := json.Marshal(s)
		if err != nil {
			continue // a text always can be
		}
		for _, spelt := range []string{s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(quoted), `"`)} {
			pairs = append(pairs, spelt, secret.Redacted)
		}
	}
	return pairs
}
