package cachestore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"
)

// How a Redis is run. It is chosen, never guessed from the number of addresses.
const (
	RedisSingle   = "single"
	RedisSentinel = "sentinel"
	RedisCluster  = "cluster"
)

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
	// the last byte; 500 ms by default.
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
	Password string `json:"-"`
	// PasswordFile is read at each connect, so that a password can be changed
	// without a restart. Trailing line ends are no part of the password.
	PasswordFile string
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

func (c *RedisConfig) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch c.Mode {
	case RedisSingle:
		if len(c.Addresses) > 1 {
			bad("mode single takes one address, not %d: choose mode sentinel or cluster", len(c.Addresses))
		}
	case RedisSentinel:
		if c.Sentinel.Master == "" {
			bad("mode sentinel needs the name of the master that the sentinels watch")
		}
	case RedisCluster:
		if c.DB != 0 {
			bad("a cluster has only database 0, not %d", c.DB)
		}
	default:
		bad("mode %q is none of single, sentinel, cluster", c.Mode)
	}
	if len(c.Addresses) == 0 {
		bad("there is no address")
	}
	for _, address := range c.Addresses {
		if c.Mode == RedisSingle && strings.HasPrefix(address, "/") {
			continue
		}
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			bad("address %q is not host:port", address)
		}
	}
	if c.DB < 0 {
		bad("database %d is below zero", c.DB)
	}
	if c.Timeout < 0 {
		bad("timeout %s is below zero", c.Timeout)
	}
	for _, cred := range []RedisCredentials{c.Credentials, c.Sentinel.Credentials} {
		if cred.Password != "" && cred.PasswordFile != "" {
			bad("password and password file %s are both set: choose one", cred.PasswordFile)
		}
		if _, err := cred.password(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// errCredentials says that the password file could not be read. It is the
// operator's to mend and tells nothing about the store.
var errCredentials = errors.New("redis password")

// maxPasswordFile bounds what is read, in bytes.
const maxPasswordFile = 64 << 10

func (c RedisCredentials) password() (string, error) {
	if c.PasswordFile == "" {
		return c.Password, nil
	}
	info, err := os.Stat(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errCredentials, err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxPasswordFile {
		return "", fmt.Errorf("%w: %s is not a file of at most 64 KiB", errCredentials, c.PasswordFile)
	}
	content, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errCredentials, err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

func (t *RedisTLS) config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify,
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("redis ca file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("redis ca file %s holds no PEM certificate", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("redis client certificate: the certificate and the key file go together")
	}
	if t.CertFile == "" {
		return cfg, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("redis client certificate: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return cfg, nil
}
