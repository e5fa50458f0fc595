package rest

import (
	"cmp"
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
	maxCalls     = 2                      // to one appliance at once
	maxRedirects = 3                      // that are followed, of one call
	dialTimeout  = 5 * time.Second        // to connect, within a call's timeout
	closeTime    = 2 * time.Second        // for the logout
	jitterLeast  = 100 * time.Millisecond // before a call is repeated
	jitterMost   = 500 * time.Millisecond
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
	Limits  Limits
	Dial    Dialer
	Logger  *slog.Logger
}

// Limits are what a Client takes from the other side. Zero ones are what suits an
// appliance.
type Limits struct {
	Body        int64         // bytes of a reply, unpacked: 16 MiB
	Pause       time.Duration // for which no call is made because it was asked for: an hour
	NoRedirects bool          // else three are followed, to the same host
}

// Client talks to one appliance for all of its volumes: at most two calls at
// once, on connections that stay open. Its methods may run at once.
//
// Of several endpoints it uses one until that refuses, does not answer or answers
// 502 or 503, then the next. A GET that could not connect or got 502, 503 or 504
// is repeated once after a moment. Retry-After is obeyed: until its end all calls
// fail at once with ErrThrottled.
type Client struct {
	cfg     Config
	http    *http.Client
	turns   chan struct{}   // taken by each call
	base    context.Context // ends with Close
	end     context.CancelFunc
	session *session
	pause   pause
	used    atomic.Uint32 // which endpoint, modulo their number

	closing sync.Once
}

// NewClient makes a client and asks nothing. The error is the user's: a CA file
// that cannot be read. It logs one warning where certificates are not verified, or
// where credentials go without TLS.
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
	cfg.Limits.Body = cmp.Or(cfg.Limits.Body, maxBody)
	cfg.Limits.Pause = cmp.Or(cfg.Limits.Pause, longestPause)
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	if cfg.Access.Insecure {
		cfg.Logger.Warn("the appliance's certificate is not verified: anyone in between can read the credentials",
			"endpoint", cfg.Access.Endpoint(), "option", cfg.Access.verifyKey)
	}
	for _, u := range cfg.Access.Endpoints {
		if u.Scheme == "http" && cfg.hasCredentials() {
			cfg.Logger.Warn("it is asked without TLS: anyone in between can read the credentials", "endpoint", u.String())
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
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // it is unpacked with bounds of its own
	}
	if cfg.Access.Proxy != nil {
		transport.Proxy = http.ProxyURL(cfg.Access.Proxy)
	}
	c := &Client{cfg: cfg, turns: make(chan struct{}, maxCalls)}
	c.base, c.end = context.WithCancel(context.Background())
	c.http = &http.Client{Transport: transport, CheckRedirect: follow}
	if cfg.Limits.NoRedirects {
		c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	c.session = newSession(c)
	return c, nil
}

// hasCredentials is whether calls carry something that nobody else may see.
func (c *Config) hasCredentials() bool {
	return c.Auth.Login != nil || c.Auth.fixed != nil || slices.ContainsFunc(c.Secrets, func(s secret.Text) bool { return s.Reveal() != "" })
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
	// Optional is for what the volumes can do without. Some appliances answer 401
	// where the account may not see it: then this call fails with ErrForbidden,
	// and the session goes on.
	Optional bool

	rooted bool // Path is from the root of the host, as a link in a reply has it
}

// Get asks for path and decodes the answer into what into points to. A nil into
// drops the answer.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	return c.get(ctx, Request{Path: path, Query: query}, into)
}

// GetOptional is Get for what the volumes can do without: see Request.
func (c *Client) GetOptional(ctx context.Context, path string, query url.Values, into any) error {
	return c.get(ctx, Request{Path: path, Query: query, Optional: true}, into)
}

func (c *Client) get(ctx context.Context, r Request, into any) error {
	_, err := Fetch(ctx, c, r, func(a *Answer) (struct{}, error) {
		if into == nil {
			return struct{}{}, nil
		}
		return struct{}{}, a.Decode(into)
	})
	return err
}

// Fetch makes a call and returns what read makes of the answer, as it comes. read may
// keep the answer for its time, but not for its body.
func Fetch[T any](ctx context.Context, c *Client, r Request, read func(*Answer) (T, error)) (value T, err error) {
	ctx, s := together.begin(ctx)
	defer s.close()
	_, err = c.do(ctx, r, taking{s, func(a *Answer) (err error) {
		defer a.release()
		value, err = read(a)
		return err
	}})
	return value, err
}

// Do makes a call and returns an answer with a status of 2xx, or an error. The answer
// is complete and small, of 256 KiB at most: Fetch is for others.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	ctx, s := together.begin(ctx)
	defer s.close()
	return c.do(ctx, r, taking{s, (*Answer).load})
}

// do makes a call and reads the answer. It logs in first where that is needed, and
// once more after a 401.
func (c *Client) do(ctx context.Context, r Request, take taking) (*Answer, error) {
	token, err := c.session.token(ctx, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.send(ctx, r, token, take)
	if r.Optional && errors.Is(err, ErrUnauthorized) && (c.cfg.Auth.Login == nil || c.session.worksNow(token)) {
		return nil, notForUs(err)
	}
	if !c.session.expired(token, err) {
		if err == nil {
			c.session.accepted(token)
		}
		return answer, err
	}
	fresh, err := c.session.instead(ctx, token, err)
	if err != nil {
		return nil, err
	}
	answer, err = c.send(ctx, r, fresh, take)
	switch {
	case err == nil:
		c.session.accepted(fresh)
	case r.Optional && errors.Is(err, ErrUnauthorized):
		err = notForUs(err)
	case errors.Is(err, ErrUnauthorized):
		err = c.session.refuse(fresh, err)
	}
	return answer, err
}

// Close logs out, within two seconds, and ends the connections. Later calls return
// ErrClosed.
func (c *Client) Close() error {
	var err error
	c.closing.Do(func() {
		c.end()
		err = c.session.close()
		c.http.CloseIdleConnections()
	})
	return err
}

// sendAlone makes a call of a session: its answer is small.
func (c *Client) sendAlone(ctx context.Context, r Request, token *Token) (*Answer, error) {
	ctx, s := together.begin(ctx)
	defer s.close()
	return c.send(ctx, r, token, taking{s, (*Answer).load})
}

// send makes the call with a token, which may be nil. It repeats a call that may
// work then.
func (c *Client) send(ctx context.Context, r Request, token *Token, take taking) (*Answer, error) {
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
		answer, failed, err := c.attempt(ctx, r, token, body, bodyType, c.cfg.Access.Endpoints[int(used)%(others+1)], take)
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

// wait is false where ctx ends before the time is over.
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

// follow goes after a redirect of a GET only where the credentials may go, too.
func follow(next *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || first.Method != http.MethodGet || !sameOrigin(next.URL, first.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// secrets are pairs for a strings.Replacer: each secret in each spelling in which
// it may be sent, and what is shown instead.
func (c *Client) secrets(token *Token) []string {
	bare := append(token.secrets(), c.session.secrets()...)
	for _, s := range c.cfg.Secrets {
		bare = append(bare, s.Reveal())
	}
	slices.SortFunc(bare, func(a, b string) int { return len(b) - len(a) }) // one may be the start of another
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
