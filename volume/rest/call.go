package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// failure is what can be done about a call that failed.
type failure struct {
	rotate bool // another endpoint may do better from now on
	repeat bool // the same call may work in a moment
	unsent bool // there was no connection: any call can go elsewhere
}

// taking is how an answer is read.
type taking struct {
	share *share
	read  func(*Answer) error
}

// attempt makes one call to one endpoint. The answer is read before it returns.
func (c *Client) attempt(ctx context.Context, r Request, token *Token, body []byte, bodyType string, endpoint *url.URL, take taking) (*Answer, failure, error) {
	target, err := r.url(endpoint)
	if err != nil {
		return nil, failure{}, err
	}
	call := asked{r.Method, target, time.Now()}
	if err := c.turn(ctx, call); err != nil {
		return nil, failure{}, err
	}
	defer func() { <-c.turns }()
	if err := c.pause.err(); err != nil {
		return nil, failure{}, err
	}
	if err := c.session.refused.err(); err != nil && token != nil { // it was refused while this call waited
		return nil, failure{}, err
	}
	within, cancel := context.WithTimeout(ctx, c.cfg.Access.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(within, r.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, failure{}, errors.New("the call has no valid URL") // the error would show it
	}
	c.prepare(request, r, token, bodyType)
	start := time.Now()
	call.since = start
	reply, err := c.http.Do(request)
	if err != nil {
		if whole, ok := errors.AsType[*url.Error](err); ok {
			err = whole.Err // without the URL
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		err = c.transportError(call, err)
		c.cfg.Logger.Debug("no answer", "method", r.Method, "url", request.URL.Host+request.URL.Path, "duration_seconds", time.Since(start).Seconds(), "err", err)
		return nil, failed(err), err
	}
	defer func() { _ = reply.Body.Close() }()
	text := newBody(reply, &take.share.list, c.cfg.Limits.Body)
	answer := &Answer{
		Status: reply.StatusCode, Header: reply.Header, ReceivedAt: time.Now(), share: take.share,
		what: r.Method + " " + target.Host + target.EscapedPath(), url: reply.Request.URL,
	}
	failed, err := c.read(within, call, answer, token, text, take.read)
	c.cfg.Logger.Debug("answer", "method", r.Method, "url", target.Host+target.Path, "status", reply.StatusCode,
		"bytes", text.read, "duration_seconds", time.Since(start).Seconds())
	if err != nil {
		return nil, failed, err
	}
	return answer, failure{}, nil
}

// read takes an answer apart, or finds out what is wrong with it.
func (c *Client) read(ctx context.Context, call asked, answer *Answer, token *Token, text *body, read func(*Answer) error) (failure, error) {
	head, err := io.ReadAll(io.LimitReader(text, maxHead))
	answer.Body = head
	if answer.Status/100 != 2 {
		failed := failure{
			rotate: slices.Contains([]int{http.StatusBadGateway, http.StatusServiceUnavailable}, answer.Status),
			repeat: slices.Contains([]int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, answer.Status),
		}
		err := c.statusError(answer, token)
		if errors.Is(err, ErrThrottled) {
			failed.repeat = false
		}
		return failed, err
	}
	if err == nil {
		if len(head) == maxHead {
			answer.more = text
		}
		err = read(answer)
	}
	if err == nil {
		return failure{}, nil
	}
	beyond, isBeyond := errors.AsType[bound](text.err)
	call.url = answer.url // where it was sent to
	switch {
	case errors.Is(context.Cause(ctx), errCrowded):
		err = answer.bad(string(errCrowded), nil)
	case isBeyond:
		err = answer.bad(string(beyond), nil)
	case ctx.Err() != nil:
		err = c.transportError(call, ctx.Err())
	case text.err == nil || errors.Is(text.err, io.EOF): // it is about what was read
	case errors.Is(text.err, context.DeadlineExceeded):
		err = c.transportError(call, text.err)
	default:
		err = answer.bad("the answer is cut off", text.err)
	}
	return failed(err), err
}

// turn waits until fewer than maxCalls calls are under way.
func (c *Client) turn(ctx context.Context, call asked) error {
	if err := ctx.Err(); err != nil {
		return c.transportError(call, err)
	}
	select {
	case c.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return c.transportError(call, ctx.Err())
	}
}

// url is where the call goes.
func (r Request) url(endpoint *url.URL) (*url.URL, error) {
	ref, err := url.Parse(r.Path)
	if err != nil || ref.Host != "" || ref.Scheme != "" || !strings.HasPrefix(ref.Path, "/") {
		return nil, errors.New("the call has no valid path")
	}
	u := &url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host, Path: ref.Path, RawPath: ref.EscapedPath(), RawQuery: ref.RawQuery}
	if !r.rooted {
		u.Path, u.RawPath = endpoint.Path+u.Path, endpoint.EscapedPath()+u.RawPath
	}
	if len(r.Query) > 0 {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+r.Query.Encode(), "&")
	}
	return u, nil
}

// prepare sets the headers.
func (c *Client) prepare(request *http.Request, r Request, token *Token, bodyType string) {
	request.Header.Set("User-Agent", "storage_exporter")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "gzip")
	if bodyType != "" {
		request.Header.Set("Content-Type", bodyType)
	}
	headers := []http.Header{c.cfg.Header, r.Header}
	if token != nil {
		headers = append(headers, token.Header)
		for _, cookie := range token.Cookies {
			request.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value, Quoted: cookie.Quoted}) //nolint:gosec // its attributes are the server's to say
		}
	}
	for _, h := range headers {
		for name, values := range h {
			request.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
}

// failed is what can be done after a call without an answer.
func failed(err error) failure {
	if !errors.Is(err, ErrUnreachable) {
		return failure{}
	}
	dial, isOp := errors.AsType[*net.OpError](err)
	_, unresolved := errors.AsType[*net.DNSError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	hung := errors.Is(err, context.DeadlineExceeded) || isNet && timeout.Timeout()
	return failure{
		rotate: true,
		repeat: !hung && !unresolved,
		unsent: unresolved || isOp && dial.Op == "dial",
	}
}
