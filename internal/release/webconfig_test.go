package release

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

func TestWebConfigIsValid(t *testing.T) {
	if err := web.Validate(filepath.Join(root, "web-config.yml")); err != nil {
		t.Error(err)
	}
}

// setting is a line of the example to uncomment; "# " begins an explanation.
var setting = regexp.MustCompile(`(?m)^#(\S|  )`)

// TestWebConfigIsValidWithEverything takes every "#" away that the file itself
// says can be taken away.
func TestWebConfigIsValidWithEverything(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir)
	text := setting.ReplaceAllString(read(t, "web-config.yml"), "$1")
	for _, section := range []string{"tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"} {
		if !strings.Contains(text, "\n"+section+":") {
			t.Errorf("no %s", section)
		}
	}
	file := filepath.Join(dir, "web-config.yml")
	write(t, file, text)
	if err := web.Validate(file); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	write(t, file, strings.Replace(text, "cert_file", "cert_fiel", 1))
	if err := web.Validate(file); err == nil {
		t.Error("a wrong key passed: the test proves nothing")
	}
}

// certificate writes server.crt, server.key and ca.crt, as the example names them.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	crt := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	write(t, filepath.Join(dir, "server.crt"), crt)
	write(t, filepath.Join(dir, "ca.crt"), crt)
	write(t, filepath.Join(dir, "server.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}
