package vast

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume/rest"
)

// longestLife is the most that is believed of a token.
const longestLife = 24 * time.Hour

// auth is a long-lived token, name and password with every call, or a session that
// renews its tokens.
func (o options) auth() rest.Auth {
	switch token := o.token.Reveal(); {
	case token != "":
		return rest.Header("Authorization", secret.New("Api-Token "+token))
	case o.basic:
		return rest.Basic(o.user, o.password)
	}
	return rest.Auth{
		Login: func(ctx context.Context, send rest.Send) (rest.Token, error) {
			body := map[string]string{"username": o.user, "password": o.password.Reveal()}
			return send.LogIn(ctx, rest.Request{Path: "/token/", Body: body}, tokenOf)
		},
		Refresh: func(ctx context.Context, send rest.Send, old rest.Token) (rest.Token, error) {
			body := map[string]string{"refresh": old.Refresh.Reveal()}
			return send.LogIn(ctx, rest.Request{Path: "/token/refresh/", Body: body}, tokenOf)
		},
	}
}

// tokenOf reads the tokens that a login or a refresh yields. One without an end serves until it
// is refused.
func tokenOf(answer *rest.Answer) (rest.Token, error) {
	var said struct{ Access, Refresh rest.Text }
	if err := answer.Decode(&said); err != nil {
		return rest.Token{}, err
	}
	if said.Access == "" {
		return rest.Token{}, rest.Nonsense("the login's answer has no access token: check that vast_endpoint is a VAST management system")
	}
	token := rest.Bearer(said.Access.String())
	token.Refresh = secret.New(said.Refresh.String())
	if life := lifeOf(said.Access.String(), answer); life > 0 {
		token.Expires = answer.ReceivedAt.Add(min(life, longestLife))
	}
	return token, nil
}

// lifeOf is how long a token still lasts, by the appliance's clock; zero where it
// does not say. The answer's Date goes before the token's iat, which in a refreshed
// token may be the time of the login. The token is not verified: it is only sent
// back.
func lifeOf(token string, answer *rest.Answer) time.Duration {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0
	}
	content, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return 0
	}
	var claims struct{ Exp, Iat rest.Int }
	if json.Unmarshal(content, &claims) != nil || !claims.Exp.Valid {
		return 0
	}
	from := claims.Iat
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		from = rest.Int{Value: date.Unix(), Valid: true}
	}
	if !from.Valid {
		from.Value = answer.ReceivedAt.Unix()
	}
	if claims.Exp.Value <= from.Value || from.Value < 0 {
		return 0
	}
	seconds := min(claims.Exp.Value-from.Value, int64(longestLife/time.Second))
	return time.Duration(seconds) * time.Second
}
