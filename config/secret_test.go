package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/internal/secret"
)

const hidden = "hunter2-hunter2"

// TestSecretsDoNotPrint prints whole configurations in every way that code
// comes across.
func TestSecretsDoNotPrint(t *testing.T) {
	c := load(t, `
[redis]
addresses = ["a:1"]
password = "`+hidden+`"
sentinel_password = "`+hidden+`"
mode = "sentinel"
master_name = "m"
[[webhook]]
name = "w"
url = "https://h/`+hidden+`"
secret = "`+hidden+`"
routing_key = "`+hidden+`"
[proxy.p]
url = "https://h"
token = "`+hidden+`"
password = "`+hidden+`"
[volume.v]
backend = "b"
[volume.v.options]
endpoint = "https://u:`+hidden+`@host"
netapp_password = "`+hidden+`"
api-token = "`+hidden+`"
seen = "seen-value"
list = [{ client_secret = "`+hidden+`" }]
credentials = { a = "`+hidden+`", b = ["`+hidden+`"], c = 4711 }
`, Options{})
	type private struct {
		secret secret.Text
		volume []Volume
	}
	in := private{c.Redis.Password, nil}
	values := map[string]any{
		"Config": c, "Config by value": *c, "Proxy": c.Proxies[0], "Webhook": c.Webhooks[0], "Redis": c.Redis, "Secret": c.Redis.Password,
		"Volume": c.Volumes[0], "Options": c.Volumes[0].Options, "within a private field": in,
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(b)
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
			slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
			out.Write(log.Bytes())
			for _, s := range []string{hidden, fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden), "4711"} {
				if strings.Contains(out.String(), s) {
					t.Errorf("shows %s:\n%s", s, out.String())
				}
			}
		})
	}
	if s := c.Volumes[0].Options.String(); !strings.Contains(s, "seen-value") {
		t.Errorf("hides what is no secret: %s", s)
	}
	if c.Redis.Password.Reveal() != hidden {
		t.Error("Reveal does not")
	}
	if s := fmt.Sprint(secret.Text{}); s != "" {
		t.Errorf("the empty secret prints as %q", s)
	}
}

// TestSyntaxErrorsShowNoText: the parser's own messages quote what they find.
func TestSyntaxErrorsShowNoText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no quotes", "[redis]\npassword = hunter2", `line 2: a value is missing: text goes in quotes, as in "…"`},
		{"digits without quotes", "[redis]\npassword = 1234_hunter", "line 2: not a valid number or date: text goes in quotes"},
		{"too many digits", "password = 123456789012345678901234567890", "line 1: not a valid number or date: text goes in quotes"},
		{"date", "password = 2026-13-13", "line 1: not a valid number or date: text goes in quotes"},
		{"float", "password = 1.2.3", "line 1: not a valid number or date: text goes in quotes"},
		{"open quote", "password = \"hunter2\nx = 1", "line 1: the text does not end in its line: is the closing quote missing?"},
		{"escape", `password = "hun\ter\q"`, `line 1: the text has an unknown escape: write \\ for a backslash, or use '…' as quotes`},
		{"no equals sign", `password "hunter2"`, "line 1: a key must be followed by = and a value"},
		{"rest of a line", `password = "a" hunter2`, "line 1: more follows after the value: is a quote or a comma missing?"},
		{"twice", "password = \"hunter2\"\npassword = \"hunter3\"", "line 2: this key or section stands further up already"},
		{"list", "a = [\"hunter2\" \"x\"]", "line 1: a list needs commas and its ]"},
		{"table", "a = {x = \"hunter2\"", "line 1: a table in { } needs commas and its }"},
		{"not UTF-8", "a = \"hunter2\xff\"", "line 1: the file must be UTF-8 text"},
		{"UTF-16", "a\x00=\x00", "line 1: the file must be UTF-8 text, not UTF-16"},
		{"section", "[redis", "line 1: the section's name is not complete: write [name]"},
		{"deep", "a = " + strings.Repeat("[", maxDepth+1), "line 1: is nested too deeply"},
		{"deep over lines", strings.Repeat("a = [\n", maxDepth+1), "line 1001: is nested too deeply"},
		{"dotted", "a" + strings.Repeat(".a", maxDots+1) + " = 1", "line 1: has too many dots in it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff("c.toml: "+tt.want, complain(t, tt.text, Options{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBoundsLeaveTextAlone: quotes and comments may hold any number of dots and
// brackets.
func TestBoundsLeaveTextAlone(t *testing.T) {
	many := strings.Repeat("[.", 2*maxDepth)
	text := "# " + many + "\n[volume.v]\nbackend = \"b\"\n[volume.v.options]\na = \"\\\"" + many + "\" # " + many + "\nb = '" + many + "\"'"
	if got := load(t, text, Options{}).Volumes[0].Options["b"]; got != many+"\"" {
		t.Errorf("got %v", got)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(write(t, "target", "linked"), link); err != nil {
		t.Fatal(err)
	}
	const largest = 64 << 10
	tests := []struct{ name, path, want, wantErr string }{
		{"no line end", write(t, "s", "a b"), "a b", ""},
		{"line ends", write(t, "s", " a\r\n\n"), " a", ""},
		{"a link, as Kubernetes has them", link, "linked", ""},
		{"largest", write(t, "s", strings.Repeat("x", largest)), strings.Repeat("x", largest), ""},
		{"too large", write(t, "s", strings.Repeat("x", largest+1)), "", "cannot be read: larger than 64 KiB"},
		{"empty", write(t, "s", "\n"), "", "the file is empty"},
		{"pipe", fifo, "", "cannot be read: not a regular file"},
		{"missing", "/" + hidden, "", "cannot be read: no such file or directory"},
		{"the secret itself", hidden, "", "must be the absolute path of a file that holds the secret"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "[redis]\naddresses = [\"a:1\"]\npassword_file = \"" + tt.path + "\""
			if tt.wantErr != "" {
				want := "c.toml: redis.password_file: " + tt.wantErr
				if diff := cmp.Diff(want, complain(t, text, Options{})); diff != "" {
					t.Error(diff)
				}
				return
			}
			if got := load(t, text, Options{}).Redis.Password.Reveal(); got != tt.want {
				t.Errorf("got %d bytes %.20q, want %.20q", len(got), got, tt.want)
			}
		})
	}
}
