package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storage_exporter/internal/certtest"
)

// askedHealth is what --health says; it must say nothing or one line.
func askedHealth(t *testing.T, args ...string) (code int, says string) {
	t.Helper()
	var out, errs bytes.Buffer
	asked := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // for who starts the exporter
	defer cancel()
	code = run(ctx, args, &out, &errs)
	if took := time.Since(asked); took > healthTimeout+2*time.Second {
		t.Errorf("%q took %v", args, took)
	}
	if out.Len() > 0 || strings.Count(errs.String(), "\n") != code || code != 0 && code != 1 {
		t.Errorf("%q: status %d, stdout %q, stderr %q", args, code, &out, &errs)
	}
	return code, errs.String()
}

// Whatever the exporter answers, it answers.
func TestHealthOfTheExporter(t *testing.T) {
	plain := start(t, noSmartctl)
	secured := start(t, noSmartctl, "--web.config.file="+writeFile(t, "web.yml", "basic_auth_users:\n  "+someUser+": "+hash+"\n"))
	for _, url := range []string{plain.url + "/-/healthy", plain.url, plain.url + "/nowhere", secured.url + "/-/healthy"} {
		if code, says := askedHealth(t, "--health="+url); code != 0 {
			t.Errorf("%s: %s", url, says)
		}
	}
	plain.stop()
	if code, says := askedHealth(t, "--health="+plain.url); code != 1 || !strings.Contains(says, "the exporter does not run") {
		t.Errorf("status %d of a stopped exporter: %s", code, says)
	}
}

