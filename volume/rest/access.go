package rest

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"storage_exporter/internal/outside"
	"storage_exporter/volume"
)

// DefaultTimeout is how long one call may take; the option request_timeout
// changes it.
const DefaultTimeout = 10 * time.Second

// Access is how an appliance is reached. Besides the endpoint, it has the options
// that all backends have in common:
//
//	ca_file          PEM file of the CA that signed the appliance's certificate
//	server_name      the name in the certificate, where it is not the endpoint's
//	verify_ssl       false: the certificate is not verified; a backend's own
//	                 spelling of it, such as weka_verify_ssl, goes first
//	request_timeout  how long one call may take
//	proxy_url        an HTTP proxy on the way; the environment's are not used
type Access struct {
	Endpoints  []*url.URL // not empty; no user, no query, no slash at the end
	CAFile     string
	ServerName string
	Insecure   bool // the certificate is not verified
	Timeout    time.Duration
	Proxy      *url.URL // nil for none; may hold a password

	verifyKey string // the option that turns verification off
	caKey     string // ca_file, as the configuration file spells it; empty: as here
}

// ReadAccess reads how the appliance is reached: the option key has its URL or a
// list of URLs; what completes "set it to …". verifyKey is the backend's own
// spelling of verify_ssl: certificates are verified unless one of the two is false.
func ReadAccess(o *volume.Options, key, what, verifyKey string) Access {
	a := Access{
		CAFile:     o.StringOr("ca_file", ""),
		ServerName: o.StringOr("server_name", ""),
		Timeout:    o.Duration("request_timeout", DefaultTimeout),
		Insecure:   !o.Bool(verifyKey, true, "verify_ssl"),
		verifyKey:  verifyKey,
		caKey:      o.Name("ca_file"),
	}
	list := o.Strings(key)
	if len(list) == 0 {
		o.Wrong(key, "is missing: set it to "+what)
	}
	for _, s := range list {
		u, err := ParseEndpoint(s)
		if err != nil {
			o.Wrong(key, err.Error()+": set it to "+what)
			return a
		}
		a.Endpoints = append(a.Endpoints, u)
	}
	if s := o.StringOr("proxy_url", ""); s != "" {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			o.Wrong("proxy_url", "is no URL of a proxy: write http://HOST:PORT")
			return a
		}
		a.Proxy = u
	}
	return a
}

// ParseEndpoint reads the URL of an endpoint. Its errors begin with a verb and do not
// repeat it.
func ParseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, errors.New("is no URL with https:// and a host")
	case u.User != nil:
		return nil, errors.New("must not hold a user name or password")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must end with the path, without ? or #")
	}
	u.Host = strings.ToLower(u.Host)
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// DefaultPath sets the path of the endpoints that have none, as in "/mgmt/v1.2/rest".
func (a *Access) DefaultPath(path string) {
	for _, u := range a.Endpoints {
		if u.Path == "" {
			u.Path = path
		}
	}
}

// Endpoint names the appliance: volume.Identity's Endpoint. It holds no secret.
func (a *Access) Endpoint() string {
	names := make([]string, len(a.Endpoints))
	for i, u := range a.Endpoints {
		names[i] = u.String()
	}
	return strings.Join(names, ",")
}

// Share is volume.Identity's Share: equal for volumes that can use one Client.
// The credentials are all that the backend logs in with. The content of the CA file
// counts, so that a reload of the configuration reads a renewed file.
func (a *Access) Share(credentials ...string) string {
	authority, err := a.authority() // the Client says what is wrong with it
	return fmt.Sprintf("%q", append([]string{
		a.Endpoint(), a.CAFile, fmt.Sprintf("%x %v", sha256.Sum256(authority), err), a.ServerName, fmt.Sprint(a.Insecure, a.Timeout, a.Proxy),
	}, credentials...))
}

// Identity is volume.Identity of an object on the appliance.
func (a *Access) Identity(object string, credentials ...string) volume.Identity {
	return volume.Identity{Share: a.Share(credentials...), Endpoint: a.Endpoint(), Object: object}
}

// maxCAFile bounds what is read as a CA file.
const maxCAFile = 1 << 20

// tls is the configuration of the connections.
func (a *Access) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: a.ServerName, InsecureSkipVerify: a.Insecure}
	roots, err := a.roots()
	if err != nil {
		return nil, fmt.Errorf("%s %w", cmp.Or(a.caKey, "ca_file"), err)
	}
	cfg.RootCAs = roots
	return cfg, nil
}

// CheckAuthority finds out what is wrong with the CA file, beginning with a verb.
func (a *Access) CheckAuthority() error {
	_, err := a.roots()
	return err
}

// roots are what the CA file holds; nil where there is none.
func (a *Access) roots() (*x509.CertPool, error) {
	pem, err := a.authority()
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if a.CAFile == "" {
		return nil, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("holds no certificate: set it to a PEM file")
	}
	return roots, nil
}

// authority reads the CA file; it is empty where there is none.
func (a *Access) authority() ([]byte, error) {
	if a.CAFile == "" {
		return nil, nil
	}
	return outside.ReadRegular(a.CAFile, maxCAFile)
}
