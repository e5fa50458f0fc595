package event

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// maxHeader bounds what is read of an answer.
const maxHeader = 64 << 10

// poster is the target of a webhook.
type poster struct {
	webhook Webhook
	client  *http.Client
}

func newPoster(w Webhook, transport http.RoundTripper) *poster {
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, DisableKeepAlives: true, // events are rare
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxResponseHeaderBytes: maxHeader,
		}
	}
	return &poster{webhook: w, client: &http.Client{
		Transport: transport,
		// What is meant for one host is not for another.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send posts an event. No error has the URL in it, or a part of it.
func (p *poster) send(ctx context.Context, e Event) error {
	body, err := encode(&p.webhook, e)
	if err != nil {
		return &refusal{reason: "the event cannot be written: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, p.webhook.Timeout)
	defer cancel()
	address := cmp.Or(p.webhook.URL.Reveal(), pagerDutyURL)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return &refusal{reason: "its URL is none"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "storage_exporter")
	p.sign(req.Header, e.ID, body, time.Now())
	res, err := p.client.Do(req)
	if err != nil {
		return &refusal{reason: reasonOf(err), again: true}
	}
	_ = res.Body.Close() // what it says is of no interest
	return judge(res)
}

// sign sets the headers of Standard Webhooks; the signature where there is a secret.
func (p *poster) sign(h http.Header, id string, body []byte, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", at)
	key, err := signingKey(p.webhook.Secret)
	if err != nil || len(key) == 0 {
		return
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// judge says whether an answer means that the event was taken, or may be later.
func judge(res *http.Response) error {
	code := res.StatusCode
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusGone:
		return &refusal{reason: statusError(code), gone: true}
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return &refusal{reason: statusError(code), again: true, after: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	case code >= 300 && code < 400:
		return &refusal{reason: statusError(code) + ", a redirect, which is not followed"}
	}
	return &refusal{reason: statusError(code)}
}

// retryAfter reads seconds, or a time; 0 where there is neither.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// reasonOf says why there was no answer, without the host, the address or the path,
// which are all in the library's errors.
func reasonOf(err error) string {
	var network net.Error
	var lookup *net.DNSError
	var errno syscall.Errno
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &lookup):
		return "its host name cannot be resolved"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "it did not answer in time"
	case errors.As(err, &certificate), errors.As(err, &unknown):
		return "its certificate is not trusted"
	case errors.As(err, &errno):
		return "it cannot be reached: " + errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection without an answer"
	}
	return "it gave no answer that is HTTP"
}