// Nothing of the exporter is started: no file is read or made, no port is taken.
func TestHealthStartsNothing(t *testing.T) {
	in := start(t, noSmartctl)
	dir := t.TempDir()
	code, says := askedHealth(t, "--health="+in.url, "--config.file=/nonexistent", "--cache.path="+dir+"/cache.db",
		"--web.listen-address="+strings.TrimPrefix(in.url, "http://"), "--web.config.file=/nonexistent")
	if code != 0 {
		t.Error(says)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestHealthIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0") //nolint:noctx // at once
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	_ = l.Close()
	start(t, noSmartctl, "--web.listen-address="+l.Addr().String())
	if code, says := askedHealth(t, "--health=http://"+l.Addr().String()+"/-/healthy"); code != 0 {
		t.Error(says)
	}
}

// webConfigOf is a --web.config.file for a certificate, of which only the names of its
// files count.
func webConfigOf(t *testing.T, certFile, keyFile, more string) string {
	t.Helper()
	return writeFile(t, "web.yml", fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n%s", certFile, keyFile, more))
}

// With TLS the very certificate counts: neither its name nor its issuer.
func TestHealthCertificate(t *testing.T) {
	shown, other := certtest.New(t), certtest.New(t) // the same names
	config := webConfigOf(t, shown.CertFile, shown.KeyFile, "")
	in := start(t, noSmartctl, "--web.config.file="+config)
	url := strings.Replace(in.url, "http:", "https:", 1) + "/-/healthy"
	byName := strings.Replace(url, "127.0.0.1", "localhost", 1) // the certificate does not have it
	pem, err := os.ReadFile(shown.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	text := "tls_server_config:\n  key: none\n  cert: |\n    " + strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n    ") + "\n"
	beside := filepath.Join(filepath.Dir(shown.CertFile), "web.yml")
	if err := os.WriteFile(beside, []byte("tls_server_config: {cert_file: server.crt, key_file: nowhere}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, url, config, says string
	}{
		{name: "the certificate", url: url, config: config},
		{name: "by another name", url: byName, config: config},
		{name: "relative, without the key", url: url, config: beside},
		{name: "as text", url: url, config: writeFile(t, "web.yml", text)},
		{name: "plain HTTP is answered too", url: in.url},
		{name: "another certificate", url: url, config: webConfigOf(t, other.CertFile, other.KeyFile, ""), says: "another certificate than the cert_file"},
		{name: "its issuer", url: url, config: webConfigOf(t, shown.CAFile, shown.KeyFile, ""), says: "another certificate than the cert_file"},
		{name: "verified as usual", url: url, says: "--web.config.file"},
		{name: "no file", url: url, config: "/nonexistent.yml", says: "--web.config.file: /nonexistent.yml: no such file"},
		{name: "no certificate in the file", url: url, config: webConfigOf(t, shown.KeyFile, shown.KeyFile, ""), says: "no certificate in it"},
		{name: "no cert_file", url: url, config: writeFile(t, "web.yml", "rate_limit: {burst: 1}\n"), says: "ask by http"},
		{name: "cert_file is gone", url: url, config: webConfigOf(t, "/nonexistent.crt", shown.KeyFile, ""), says: "/nonexistent.crt"},
		{name: "a wrong key", url: url, config: writeFile(t, "web.yml", "tls_server_config: {cert_fiel: x}\nother: x\n"), says: "cert_fiel"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"--health=" + tt.url}
			if tt.config != "" {
				args = append(args, "--web.config.file="+tt.config)
			}
			if code, says := askedHealth(t, args...); (code == 0) != (tt.says == "") || !strings.Contains(says, tt.says) {
				t.Errorf("status %d, want %q: %s", code, tt.says, says)
			}
		})
	}

	t.Run("rotated", func(t *testing.T) {
		for from, to := range map[string]string{other.CertFile: shown.CertFile, other.KeyFile: shown.KeyFile} {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		if code, says := askedHealth(t, "--health="+url, "--web.config.file="+config); code != 0 {
			t.Error(says)
		}
	})
}

// An exporter that wants a certificate of who asks says so, and lives.
func TestHealthClientCertificate(t *testing.T) {
	c, other := certtest.New(t), certtest.New(t)
	more := "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: " + c.CAFile + "\n"
	for _, version := range []string{"TLS12", "TLS13"} {
		config := webConfigOf(t, c.CertFile, c.KeyFile, more+"  max_version: "+version+"\n")
		in := start(t, noSmartctl, "--web.config.file="+config)
		url := strings.Replace(in.url, "http:", "https:", 1)
		if code, says := askedHealth(t, "--health="+url, "--web.config.file="+config); code != 0 {
			t.Errorf("%s: %s", version, says)
		}
		if code, _ := askedHealth(t, "--health="+url, "--web.config.file="+webConfigOf(t, other.CertFile, other.KeyFile, "")); code != 1 {
			t.Errorf("%s: another certificate passes", version)
		}
	}
}

// What answers otherwise than a server of HTTP does is judged within the deadline.
func TestHealthOfAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	endless := func(begin, more string) func(net.Conn) {
		return func(c net.Conn) {
			for _, err := io.WriteString(c, begin); err == nil; {
				_, err = io.WriteString(c, more)
			}
		}
	}
	tests := []struct {
		name   string
		answer func(net.Conn)
		says   string // empty: healthy
	}{
		{name: "500", answer: endless("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "")},
		{name: "503", answer: endless("HTTP/1.1 503 Service Unavailable\r\n\r\n", "")},
		{name: "redirect to itself", answer: endless("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "")},
		{name: "endless body", answer: endless(ok+"\r\n", strings.Repeat("x", 1<<16))},
		{name: "endless header", answer: endless(ok+"X: ", strings.Repeat("x", 1<<16)), says: "header"},
		{name: "endless headers", answer: endless(ok, strings.Repeat("X: x\r\n", 1<<10)), says: "header"},
		{name: "endless 100", answer: endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"), says: "header"},
		{name: "silent", answer: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, says: "no answer within 3s"},
		{name: "half an answer", answer: func(c net.Conn) { _, _ = io.WriteString(c, ok); _, _ = io.Copy(io.Discard, c) }, says: "no answer within 3s"},
		{name: "hangs up", answer: func(net.Conn) {}, says: "EOF"},
		{name: "no HTTP", answer: endless("SSH-2.0-\x1b[2J\r\n\n", ""), says: "malformed HTTP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, says := askedHealth(t, "--health=http://"+answering(t, tt.answer))
			if (code == 0) != (tt.says == "") || !strings.Contains(says, tt.says) || strings.Contains(says, "\x1b") {
				t.Errorf("status %d, want %q: %q", code, tt.says, says)
			}
		})
	}
}

// answering is the address of a listener that answers each request.
func answering(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(healthTimeout + time.Second))
				_, _ = c.Read(make([]byte, 4<<10))
				answer(c)
			}()
		}
	}()
	return l.Addr().String()
}

// Each answer is asked for once: a redirect, too.
func TestHealthAsksOnce(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	code, says := askedHealth(t, "--health="+server.URL+"/here")
	server.Close()
	if code != 0 || len(asked) != 1 || asked[0] != "/here" {
		t.Errorf("status %d, asked for %q: %s", code, asked, says)
	}
}

func TestHealthURL(t *testing.T) {
	for _, url := range []string{"", ":9777", "localhost:9777", "vsock://:9777", "ftp://127.0.0.1:9777", "http://:9777", "http:127.0.0.1", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://[::1", "http://%zz/"} {
		if code, says := askedHealth(t, "--health="+url); code != 1 || !strings.Contains(says, "--health: must be a URL of the exporter, such as http://127.0.0.1:9777/-/healthy") {
			t.Errorf("%q: status %d: %s", url, code, says)
		}
	}
	for _, url := range []string{"http://me:" + password + "@127.0.0.1:9777", "http://me:" + password + "@%zz"} {
		if code, says := askedHealth(t, "--health="+url); code != 1 || strings.Contains(says, password) {
			t.Errorf("status %d: %s", code, says)
		}
	}
	plain := start(t, noSmartctl)
	if code, says := askedHealth(t, "--health="+strings.Replace(plain.url, "http:", "https:", 1)); code != 1 || !strings.Contains(says, "ask by http") {
		t.Errorf("status %d: %s", code, says)
	}
}
