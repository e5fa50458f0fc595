package release

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/exporter-toolkit/web"

	"storage_exporter/internal/certtest"
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
	dir := filepath.Dir(certtest.New(t).CAFile) // its files are called as the example has them
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
