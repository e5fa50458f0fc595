package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"

	"storage_exporter/internal/outside"
)

const (
	// healthTimeout is how long --health waits for an answer.
	healthTimeout = 3 * time.Second
	// healthHeaderBytes bounds the headers of the answer.
	healthHeaderBytes = 64 << 10
)

// health is --health: it asks an exporter that runs already whether it answers, and
// writes one line if not. Nothing else is started.
func health(ctx context.Context, f *flags, stderr io.Writer) int {
	if err := askHealth(ctx, f.health, *f.web.WebConfigFile); err != nil {
		fmt.Fprintln(stderr, "storage_exporter: --health:", outside.Text(err.Error()))
		return 1
	}
	return 0
}

// askHealth asks once. Any answer of HTTP counts, whatever its status: who wants a
// password or is not ready answers too. Redirects are not followed.
func askHealth(ctx context.Context, address, webConfig string) error {
	u, err := parseHealthURL(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: healthHeaderBytes} // and no proxy
	var demanded bool
	if u.Scheme == "https" && webConfig != "" {
		file, err := certificateFile(webConfig)
		if err != nil {
			return fmt.Errorf("--web.config.file: %w", webConfigError(webConfig, err))
		}
		transport.TLSClientConfig = trustOnly(file)
	} else {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		demanded = true
		return &tls.Certificate{}, nil
	}
	resp, err := transport.RoundTrip(req)
	switch {
	case err == nil:
		return resp.Body.Close()
	case demanded && refused(err):
		// Its own certificate was in order, and it wants one from who asks: it lives.
		return nil
	}
	return fmt.Errorf("%s://%s: %w", u.Scheme, u.Host, explainHealth(err))
}

// parseHealthURL does not repeat what was given: there may be a password in it.
func parseHealthURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !validPort(u.Port()):
		return nil, errors.New("must be a URL of the exporter, such as http://127.0.0.1:9777/-/healthy or https://[::1]:9777/-/healthy")
	case u.User != nil:
		return nil, errors.New("must have no name and password: an exporter that asks for them answers, and that is enough")
	}
	return u, nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// certificate is what --web.config.file has the exporter show: a file, or the PEM text
// itself.
type certificate struct{ file, text string }

func certificateFile(webConfig string) (certificate, error) {
	content, err := os.ReadFile(webConfig)
	if err != nil {
		return certificate{}, err
	}
	var c web.Config
	if err := yaml.UnmarshalStrict(content, &c); err != nil {
		return certificate{}, err
	}
	c.TLSConfig.SetDirectory(filepath.Dir(webConfig))
	shown := certificate{c.TLSConfig.TLSCertPath, c.TLSConfig.TLSCert}
	if shown == (certificate{}) {
		return certificate{}, errors.New("there is no cert_file in it: ask by http, not by https")
	}
	return shown, nil
}

// leaf is the certificate itself, the first of its chain, as it is now.
func (c certificate) leaf() ([]byte, error) {
	text := []byte(c.text)
	if c.file != "" {
		var err error
		if text, err = os.ReadFile(c.file); err != nil {
			return nil, fmt.Errorf("cert_file: %w", err)
		}
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return block.Bytes, nil
		}
	}
	return nil, errors.New("cert_file: there is no certificate in it")
}

// trustOnly trusts the very certificate and nothing else: not its issuer, and
// whatever its names are. The exporter shows what is in the file now, so the file is
// read when the certificate is there.
func trustOnly(c certificate) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, by the certificate alone
		VerifyConnection: func(state tls.ConnectionState) error {
			want, err := c.leaf()
			if err != nil {
				return err
			}
			if len(state.PeerCertificates) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, want) {
				return errors.New("it shows another certificate than the cert_file of --web.config.file: something else listens there")
			}
			return nil
		},
	}
}

// refused reports whether the other side ended the handshake.
func refused(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// explainHealth adds the remedy to why there is no answer.
func explainHealth(err error) error {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, noName := errors.AsType[*net.DNSError](err)
	record, noTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v", healthTimeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: the exporter does not run, or --web.listen-address is another", err)
	case noName:
		return fmt.Errorf("%w: give the address that --web.listen-address has", err)
	case noTLS && string(record.RecordHeader[:]) == "HTTP/":
		return errors.New("it answers by http: ask by http, not by https")
	case untrusted || unknown:
		return fmt.Errorf("%w: give the exporter's own --web.config.file, too, and its certificate is compared with cert_file", err)
	}
	return err
}
