// Package certtest makes certificates for tests.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"storage_exporter/internal/kit"
)

// Certificate serves a server and a client alike. The files are PEM: that of its
// authority, its own, and that of its key.
type Certificate struct {
	CAFile, CertFile, KeyFile string
	tls.Certificate

	roots *x509.CertPool
}

// New makes one for the names and for 127.0.0.1, by an authority of its own: two of
// them do not trust each other.
func New(tb kit.T, names ...string) *Certificate {
	tb.Helper()
	dir := tb.TempDir()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test's authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	must(err)
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a test"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, ca, &key.PublicKey, key)
	must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	c := &Certificate{
		CAFile:      write("ca.crt", "CERTIFICATE", root),
		CertFile:    write("server.crt", "CERTIFICATE", leaf),
		KeyFile:     write("server.key", "PRIVATE KEY", private),
		Certificate: tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key},
		roots:       x509.NewCertPool(),
	}
	authority, err := x509.ParseCertificate(root)
	must(err)
	c.roots.AddCert(authority)
	return c
}

// Server is the configuration of a server.
func (c *Certificate) Server() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{c.Certificate}}
}

// Client is the configuration of a client that trusts the authority alone.
func (c *Certificate) Client() *tls.Config {
	return &tls.Config{RootCAs: c.roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
}
