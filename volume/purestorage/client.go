package purestorage

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume/rest"
)

// client talks to one array in whatever version of the API it speaks.
type client struct {
	rest   *rest.Client
	log    *slog.Logger
	wanted string               // the version, as configured
	known  *rest.Memo[[]string] // versions that the array speaks
	gone   atomic.Bool          // the configured version is not one of them
}

func newClient(o options, dial rest.Dialer, logger *slog.Logger) (*client, error) {
	c := &client{log: logger, wanted: o.version}
	var err error
	c.rest, err = rest.NewClient(rest.Config{
		Access: o.access, Auth: rest.Auth{Login: o.login, Logout: logout},
		Secrets: []secret.Text{o.token}, Dial: dial, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	c.known = rest.NewMemo(5*time.Minute, 24*time.Hour, c.versions)
	return c, nil
}

// sessionHeader has the session, in the login's answer and in each call.
const sessionHeader = "X-Auth-Token"

// login makes a session. It ends when it is idle for as long as the array's
// idle_timeout says, which the answer does not have: the next call is refused then.
func (o options) login(ctx context.Context, send rest.Send) (rest.Token, error) {
	answer, err := send(ctx, rest.Request{
		Method: http.MethodPost, Path: "/api/login", Header: http.Header{"api-token": {o.token.Reveal()}},
	})
	if err != nil {
		return rest.Token{}, err
	}
	if len(answer.Body) > 0 { // the account's name, which nobody needs
		if err := answer.Decode(&struct{ Username rest.Text }{}); err != nil {
			return rest.Token{}, err
		}
	}
	session := answer.Header.Get(sessionHeader)
	if session == "" {
		return rest.Token{}, rest.Nonsense("the login's answer has no %s: check that purity_endpoint is a FlashBlade", strings.ToLower(sessionHeader))
	}
	return rest.Token{Header: http.Header{sessionHeader: {session}}}, nil
}

func logout(ctx context.Context, send rest.Send) error {
	_, err := send(ctx, rest.Request{Method: http.MethodPost, Path: "/api/logout"})
	return err
}

// Close logs out.
func (c *client) Close() error { return c.rest.Close() }

// page is what every list is in: 2.x has the token outside, 1.x in pagination_info.
type page[T any] struct {
	Items      []T
	Token      rest.Text `json:"continuation_token"`
	Pagination struct {
		Token rest.Text `json:"continuation_token"`
	} `json:"pagination_info"`
}

// each lists a resource and hands over its items, page by page.
func each[T any](ctx context.Context, c *client, resource string, query url.Values, take func(T, *rest.Answer)) error {
	version, err := c.version(ctx)
	if err != nil {
		return err
	}
	err = list(ctx, c, version, resource, query, take)
	if c.vanished(ctx, err) {
		if version, err = c.version(ctx); err != nil {
			return err
		}
		err = list(ctx, c, version, resource, query, take)
	}
	return err
}

func list[T any](ctx context.Context, c *client, version, resource string, query url.Values, take func(T, *rest.Answer)) error {
	parameter := "token"
	if strings.HasPrefix(version, "2.") {
		parameter = "continuation_token"
	}
	// What is not about file systems only explains their health.
	r := rest.Request{Path: "/api/" + version + "/" + resource, Query: query, Optional: !strings.HasPrefix(resource, "file-systems")}
	return c.rest.Pages(ctx, r, func(answer *rest.Answer) (string, error) {
		var p page[T]
		if err := answer.Decode(&p); err != nil {
			return "", err
		}
		if p.Items == nil {
			return "", rest.Nonsense("the answer to %s has no items", resource)
		}
		for _, item := range p.Items {
			take(item, answer)
		}
		token := string(p.Token + p.Pagination.Token)
		if token == "" {
			return "", nil
		}
		next := url.Values{parameter: {token}}
		for key, values := range query {
			next[key] = values
		}
		return "?" + next.Encode(), nil
	})
}
