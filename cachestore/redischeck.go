package cachestore

import (
	"crypto/tls"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultRedisTimeout bounds a call where nothing is chosen: a scrape goes on with
// the process's own copies.
const DefaultRedisTimeout = 500 * time.Millisecond

// The bounds of what can be meant.
const (
	leastRedisTimeout = 10 * time.Millisecond
	mostRedisTimeout  = time.Minute
	mostRedisDB       = 65535
)

// Check reports what is wrong with the values that are set, by their keys in the
// configuration. A setting that a message names is in backquotes, as the
// configuration has it. No message quotes a value.
func (c *RedisConfig) Check(wrong func(key, format string, args ...any)) {
	if !slices.Contains(RedisModes, c.Mode) {
		wrong("mode", "must be one of %s", strings.Join(RedisModes, ", "))
	}
	if len(c.Addresses) > 1 && c.Mode == RedisSingle {
		wrong("addresses", "must be one address in mode \"single\": write `mode = \"sentinel\"` or `mode = \"cluster\"` for several")
	}
	for i, a := range c.Addresses {
		if !c.goodAddress(a) {
			wrong("addresses", `must be host:port, as in "127.0.0.1:6379": entry %d is not`, i+1)
		}
	}
	switch {
	case c.Mode == RedisSentinel && c.Sentinel.Master == "" && len(c.Addresses) > 0:
		wrong("master_name", "is missing for `mode = \"sentinel\"`: write `master_name = \"mymaster\"`")
	case c.Mode == RedisSingle || c.Mode == RedisCluster:
		for _, f := range []struct{ key, value string }{
			{"master_name", c.Sentinel.Master}, {"sentinel_username", c.Sentinel.Credentials.Username},
			{"sentinel_password", c.Sentinel.Credentials.Password.Reveal() + c.Sentinel.Credentials.Password.File()},
		} {
			if f.value != "" {
				wrong(f.key, "has no effect: write `mode = \"sentinel\"`, or leave it out")
			}
		}
	}
	switch {
	case c.DB < 0 || c.DB > mostRedisDB:
		wrong("db", "must be 0 to %d", mostRedisDB)
	case c.DB != 0 && c.Mode == RedisCluster:
		wrong("db", `must be 0 in mode "cluster", which has no other`)
	}
	switch {
	case c.Timeout != 0 && c.Timeout < leastRedisTimeout:
		wrong("timeout", "must be %v at least", leastRedisTimeout)
	case c.Timeout > mostRedisTimeout:
		wrong("timeout", "must be %v at most: a scrape may wait that long", mostRedisTimeout)
	}
	c.TLS.check(wrong)
}

func (c *RedisConfig) goodAddress(a string) bool {
	if strings.HasPrefix(a, "/") {
		return c.Mode == RedisSingle // a socket
	}
	host, port, err := net.SplitHostPort(a)
	if err != nil || host == "" || strings.ContainsAny(host, "/@ ") {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

func (t *RedisTLS) check(wrong func(key, format string, args ...any)) {
	if t == nil {
		return
	}
	for _, f := range []struct{ key, path string }{{"ca_file", t.CAFile}, {"cert_file", t.CertFile}, {"key_file", t.KeyFile}} {
		if f.path != "" && !strings.HasPrefix(f.path, "/") {
			wrong("tls."+f.key, "must be absolute: write %s = \"/…\"", f.key)
		}
	}
	switch {
	case t.CertFile != "" && t.KeyFile == "":
		wrong("tls.key_file", "is missing beside cert_file: write key_file = \"/…\"")
	case t.KeyFile != "" && t.CertFile == "":
		wrong("tls.cert_file", "is missing beside key_file: write cert_file = \"/…\"")
	}
}

// CheckUse is Check for a Redis that is used: it must have an address, and files
// that can be read, those of TLS among them: the result, nil for plain connections.
func (c *RedisConfig) CheckUse(wrong func(key, format string, args ...any)) *tls.Config {
	c.Check(wrong)
	if len(c.Addresses) == 0 {
		wrong("addresses", "is missing: write `addresses = [\"127.0.0.1:6379\"]`")
	}
	for _, of := range []struct {
		key string
		RedisCredentials
	}{{"password", c.Credentials}, {"sentinel_password", c.Sentinel.Credentials}} {
		if _, err := of.password(); err != nil {
			wrong(of.key, "cannot be read: %w", err)
		}
	}
	return c.TLS.config(wrong)
}
