package proxy

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"storage_exporter/cache"
	"storage_exporter/internal/outside"
	"storage_exporter/internal/secret"
	"storage_exporter/volume/rest"
)

// The defaults of a Config. A snapshot lives for three intervals.
const (
	DefaultInterval = 30 * time.Second
	DefaultTimeout  = 5 * time.Second
)

// TokenHeader is the header in which a Backend.AI manager sends its token.
const TokenHeader = "X-BackendAI-Storage-Auth-Token" //nolint:gosec // a header's name

// Config is one configured proxy.
type Config struct {
	Name string
	URL  string // of its manager-facing port
	// Token is what the manager authenticates with; empty for none. Username and
	// Password are for HTTP Basic authentication, both or neither.
	Token    secret.Text
	Username string
	Password secret.Text
	CAFile   string // empty: the system's
	Interval time.Duration
	Timeout  time.Duration // of one call
	Metrics  string        // host:port; empty for none
}

// Check reports what is wrong, by the key. The message begins with a verb and quotes no
// value.
func (c Config) Check(wrong func(key, format string, args ...any)) {
	if c.URL == "" {
		wrong("url", "is missing: write `url = \"https://HOST:6022\"`")
	} else if _, err := rest.ParseEndpoint(c.URL); err != nil {
		wrong("url", "%w", err)
	}
	switch {
	case c.Username != "" && c.Password.Reveal() == "":
		wrong("password", "is missing beside `username`")
	case c.Username == "" && c.Password.Reveal() != "":
		wrong("username", "is missing beside `password`")
	case strings.Contains(c.Username, ":"):
		wrong("username", "must be without a colon")
	}
	if strings.ContainsFunc(c.Token.Reveal(), unicode.IsControl) {
		wrong("token", "has control characters in it")
	}
	if c.CAFile != "" && !strings.HasPrefix(c.CAFile, "/") {
		wrong("ca_file", "must be absolute: write `ca_file = \"/…\"`")
	} else if err := (&rest.Access{CAFile: c.CAFile}).CheckAuthority(); err != nil {
		wrong("ca_file", "%w", err)
	}
	cache.CheckPeriod("", c.Interval, c.Timeout, wrong)
	if c.Metrics != "" && !outside.IsAddress(c.Metrics) {
		wrong("metrics", "must be host:port, without scheme and path: write `metrics = \"HOST:9777\"`")
	}
}

// access is how the proxy is reached.
func (c Config) access() (rest.Access, error) {
	u, err := rest.ParseEndpoint(c.URL)
	if err != nil {
		return rest.Access{}, err
	}
	return rest.Access{Endpoints: []*url.URL{u}, CAFile: c.CAFile, Timeout: c.Timeout}, nil
}

// open makes the client. It asks nothing.
func (c Config) open(access rest.Access, dial rest.Dialer, logger *slog.Logger) (*rest.Client, error) {
	header, secrets := c.credentials()
	return rest.NewClient(rest.Config{
		Access: access, Header: header, Secrets: secrets, Dial: dial, Logger: logger,
		Limits: rest.Limits{Body: maxBody, Pause: c.Interval, NoRedirects: true},
	})
}

// credentials are sent with every call, and to the configured host only: no redirect is
// followed.
func (c Config) credentials() (http.Header, []secret.Text) {
	header, secrets := http.Header{}, []secret.Text{c.Token, c.Password}
	if token := c.Token.Reveal(); token != "" {
		header.Set(TokenHeader, token)
	}
	if c.Username != "" {
		pair := base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password.Reveal()))
		header.Set("Authorization", "Basic "+pair)
		secrets = append(secrets, secret.New(pair))
	}
	return header, secrets
}

// origin is the fingerprint of what is polled. Who asks with a token may be answered
// more.
func (c Config) origin(endpoint string) string {
	if c.Token.Reveal() != "" {
		endpoint += " with token"
	}
	if c.Username != "" {
		endpoint += " with user"
	}
	return endpoint
}
