package rest

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"storage_exporter/internal/secret"
)

// Send makes a call without credentials; logins get one.
type Send func(ctx context.Context, r Request) (*Answer, error)

// LogIn posts a login or a refresh and returns the token that read finds in the
// answer.
func (send Send) LogIn(ctx context.Context, r Request, read func(*Answer) (Token, error)) (Token, error) {
	r.Method = http.MethodPost
	answer, err := send(ctx, r)
	if err != nil {
		return Token{}, err
	}
	return read(answer)
}

// Auth is how a Client authenticates. Basic and Header make fixed credentials; a
// session has a Login. The Client logs in when the first call needs it, once for
// all calls that wait. It renews the session before it expires and, once, when a
// call is answered with 401. Close logs out. After a refusal the Client makes no
// call for a minute, then for twice as long each time, up to 15 minutes, so that
// no account gets locked.
type Auth struct {
	// Login makes a session. It returns errors of send as they are, and Nonsense
	// where the answer has no token.
	Login func(ctx context.Context, send Send) (Token, error)
	// Refresh makes a new token from one that has a Refresh, which stays where the
	// new one has none. Login follows where Refresh is nil or refused.
	Refresh func(ctx context.Context, send Send, old Token) (Token, error)
	// Logout ends the session; nil where the API has no such call. Its send
	// carries the token.
	Logout func(ctx context.Context, send Send) error
	// ForbiddenIsExpired is for an API that may answer 403 when a session expired.
	ForbiddenIsExpired bool

	fixed *Token
}

// Basic is HTTP Basic authentication with every call.
func Basic(user string, password secret.Text) Auth {
	pair := base64.StdEncoding.EncodeToString([]byte(user + ":" + password.Reveal()))
	return Header("Authorization", secret.New("Basic "+pair))
}

// Header is a header that every call carries, as for a long-lived token:
// Header("Authorization", secret.New("Bearer "+token)).
func Header(name string, value secret.Text) Auth {
	return Auth{fixed: &Token{Header: http.Header{name: {value.Reveal()}}}}
}

// Token is what a login yields.
type Token struct {
	Header  http.Header    // set on each call
	Cookies []*http.Cookie // the same
	// Expires is when the token ends, by this host's clock: time.Now() plus the
	// life that the appliance reports. Zero: it serves until a call is refused.
	Expires time.Time
	Refresh secret.Text // for Auth.Refresh
}

// Bearer is a token in the Authorization header.
func Bearer(access string) Token {
	return Token{Header: http.Header{"Authorization": {"Bearer " + access}}}
}

// Format shows nothing of the token.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Redacted) }

// secrets are the parts of the token that must not show.
func (t *Token) secrets() []string {
	if t == nil {
		return nil
	}
	all := []string{t.Refresh.Reveal()}
	for _, values := range t.Header {
		for _, v := range values {
			_, bare, _ := strings.Cut(v, " ")
			all = append(all, v, bare)
		}
	}
	for _, cookie := range t.Cookies {
		all = append(all, cookie.Value)
	}
	return all
}

// A token is renewed this long before its end, or at half of its life where that
// is shorter.
const (
	marginLeast = 30 * time.Second
	marginMost  = 60 * time.Second
)

// renewAt is when to renew a token that was received at that time; zero for never.
func (t *Token) renewAt(got time.Time) time.Time {
	if t == nil || t.Expires.IsZero() {
		return time.Time{}
	}
	life := t.Expires.Sub(got)
	margin := min(max(life/10, marginLeast), marginMost)
	return t.Expires.Add(-min(margin, life/2))
}
