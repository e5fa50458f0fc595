package rest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	backoffLeast = time.Minute
	backoffMost  = 15 * time.Minute
	// A session this young that is answered with 403 has not expired.
	youngest = time.Minute
	// A token that worked this short a time ago still works: an observation's
	// calls follow each other.
	freshly = 10 * time.Second
)

// session holds the token that calls carry: a fixed credential, or what a login
// yielded.
type session struct {
	c    *Client
	auth Auth

	mu      sync.Mutex // guards the fields below
	current *Token
	got     time.Time     // when current was
	worked  time.Time     // when a call with current did last
	login   *login        // under way
	backoff time.Duration // after the newest refusal; 0 for none
	closed  bool

	refused pause

	logins sync.WaitGroup
}

// login is one that is under way; its fields are set before done is closed.
type login struct {
	done  chan struct{}
	token *Token
	err   error
}

func newSession(c *Client) *session {
	return &session{c: c, auth: c.cfg.Auth, current: c.cfg.Auth.fixed, got: time.Now()}
}

// token returns the current token, or a new one where that was refused. It is nil
// where no authentication is needed.
func (s *session) token(ctx context.Context, refused *Token) (*Token, error) {
	s.mu.Lock()
	t, why := s.current, s.refused.err()
	if s.closed {
		why = ErrClosed
	}
	at := t.renewAt(s.got)
	if why != nil || s.auth.Login == nil || t != nil && t != refused && (at.IsZero() || time.Now().Before(at)) {
		s.mu.Unlock()
		return t, why
	}
	if s.login == nil {
		s.login = &login{done: make(chan struct{})}
		flight, old := s.login, s.current
		s.logins.Go(func() { s.renew(flight, old, old != nil && old == refused) })
	}
	flight := s.login
	s.mu.Unlock()
	since := time.Now()
	select {
	case <-flight.done:
		return flight.token, flight.err
	case <-ctx.Done():
		return nil, s.c.transportError(asked{"login", s.c.cfg.Access.Endpoints[0], since}, ctx.Err())
	}
}

// renew gets a token for all calls that wait. It belongs to none of them: a call
// whose deadline ends does not cancel the login of the others. When the renewal
// fails, a token that was not refused and has not expired still serves.
func (s *session) renew(flight *login, old *Token, refused bool) {
	ctx, cancel := context.WithTimeout(s.c.base, 2*s.c.cfg.Access.Timeout)
	defer cancel()
	fresh, err := s.ask(ctx, old)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(flight.done)
	s.login = nil
	switch {
	case err == nil:
		s.current, s.got, s.worked = &fresh, time.Now(), time.Time{}
	case old != nil && !refused && time.Now().Before(old.Expires) && !final(err):
		s.c.cfg.Logger.Warn("session not renewed yet", "endpoint", s.c.cfg.Access.Endpoint(), "err", err)
	default:
		if refused || final(err) {
			s.current = nil
		}
		if final(err) {
			err = s.backOff(loginRefused(err))
		}
		flight.err = err
		return
	}
	flight.token = s.current
}

func (s *session) ask(ctx context.Context, old *Token) (Token, error) {
	send := func(ctx context.Context, r Request) (*Answer, error) { return s.c.sendAlone(ctx, r, nil) }
	if old != nil && s.auth.Refresh != nil && old.Refresh.Reveal() != "" {
		t, err := s.auth.Refresh(ctx, send, *old)
		if t.Refresh.Reveal() == "" {
			t.Refresh = old.Refresh
		}
		if err == nil || !final(err) {
			return t, err
		}
	}
	return s.auth.Login(ctx, send)
}

// final is whether another login soon would only lock the account, or make one
// session after the other.
func final(err error) bool {
	for _, passing := range []error{ErrUnreachable, ErrUntrusted, ErrThrottled, ErrServer, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, passing) {
			return false
		}
	}
	return true
}

// loginRefused says that the login failed. Any 4xx means that the credentials are
// wrong.
func loginRefused(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || errors.Is(e, ErrBadAnswer) || errors.Is(e, ErrNotFound) {
		return fmt.Errorf("login: %w", err)
	}
	text := fmt.Sprintf("the login was refused (HTTP %d", e.Status)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return &Error{
		Kind: ErrUnauthorized, Status: e.Status, Detail: e.Detail, Code: e.Code, cause: e.cause,
		text: text + "): check the user and the password or token",
	}
}

// expired is whether a new session may make the call work.
func (s *session) expired(t *Token, err error) bool {
	if errors.Is(err, ErrUnauthorized) {
		return t != nil
	}
	if !s.auth.ForbiddenIsExpired || !errors.Is(err, ErrForbidden) {
		return false
	}
	if s.worksNow(t) {
		return false // this call alone is forbidden
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return t != s.current || time.Since(s.got) > youngest
}

// instead is a token other than the one that was refused with err.
func (s *session) instead(ctx context.Context, t *Token, err error) (*Token, error) {
	if s.auth.Login == nil {
		return nil, s.refuse(t, err)
	}
	return s.token(ctx, t)
}

// refuse stops all calls for a while: the current token was refused. The refusal of
// an older one changes nothing.
func (s *session) refuse(t *Token, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t != s.current {
		return err
	}
	if s.auth.Login != nil {
		s.current = nil
	}
	return s.backOff(err)
}

// backOff doubles the time without calls, unless another call of the same moment
// did; s.mu is held.
func (s *session) backOff(err error) error {
	if why := s.refused.err(); why != nil {
		return why
	}
	s.backoff = min(max(2*s.backoff, backoffLeast), backoffMost)
	s.refused.until(s.backoff, err)
	return err
}

// worksNow is whether a call with the token worked just now. If another call is
// refused then, the token is not the reason.
func (s *session) worksNow(t *Token) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t != nil && t == s.current && !s.worked.IsZero() && time.Since(s.worked) < freshly
}

// accepted notes that a call with the token worked, and forgets earlier refusals.
func (s *session) accepted(t *Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t != s.current {
		return
	}
	s.worked = time.Now()
	if s.refused.err() == nil {
		s.backoff = 0
	}
}

// secrets are the parts of the current token that must not show.
func (s *session) secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.secrets()
}

// close waits for a login under way, which the Client's end has cancelled, and
// logs out.
func (s *session) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.logins.Wait()
	s.mu.Lock()
	token := s.current
	s.mu.Unlock()
	if token == nil || s.auth.Logout == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	err := s.auth.Logout(ctx, func(ctx context.Context, r Request) (*Answer, error) { return s.c.sendAlone(ctx, r, token) })
	if err != nil {
		return fmt.Errorf("logout: %w", err)
	}
	return nil
}
