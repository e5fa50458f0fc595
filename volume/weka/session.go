package weka

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume/rest"
)

// The life of an access token: what it is where the answer does not say, and the
// most that is believed.
const (
	standardLife = 5 * time.Minute
	longestLife  = 24 * time.Hour
)

// auth is a session that renews its tokens, or a long-lived token.
func (o options) auth() rest.Auth {
	if token := o.token.Reveal(); token != "" {
		return rest.Header("Authorization", secret.New("Bearer "+token))
	}
	return rest.Auth{
		Login: func(ctx context.Context, send rest.Send) (rest.Token, error) {
			body := map[string]string{"username": o.user, "password": o.password.Reveal(), "org": o.organization}
			return send.LogIn(ctx, rest.Request{Path: "/login", Body: body}, tokenOf)
		},
		Refresh: func(ctx context.Context, send rest.Send, old rest.Token) (rest.Token, error) {
			body := map[string]string{"refresh_token": old.Refresh.Reveal()}
			return send.LogIn(ctx, rest.Request{Path: "/login/refresh", Body: body}, tokenOf)
		},
	}
}

// grant is what a login or a refresh yields.
type grant struct {
	Access  rest.Text `json:"access_token"`
	Refresh rest.Text `json:"refresh_token"`
	Seconds rest.Int  `json:"expires_in"`
}

// tokenOf reads the grant, which some releases put into a list of one.
func tokenOf(answer *rest.Answer) (rest.Token, error) {
	var said struct{ Data json.RawMessage }
	if err := answer.Decode(&said); err != nil {
		return rest.Token{}, err
	}
	var g grant
	if bytes.HasPrefix(bytes.TrimSpace(said.Data), []byte("[")) {
		var list []grant
		if json.Unmarshal(said.Data, &list) == nil && len(list) > 0 {
			g = list[0]
		}
	} else {
		_ = json.Unmarshal(said.Data, &g) // what is missing is reported below
	}
	if g.Access == "" {
		return rest.Token{}, rest.Nonsense("the login's answer has no access_token: check that the endpoint is a Weka backend server")
	}
	token := rest.Bearer(g.Access.String())
	token.Refresh = secret.New(g.Refresh.String())
	token.Expires = time.Now().Add(g.life())
	return token, nil
}

func (g grant) life() time.Duration {
	switch seconds := g.Seconds.Value; {
	case seconds <= 0:
		return standardLife
	case seconds > int64(longestLife/time.Second):
		return longestLife
	default:
		return time.Duration(seconds) * time.Second
	}
}
