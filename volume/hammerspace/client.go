package hammerspace

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume/rest"
)

// client talks to one cluster.
type client struct{ rest *rest.Client }

func newClient(o options, dial rest.Dialer, logger *slog.Logger) (*client, error) {
	c, err := rest.NewClient(rest.Config{
		Access: o.access, Auth: rest.Auth{Login: o.login, ForbiddenIsExpired: true},
		Secrets: []secret.Text{o.password}, Dial: dial, Logger: logger,
	})
	return &client{c}, err
}

// login makes a session, which is in cookies of whatever name.
func (o options) login(ctx context.Context, send rest.Send) (rest.Token, error) {
	form := url.Values{"username": {o.user}, "password": {o.password.Reveal()}}
	answer, err := send(ctx, rest.Request{Method: http.MethodPost, Path: "/login", Body: form})
	if err != nil {
		return rest.Token{}, err
	}
	cookies := answer.Cookies()
	if page := bytes.HasPrefix(bytes.TrimSpace(answer.Body), []byte("<")); page || len(cookies) == 0 {
		// Web servers give cookies to everyone, with the page to sign in.
		return rest.Token{}, rest.Nonsense("the login's answer is no session: check that address is the management API of an Anvil")
	}
	return rest.Token{Cookies: cookies}, nil
}

// space is how much there is of something, in bytes or inodes. The cluster says
// free, a share available.
type space struct {
	Total, Used, Free, Available rest.Int

	at time.Time // when it was measured; zero where that is not known
}

// state is /cntl/state.
type state struct {
	Name     rest.Text
	Capacity space
}

// node is an Anvil (metadata) or a DSX (data) of the cluster.
type node struct {
	Name rest.Text
	Kind rest.Text `json:"productNodeType"`
	Mode rest.Text `json:"nodeMode"`
	flags
}

// flags are what some objects have beside their own state.
type flags struct {
	Oper  rest.Text `json:"operState"`
	Admin rest.Text `json:"adminState"`
}

// storageVolume is where data lies.
type storageVolume struct {
	Name    rest.Text
	State   rest.Text `json:"storageVolumeState"`
	Logical struct {
		Service rest.Text `json:"serviceState"`
	} `json:"logicalVolume"`
	flags
}

// site is a cluster of those that work together; one is LOCAL.
type site struct {
	UOID struct{ UUID rest.Text } `json:"uoid"`
	Name rest.Text
	Type rest.Text
}

// patient leaves alone for a while what the account may not see. The API may say so
// of a session that is over, too: each such answer costs a login, and no session can
// be given back. The Memo that has it asks one at a time.
func patient[T any](pause time.Duration, fetch func(context.Context) (T, error)) func(context.Context) (T, error) {
	var refusal error
	var until time.Time
	return func(ctx context.Context) (none T, err error) {
		if time.Now().Before(until) {
			return none, refusal
		}
		v, err := fetch(ctx)
		if errors.Is(err, rest.ErrForbidden) {
			refusal, until = err, time.Now().Add(pause)
		}
		return v, err
	}
}

// list asks for one of the API's bare lists, which has at least one element.
func list[T any](ctx context.Context, c *client, path, what string) ([]T, error) {
	var all []T
	if err := c.rest.Get(ctx, path, nil, &all); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, rest.Nonsense("the list of %s is empty: check that the account may see them", what)
	}
	return all, nil
}

func (c *client) state(ctx context.Context) (s state, err error) {
	return s, c.rest.Get(ctx, "/cntl/state", nil, &s)
}

func (c *client) nodes(ctx context.Context) ([]node, error) {
	return list[node](ctx, c, "/nodes", "nodes")
}

func (c *client) storageVolumes(ctx context.Context) (all []storageVolume, err error) {
	return all, c.rest.GetOptional(ctx, "/storage-volumes", nil, &all)
}

func (c *client) sites(ctx context.Context) ([]site, error) {
	return list[site](ctx, c, "/sites", "sites")
}
