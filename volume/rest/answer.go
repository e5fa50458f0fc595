package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"storage_exporter/volume"
)

// Answer is what an appliance answered with a status of 2xx.
type Answer struct {
	Status     int
	Header     http.Header
	Body       []byte // unpacked: all of it, or its first 16 KiB while Decode can read on
	ReceivedAt time.Time

	what  string // the call, for errors: method, host and path
	url   *url.URL
	more  io.Reader // what follows Body; nil for nothing
	share *share    // nil in an answer that is complete
}

// Cookies are those that the answer sets.
func (a *Answer) Cookies() []*http.Cookie {
	return (&http.Response{Header: a.Header}).Cookies()
}

// Decode reads the body as JSON, whatever its content type, into what into points
// to: a struct, a slice or a map; or into the pointers of Fields. Unknown fields are
// ignored, and so is a nested field of another type than expected. It is an error
// where the outermost value or one of its own fields has another type. Text, Float,
// Int, Flag and Time take any JSON.
//
// The body is read as it comes: only what is decoded is kept, and that is bounded.
// Decode can be called once.
func (a *Answer) Decode(into any) error {
	start := bytes.TrimSpace(bytes.TrimPrefix(a.Body, []byte("\xef\xbb\xbf")))
	switch {
	case len(start) == 0 && a.more == nil:
		return a.bad("the answer is empty", nil)
	case isPage(start):
		return a.bad("the answer is a web page, not JSON: check the endpoint", nil)
	case string(start) == "null":
		return a.bad("the answer is null", nil)
	}
	text := io.Reader(bytes.NewReader(start))
	if a.more != nil {
		text = io.MultiReader(text, a.more)
	}
	s := a.share
	if s == nil {
		_, s = newBudget(maxKept).begin(context.Background())
		defer s.close()
	}
	err := newDecoder(text, s.grow).whole(into)
	if beyond, ok := errors.AsType[bound](err); ok {
		return a.bad(string(beyond), nil)
	}
	if wrong, ok := errors.AsType[mistaken](err); ok {
		return a.bad("the answer is not what was expected: "+string(wrong), nil)
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF), !syntax && !errors.Is(err, errBehind):
		return a.bad("the answer is cut off", err)
	}
	return a.bad("the answer is not JSON", err)
}

// load reads the rest of a small body.
func (a *Answer) load() error {
	if a.more == nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(a.more, maxSmall))
	if a.Body = append(a.Body, b...); len(b) == maxSmall && err == nil {
		err = a.bad(fmt.Sprintf("the answer is larger than %d KiB", maxSmall>>10), nil)
	}
	return err
}

// release lets go of the body, and of the headers but the time: backends keep answers
// for their clock.
func (a *Answer) release() {
	a.Body, a.more, a.share = nil, nil, nil
	a.Header = http.Header{"Date": a.Header["Date"]}
}

// SampledAt turns a time by the appliance's clock into one by ours. The answer's
// Date shows how far apart the clocks are. A zero t gives a zero time, which is
// now.
func (a *Answer) SampledAt(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	now := a.ReceivedAt
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		now = date
	}
	return a.ReceivedAt.Add(-max(now.Sub(t), 0))
}

// TooOld is volume.ErrNoSample where a sample of that time, by our clock, is older
// than most. A zero time is now.
func (a *Answer) TooOld(at time.Time, most time.Duration) error {
	if age := a.ReceivedAt.Sub(at); !at.IsZero() && age > most {
		return fmt.Errorf("the newest sample is of %v ago: %w", age.Round(time.Second), volume.ErrNoSample)
	}
	return nil
}

// bad is the error of an answer that is of no use.
func (a *Answer) bad(why string, cause error) error {
	return &Error{Kind: ErrBadAnswer, Status: a.Status, text: a.what + ": " + why, cause: cause}
}

// redirected is why an answer with a status of 3xx is none. It shows no path: there may
// be a session in it. stay: none is followed.
func (a *Answer) redirected(stay bool) string {
	location := a.Header.Get("Location")
	to, err := a.url.Parse(location)
	switch {
	case location == "" || err != nil:
		return fmt.Sprintf("HTTP %d, without an address to go to", a.Status)
	case !sameOrigin(to, a.url):
		return fmt.Sprintf("the answer sends us to %s, where the credentials do not go: set the endpoint to the right host", excerpt(to.Scheme+"://"+to.Host))
	case stay:
		return "the answer sends us to another path: check the endpoint's path"
	case !strings.HasPrefix(a.what, http.MethodGet+" "):
		return "the answer sends us to another path, and only a GET goes there: check the endpoint's path"
	}
	return fmt.Sprintf("the answer sends us on and on, more than %d times: check the endpoint's path, and that the account may use the API", maxRedirects)
}

// statusError is the error of an answer whose status is not 2xx. It starts the pause
// that the appliance asks for.
func (c *Client) statusError(a *Answer, token *Token) error {
	message, code := complaint(a.Body, strings.NewReplacer(c.secrets(token)...).Replace)
	e := &Error{Status: a.Status, Detail: message, Code: code}
	said := fmt.Sprintf("HTTP %d", a.Status)
	if message != "" {
		said += ": " + message
	}
	wait, given := retryAfter(a)
	switch {
	case a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable && given:
		e.Kind = ErrThrottled
		e.text = fmt.Sprintf("%s wants fewer calls (%s): it is left alone for a while", a.url.Host, said)
		c.pause.until(min(wait, c.cfg.Limits.Pause), e)
	case a.Status == http.StatusUnauthorized:
		e.Kind = ErrUnauthorized
		e.text = fmt.Sprintf("%s refused the credentials (%s): check the user and the password or token", a.url.Host, said)
	case a.Status == http.StatusForbidden:
		e.Kind = ErrForbidden
		e.text = fmt.Sprintf("%s: the account may not do this (%s): give it the right to read", a.what, said)
	case a.Status == http.StatusNotFound, a.Status == http.StatusGone:
		e.Kind = ErrNotFound
		e.text = fmt.Sprintf("%s: there is no such thing (%s)", a.what, said)
	case a.Status/100 == 3:
		e.Kind = ErrBadAnswer
		e.text = a.what + ": " + a.redirected(c.cfg.Limits.NoRedirects)
	case a.Status/100 == 4:
		e.Kind = ErrRejected
		e.text = fmt.Sprintf("%s: %s", a.what, said)
	default:
		e.Kind = ErrServer
		e.text = fmt.Sprintf("%s: %s", a.what, said)
	}
	return e
}
