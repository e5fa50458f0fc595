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
	// A proof that was good this long ago still is: an observation's calls follow
	// each other.
	freshly = 10 * time.Second
)

// keeper keeps the proof of who we are: a fixed one, or a session.
type keeper struct {
	c    *Client
	auth Auth

	mu      sync.Mutex // guards the fields below
	current *Token
	got     time.Time // when current was
	worked  time.Time // when a call with current did last
	login   *login    // under way
	refused backoff
	closed  bool

	logins sync.WaitGroup
}

// login is one that is under way; its fields are set before done is closed.
type login struct {
	done  chan struct{}
	token *Token
	err   error
}

// backoff is the time for which nothing is tried after a refusal.
type backoff struct {
	err  error
	end  time.Time
	next time.Duration
}

// on is whether it lasts.
func (b backoff) on(now time.Time) bool { return now.Before(b.end) }

func newKeeper(c *Client) *keeper {
	return &keeper{c: c, auth: c.cfg.Auth, current: c.cfg.Auth.fixed, got: time.Now()}
}

// token is what to put on a call: the current one, or another than the one that
// was refused. It is nil where no authentication is needed.
func (k *keeper) token(ctx context.Context, refused *Token) (*Token, error) {
	k.mu.Lock()
	now := time.Now()
	switch {
	case k.closed:
		k.mu.Unlock()
		return nil, ErrClosed
	case k.refused.on(now):
		defer k.mu.Unlock()
		return nil, k.refused.err
	case k.auth.Login == nil:
		defer k.mu.Unlock()
		return k.current, nil
	}
	if t := k.current; t != nil && t != refused {
		if at := t.renewAt(k.got); at.IsZero() || now.Before(at) {
			k.mu.Unlock()
			return t, nil
		}
	}
	if k.login == nil {
		k.login = &login{done: make(chan struct{})}
		flight, old := k.login, k.current
		k.logins.Go(func() { k.renew(flight, old, old != nil && old == refused) })
	}
	flight := k.login
	k.mu.Unlock()
	select {
	case <-flight.done:
		return flight.token, flight.err
	case <-ctx.Done():
		return nil, k.c.transportError(k.c.cfg.Access.Endpoints[0].Host, ctx.Err())
	}
}

// renew gets a token for all who wait. It belongs to none of them: one whose
// deadline ends does not take the login from the others. A token that was not
// refused and has not ended yet still serves when no new one can be had.
func (k *keeper) renew(flight *login, old *Token, refused bool) {
	ctx, cancel := context.WithTimeout(k.c.base, 2*k.c.cfg.Access.Timeout)
	defer cancel()
	fresh, err := k.ask(ctx, old)
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(flight.done)
	k.login = nil
	switch {
	case err == nil:
		k.current, k.got, k.worked = &fresh, time.Now(), time.Time{}
	case old != nil && !refused && time.Now().Before(old.Expires) && !final(err):
		k.c.cfg.Logger.Warn("session not renewed yet", "endpoint", k.c.cfg.Access.Endpoint(), "err", err)
	default:
		if refused || final(err) {
			k.current = nil
		}
		if final(err) {
			err = k.backOff(loginRefused(err))
		}
		flight.err = err
		return
	}
	flight.token = k.current
}

func (k *keeper) ask(ctx context.Context, old *Token) (Token, error) {
	send := func(ctx context.Context, r Request) (*Answer, error) { return k.c.send(ctx, r, nil) }
	if old != nil && k.auth.Refresh != nil && old.Refresh.Reveal() != "" {
		t, err := k.auth.Refresh(ctx, send, *old)
		if err == nil || !final(err) {
			return t, err
		}
	}
	return k.auth.Login(ctx, send)
}

// final is whether trying again soon would only lock the account, or make one
// session after the other.
func final(err error) bool {
	for _, passing := range []error{ErrUnreachable, ErrUntrusted, ErrThrottled, ErrServer, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, passing) {
			return false
		}
	}
	return true
}

// loginRefused makes clear that it was the login. A 4xx says that the
// credentials are wrong, whatever its number.
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
func (k *keeper) expired(t *Token, err error) bool {
	if errors.Is(err, ErrUnauthorized) {
		return t != nil
	}
	if !k.auth.ForbiddenIsExpired || !errors.Is(err, ErrForbidden) {
		return false
	}
	if k.proven(t) {
		return false // this alone is forbidden
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return t != k.current || time.Since(k.got) > youngest
}

// instead is a token other than the one that was refused with err.
func (k *keeper) instead(ctx context.Context, t *Token, err error) (*Token, error) {
	if k.auth.Login == nil {
		return nil, k.refuse(t, err)
	}
	return k.token(ctx, t)
}

// refuse stops all calls for a while, because a proof that should be good is not.
// One that is no longer in use says nothing.
func (k *keeper) refuse(t *Token, err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t != k.current {
		return err
	}
	if k.auth.Login != nil {
		k.current = nil
	}
	return k.backOff(err)
}

// backOff counts a refusal, unless another call of the same moment did; k.mu is
// held.
func (k *keeper) backOff(err error) error {
	now := time.Now()
	if k.refused.on(now) {
		return k.refused.err
	}
	k.refused.next = min(max(2*k.refused.next, backoffLeast), backoffMost)
	k.refused.end, k.refused.err = now.Add(k.refused.next), err
	return err
}

// holds is why nothing may be asked now, after a refusal; nil when it may.
func (k *keeper) holds() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refused.on(time.Now()) {
		return k.refused.err
	}
	return nil
}

// proven is whether a call with the token worked only just now: then it is not
// the token that another call is refused for.
func (k *keeper) proven(t *Token) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return t != nil && t == k.current && !k.worked.IsZero() && time.Since(k.worked) < freshly
}

// stays is whether a new session would not make a refused call work.
func (k *keeper) stays(t *Token) bool { return k.auth.Login == nil || k.proven(t) }

// accepted forgets the refusals once a call with the token worked.
func (k *keeper) accepted(t *Token) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t != k.current {
		return
	}
	k.worked = time.Now()
	if k.refused.next > 0 && !k.refused.on(time.Now()) {
		k.refused = backoff{}
	}
}

// secrets are the parts of the current token that must not show.
func (k *keeper) secrets() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current.secrets()
}

// close waits for a login that is under way, which the Client's end has
// cancelled, and logs out.
func (k *keeper) close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.logins.Wait()
	k.mu.Lock()
	token := k.current
	k.mu.Unlock()
	if token == nil || k.auth.Logout == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	err := k.auth.Logout(ctx, func(ctx context.Context, r Request) (*Answer, error) { return k.c.send(ctx, r, token) })
	if err != nil {
		return fmt.Errorf("logout: %w", err)
	}
	return nil
}
