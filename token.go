package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"storage_exporter/api"
	"storage_exporter/config"
	"storage_exporter/internal/inbound"
	"storage_exporter/proxy"
	"storage_exporter/web"
)

// withToken goes around all paths. Where a token is configured, it must be given for
// all but the metrics, the health of the service and /-/.
func (e *exporter) withToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := e.token.Load()
		if want == nil || want.Reveal() == "" || e.needsNoToken(r.URL.Path) || hasToken(r, want.Reveal()) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="storage_exporter"`)
		if web.IsPage(r.URL.Path) || r.URL.Path == "/" {
			w.Header().Add("WWW-Authenticate", `Basic realm="storage_exporter: the token as the password"`)
		}
		inbound.Problem{Status: http.StatusUnauthorized, Title: "Unauthorized", Detail: "send the token of [api], in the header " + proxy.TokenHeader + ", as Authorization: Bearer, or as a password"}.Write(w)
	})
}

func (e *exporter) needsNoToken(path string) bool {
	return path == e.flags.telemetryPath || strings.HasPrefix(path, "/-/") || api.WithoutToken(path)
}

// hasToken takes as long whatever is sent. A browser can send the token only as a
// password, with any name.
func hasToken(r *http.Request, token string) bool {
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	_, password, _ := r.BasicAuth()
	own, asPassword := sameToken(r.Header.Get(proxy.TokenHeader), token), sameToken(password, token)
	return own || asPassword || sameToken(bearer, token) && strings.EqualFold(scheme, "Bearer")
}

func sameToken(given, token string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// checkToken refuses a token that no header can carry.
func checkToken(c *config.Config, r *config.Report) {
	token := c.API.Token.Reveal()
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.In("api")("token", "must be letters, digits and signs without spaces: it is sent in a header")
	}
}
