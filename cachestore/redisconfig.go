package cachestore

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"storage_exporter/internal/secret"
)

// How a Redis is run. It is chosen, never guessed from the number of addresses.
const (
	RedisSingle   = "single"
	RedisSentinel = "sentinel"
	RedisCluster  = "cluster"
)

// RedisModes lists them.
var RedisModes = []string{RedisSingle, RedisSentinel, RedisCluster}

// RedisConfig says which Redis is used, and how.
type RedisConfig struct {
	// Mode is RedisSingle, RedisSentinel or RedisCluster.
	Mode string
	// Addresses are host:port: one server, or the path of its socket; some of
	// the sentinels; or some of the cluster's nodes.
	Addresses []string
	DB        int // 0 in a cluster

	// Credentials of the servers that hold the values.
	Credentials RedisCredentials
	// Sentinel is used in mode sentinel only.
	Sentinel RedisSentinelConfig
	// TLS is nil for plain connections. It holds for sentinels too.
	TLS *RedisTLS

	// Timeout bounds each call as a whole, from waiting for a connection to
	// the last byte; DefaultRedisTimeout if 0.
	Timeout time.Duration
	// Logger gets what the client library has to say, at debug level.
	Logger *slog.Logger
}

// RedisSentinelConfig names the master that the sentinels watch.
type RedisSentinelConfig struct {
	Master string
	// Credentials of the sentinels themselves. Their password file is read
	// once, at the start.
	Credentials RedisCredentials
}

// RedisCredentials are those of an ACL user, or of the default user when
// Username is empty. They never show in logs and errors.
type RedisCredentials struct {
	Username string `json:"-"`
	// Password that has a file is read from it at each connect, so that it can be
	// changed without a restart.
	Password secret.Text
}

// String hides the credentials, however they are printed.
func (c RedisCredentials) String() string { return "redacted" }

// GoString hides the credentials from %#v.
func (c RedisCredentials) GoString() string { return "redacted" }

// RedisTLS says how servers are verified. Files are PEM.
type RedisTLS struct {
	CAFile             string // the system's roots if empty
	CertFile, KeyFile  string // read at each connect; both or none
	ServerName         string // the host of the address if empty
	InsecureSkipVerify bool
}

// errCredentials says that the password file could not be read. The operator has
// to mend it; it says nothing about the store.
var errCredentials = errors.New("redis password")

func (c RedisCredentials) password() (string, error) {
	file := c.Password.File()
	if file == "" {
		return c.Password.Reveal(), nil
	}
	password, err := secret.Read(file)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", errCredentials, file, err)
	}
	return password.Reveal(), nil
}
