package main

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

var (
	link        = regexp.MustCompile(`href="(/[^"]*)"`)
	styleOfPage = regexp.MustCompile(`(?s)<style>(.*)</style>`)
)

// Whatever is switched off, nothing on the page at the root leads nowhere.
func TestLinksOfTheLandingPage(t *testing.T) {
	flags := [][]string{{"--collector.disable-defaults"}, {noSmartctl, "--web.telemetry-path=/probe", "--web.enable-pprof"}}
	for _, name := range collectorNames() {
		if off := "--no-collector." + name; off != noSmartctl {
			flags = append(flags, []string{noSmartctl, off})
		}
	}
	for _, args := range flags {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			in := start(t, args...)
			in.awaitReady()
			_, _, page := in.get("/")
			links := link.FindAllStringSubmatch(page, -1)
			if len(links) < 6 {
				t.Errorf("%d links: %s", len(links), page)
			}
			for _, l := range links {
				path := strings.Replace(l[1], "seconds=60", "seconds=1", 1) // a profile
				if path == "/graphql" {
					path += "?query=%7B__typename%7D" // a browser gets a page without
				}
				if status, _, body := in.get(path); status != http.StatusOK {
					t.Errorf("%s: %d %.200s", l[1], status, body)
				}
			}
		})
	}
	in, _ := drives(t, 1, 0)
	in.awaitReady()
	if _, _, page := in.get("/"); !strings.Contains(page, `"/api/drives"`) {
		t.Errorf("the drives are not linked to:\n%s", page)
	}
}

// A browser takes the style of our pages, and nothing else.
func TestPolicyOfPages(t *testing.T) {
	in := start(t, noSmartctl, "--web.enable-pprof")
	for _, path := range []string{"/", "/debug/pprof/"} {
		_, header, page := in.get(path)
		style := styleOfPage.FindStringSubmatch(page)
		if style == nil || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
			t.Fatalf("%s: no page with a style: %v\n%s", path, header, page)
		}
		sum := sha256.Sum256([]byte(style[1]))
		policy := header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || !strings.HasPrefix(policy, "default-src 'none';") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

// What --web.config.file says of the headers goes before.
func TestHeadersOfTheUser(t *testing.T) {
	in := start(t, noSmartctl, "--web.config.file="+writeFile(t, "web.yml", "http_server_config:\n  headers:\n    Content-Security-Policy: default-src 'self'\n"))
	for _, path := range []string{"/", "/volumes", "/nowhere"} {
		if _, header, _ := in.get(path); len(header.Values("Content-Security-Policy")) != 1 || header.Get("Content-Security-Policy") != "default-src 'self'" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

func TestUnauthorized(t *testing.T) {
	in := start(t, noSmartctl, "--web.config.file="+writeFile(t, "web.yml", "basic_auth_users:\n  "+someUser+": "+hash+"\n"))
	for _, path := range []string{"/", "/metrics", "/nowhere", "/-/reload"} {
		status, header, body := in.get(path)
		if status != http.StatusUnauthorized || header.Get("Content-Type") != "application/problem+json" || header.Get("WWW-Authenticate") != "Basic" ||
			header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(body, `"status":401`) {
			t.Errorf("%s: %d %v %s", path, status, header, body)
		}
	}
}

// The remedy fits what was refused.
func TestRemedies(t *testing.T) {
	denied := func(path string) error { return &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES} }
	tests := map[string]struct {
		err         error
		says, never string
	}{
		"port":                  {explain(fmt.Errorf("listen tcp :80: bind: %w", syscall.EACCES)), "port above 1023", "read"},
		"port in use":           {explain(fmt.Errorf("listen tcp :80: bind: %w", syscall.EADDRINUSE)), "another process", "port above"},
		"web config":            {webConfigError("/etc/web.yml", denied("/etc/web.yml")), "/etc/web.yml: permission denied: the user that runs the exporter must be able to read it", "1023"},
		"file of a web config":  {webConfigError("/etc/web.yml", denied("/etc/ca.crt")), "/etc/web.yml: open /etc/ca.crt: permission denied: the user", "1023"},
		"mistake in web config": {webConfigError("/etc/web.yml", errors.New("yaml: line 3")), "/etc/web.yml: yaml: line 3", "user"},
	}
	for name, tt := range tests {
		if text := tt.err.Error(); !strings.Contains(text, tt.says) || strings.Contains(text, tt.never) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// Each path has the limit of its kind.
func TestLimitsOfPaths(t *testing.T) {
	_, f := newApp(nil)
	f.telemetryPath, f.maxRequests = "/api/metrics", 40
	l := newLimits(f)
	for pattern, want := range map[string]any{
		"/api/metrics": l.scrapes, "/volumes": l.volumes, "/volume/hwinfo": l.volumes, "/folder/fs-usage": l.volumes, "/manager-api/health": l.volumes,
		"/api/drives": l.lists, "/api/": l.lists, "/graphql": l.queries, "/debug/pprof/": l.profiles, "/debug/pprof/trace": l.profiles, "/": l.pages, "/-/reload": l.pages, "/overview": l.pages,
	} {
		if got := l.of(pattern); got != want {
			t.Errorf("%s has the limit %+v", pattern, got.Bounds)
		}
	}
	for descriptors, want := range map[uint64]int{1 << 20: 280, 256: 128, 10: 16} {
		if n := l.connections(descriptors); n != want {
			t.Errorf("%d connections of %d descriptors, want %d", n, descriptors, want)
		}
	}
	if doc, err := os.ReadFile("docs/api.md"); err != nil || !strings.Contains(string(doc), "280 by default") {
		t.Errorf("docs/api.md does not say how many connections there may be: %v", err)
	}
}
