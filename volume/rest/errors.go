package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// What went wrong with a call; every error of a Client but a cancelled one and
// ErrClosed is one of these by errors.Is.
var (
	ErrUnreachable  = errors.New("unreachable")    // refused, no such host, no answer in time
	ErrUntrusted    = errors.New("not trusted")    // TLS
	ErrUnauthorized = errors.New("not authorized") // 401, or the login was refused
	ErrForbidden    = errors.New("forbidden")      // 403
	ErrNotFound     = errors.New("not found")      // 404, 410
	ErrRejected     = errors.New("rejected")       // any other 4xx: the vendor may say 400 for "no such object"
	ErrThrottled    = errors.New("throttled")      // 429, or 503 with Retry-After
	ErrServer       = errors.New("server error")   // 5xx
	ErrBadAnswer    = errors.New("bad answer")     // not JSON, cut off, too large, a redirect, not what was expected
)

// ErrClosed says that the Client was closed.
var ErrClosed = errors.New("the client is closed")

// Error is what went wrong with a call, in words an operator can act on. It shows
// no credentials, no query and no body beyond a short excerpt of the vendor's
// own message.
type Error struct {
	Kind   error  // one of the above
	Status int    // of HTTP; 0 when there was no answer
	Detail string // the vendor's own message, cleaned and short; may be empty
	Code   string // the vendor's own code of the error, where there is one

	text  string
	cause error
}

func (e *Error) Error() string { return e.text }

// Is makes errors.Is match the kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap returns what is below, such as context.DeadlineExceeded.
func (e *Error) Unwrap() error { return e.cause }

// Unanswered is whether nothing answered, for volume.Diagnose. A name that cannot be
// resolved does not count: the appliance itself was not asked.
func (e *Error) Unanswered() bool {
	_, unresolved := errors.AsType[*net.DNSError](e.cause)
	return errors.Is(e.Kind, ErrUnreachable) && !unresolved
}

// Absent is the error of a volume whose object an answer does not have, as in
// Absent("file system %q", name).
func Absent(format string, args ...any) error {
	return &Error{Kind: ErrNotFound, text: fmt.Sprintf(format, args...) + " is not there: check its name, and that the account may see it"}
}

// Refused is whether an error says that the account may not see something, or that
// the release or the appliance has no such thing.
func Refused(err error) bool {
	return errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrRejected)
}

// notForUs is the error of an optional call that was answered with 401.
func notForUs(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	text := "this call alone was refused"
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return &Error{Kind: ErrForbidden, Status: e.Status, Detail: e.Detail, Code: e.Code, text: text + ": give the account the right to read it"}
}

// Nonsense is the error of an answer that is JSON but cannot be used, as in
// Nonsense("the login's answer has no token").
func Nonsense(format string, args ...any) error {
	return &Error{Kind: ErrBadAnswer, text: fmt.Sprintf(format, args...)}
}

// asked is a call, for the words of its error.
type asked struct {
	method string
	url    *url.URL
	since  time.Time
}

// late says what was asked, of whom, and how long; without the query, which may be long.
func (a asked) late(what string) string {
	u := url.URL{Scheme: a.url.Scheme, Host: a.url.Host}
	return fmt.Sprintf("%s: %s %s: %s within %v", &u, a.method, a.url.EscapedPath(), what, time.Since(a.since).Round(100*time.Millisecond))
}

// transportError says why no answer came.
func (c *Client) transportError(a asked, err error) error {
	host := a.url.Host
	if errors.Is(err, context.Canceled) {
		return err
	}
	e := &Error{Kind: ErrUnreachable, cause: err}
	unresolved, isDNS := errors.AsType[*net.DNSError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	untrusted := c.untrusted(err)
	switch {
	case isDNS:
		e.text = fmt.Sprintf("the name %s cannot be resolved: check the endpoint and the name service", unresolved.Name)
	case untrusted != "":
		e.Kind, e.text = ErrUntrusted, host+": "+untrusted
	case errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout():
		e.text = a.late("no answer")
	case errors.Is(err, syscall.ECONNREFUSED):
		e.text = host + " refused the connection: is the service on that port running?"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.text = host + " closed the connection without an answer"
	case strings.Contains(err.Error(), "Location header"): // of net/http, without a type of its own
		e.Kind, e.text = ErrBadAnswer, host+" sends us to what is no address"
	default:
		e.text = host + " cannot be reached: " + excerpt(innermost(err).Error())
	}
	return e
}

// innermost is the part of a transport's error that holds no URL.
func innermost(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// untrusted is what is wrong with the TLS of the other side; empty for nothing.
func (c *Client) untrusted(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by an unknown authority: set ca_file to the PEM file of the one that signed it"
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		names := e.Certificate.DNSNames
		if len(names) == 0 {
			names = append(names, e.Certificate.Subject.CommonName)
		}
		return fmt.Sprintf("its certificate is for other names (%s): set server_name to one of them", excerpt(fmt.Sprint(names)))
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return "its certificate has expired or is not valid yet: renew it, and check the clocks"
		}
		return "its certificate is not valid: " + excerpt(e.Error())
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted: " + excerpt(e.Err.Error())
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "it does not speak TLS: check the endpoint's port, or write http:// if that is meant"
	}
	// An alert and what else the handshake found have no type of their own.
	if text := innermost(err).Error(); strings.HasPrefix(text, "tls: ") {
		return "no TLS connection: " + excerpt(strings.TrimPrefix(text, "tls: "))
	}
	return ""
}
