package cachestore

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"storage_exporter/internal/outside"
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
			wrong("tls.ca_file", "cannot be read: %w", outside.Cause(err))
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
		wrong("tls.cert_file", "is no client certificate with its key: %w", outside.Cause(err))
	}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return cfg
}
