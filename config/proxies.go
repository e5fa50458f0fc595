package config

import (
	"regexp"
	"time"

	"storage_exporter/internal/secret"
)

// Proxy is one [proxy.<name>] section.
type Proxy struct {
	Name string `toml:"-"`
	URL  string `toml:"url"`
	// Token is what a Backend.AI manager authenticates with; Username and Password are
	// for HTTP Basic authentication.
	Token    secret.Text   `toml:"token"`
	Username string        `toml:"username"`
	Password secret.Text   `toml:"password"`
	CAFile   string        `toml:"ca_file"` // empty: the system's
	Interval time.Duration `toml:"interval"`
	Timeout  time.Duration `toml:"timeout"` // of one call
	Metrics  string        `toml:"metrics"` // host:port; empty for none
}

// proxyName is what becomes part of keys, and stands before a colon in a volume's host.
var proxyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// ProxyKey is the section of a proxy.
func ProxyKey(name string) string { return joinKey("proxy", name) }

// readProxies reads the [proxy.*] sections, in the order of their names.
func (l *loader) readProxies(table map[string]any) {
	for _, name := range sorted(table) {
		key := ProxyKey(name)
		section, ok := table[name].(map[string]any)
		switch {
		case !ok && l.lenient:
			l.warn(l.inFile(key), "belongs to no proxy and was ignored")
		case !ok:
			l.problem(key, "belongs to no proxy: write it below [proxy.NAME]")
		case !proxyName.MatchString(name):
			l.problem(key, "is no good name: use 1 to 63 letters, digits, dots, dashes and underscores")
		default:
			l.readProxy(name, key, section)
		}
	}
}

func (l *loader) readProxy(name, key string, section map[string]any) {
	p := Proxy{Name: name}
	l.readFields(&p, key, section)
	l.cfg.Proxies = append(l.cfg.Proxies, p)
}
