package dellemc

import (
	"context"
	"net/http"
	"time"

	"storage_exporter/volume/rest"
)

const sessionPath = "/session/1/session"

// auth is a session of the platform service, in two cookies. The second, where
// there is one, must be repeated in a header, with where we come from.
func (o options) auth() rest.Auth {
	return rest.Auth{
		Login: func(ctx context.Context, send rest.Send) (rest.Token, error) {
			body := map[string]any{"username": o.user, "password": o.password.Reveal(), "services": []string{"platform"}}
			return send.LogIn(ctx, rest.Request{Path: sessionPath, Body: body}, func(answer *rest.Answer) (rest.Token, error) {
				return tokenOf(answer, o.access.Endpoint(), time.Now())
			})
		},
		Logout: func(ctx context.Context, send rest.Send) error {
			_, err := send(ctx, rest.Request{Method: http.MethodDelete, Path: sessionPath})
			return err
		},
	}
}

// tokenOf reads the answer to a login. A session that is not used ends sooner
// than it says here; the client notices that by itself.
func tokenOf(answer *rest.Answer, endpoint string, now time.Time) (rest.Token, error) {
	var said struct {
		Absolute rest.Int `json:"timeout_absolute"` // seconds
	}
	if err := answer.Decode(&said); err != nil {
		return rest.Token{}, err
	}
	token := rest.Token{Header: http.Header{"Referer": {endpoint}}}
	for _, cookie := range answer.Cookies() {
		if cookie.Value == "" {
			continue
		}
		switch cookie.Name {
		case "isisessid":
			token.Cookies = append(token.Cookies, cookie)
		case "isicsrf":
			token.Cookies = append(token.Cookies, cookie)
			token.Header.Set("X-CSRF-Token", cookie.Value)
		}
	}
	if len(token.Cookies) == 0 || token.Cookies[0].Name != "isisessid" && len(token.Cookies) == 1 {
		return rest.Token{}, rest.Nonsense("the login's answer has no session cookie: check that the endpoint is a OneFS cluster")
	}
	if seconds := said.Absolute.Value; seconds > 0 && seconds < 1<<31 {
		token.Expires = now.Add(time.Duration(seconds) * time.Second)
	}
	return token, nil
}
