package config

import (
	"regexp"
	"strings"
)

var backendName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// validateStore checks the store, which is chosen by what else is set.
func (l *loader) validateStore() {
	c := l.cfg.Cache
	r := &Report{l}
	r.OneOf("cache", "store", c.Store, []string{StoreMemory, StoreFile, StoreRedis})
	switch {
	case c.Store == StoreFile && c.Path == "":
		r.In("cache")("path", "is missing for `store = \"file\"`: write `path = \"/var/lib/storage_exporter/cache.db\"`")
	case c.Store == StoreRedis && len(l.cfg.Redis.Addresses) == 0:
		r.In("redis")("addresses", "is missing for store = \"redis\": write `addresses = [\"127.0.0.1:6379\"]`")
	}
}

// absolute checks a path, empty being none.
func (l *loader) absolute(key, path, name string) {
	if path != "" && !strings.HasPrefix(path, "/") {
		l.problem(key, `must be absolute: write %s = "/…"`, name)
	}
}
