package cachestore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// config reads the files and reports what is wrong with them, as CheckUse does.
// It is nil for plain connections.
func (t *RedisTLS) config(wrong func(key, format string, args ...any)) *tls.Config {
	if t == nil {
		return nil
	}
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify,
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		cfg.RootCAs = x509.NewCertPool()
		switch {
		case err != nil:
			wrong("tls.ca_file", "cannot be read: %w", withoutPath(err))
		case !cfg.RootCAs.AppendCertsFromPEM(pem):
			wrong("tls.ca_file", "holds no PEM certificate")
		}
	}
	if t.CertFile == "" || t.KeyFile == "" {
		return cfg
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("redis client certificate: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		wrong("tls.cert_file", "is no client certificate with its key: %w", withoutPath(err))
	}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return cfg
}

// withoutPath is the cause of a file's error.
func withoutPath(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
