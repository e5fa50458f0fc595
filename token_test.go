package main

import (
	"encoding/base64"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"storage_exporter/proxy"
)

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// A browser asks its user for the token where a page is wanted, and only there.
func TestTokenForBrowsers(t *testing.T) {
	in := start(t, noSmartctl, "--config.file="+writeFile(t, "c.toml", "[api]\ntoken = \"first-t0ken\"\n"))
	for path, asks := range map[string]bool{"/": true, "/overview": true, "/drives": true, "/drives/sda": true, "/fleet": true, "/api/overview": false, "/volumes": false} {
		status, header, _ := in.get(path)
		challenges := strings.Join(header.Values("WWW-Authenticate"), ", ")
		if status != http.StatusUnauthorized || !strings.HasPrefix(challenges, "Bearer ") || strings.Contains(challenges, "Basic ") != asks {
			t.Errorf("%s: %d %q", path, status, challenges)
		}
	}
	_, _, page := in.ask("GET", "/overview", "Authorization", basic("me", "first-t0ken"))
	asset := regexp.MustCompile(`assets/[^"]+`).FindString(page)
	if status, _, _ := in.ask("GET", "/"+asset, "Authorization", basic("me", "first-t0ken")); asset == "" || status != http.StatusOK {
		t.Errorf("%q: %d", asset, status)
	}
}

// With a token, only the metrics, the service's health and /-/ are for everybody; the
// token is changed by a reload, and shown nowhere.
func TestToken(t *testing.T) {
	const token, next = "first-t0ken", "second-t0ken"
	tokenFile := writeFile(t, "token", token+"\n")
	file := writeFile(t, "exporter.toml", "[api]\ntoken_file = \""+tokenFile+"\"\n[volume.v]\nbackend = \"vfs\"\npath = \"/\"\n")
	in := start(t, noSmartctl, "--web.enable-lifecycle", "--config.file="+file)
	in.awaitReady()
	ask := func(path, header, value string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			req.Header.Set(header, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	for _, path := range []string{"/metrics", "/-/healthy", "/-/ready", "/health", "/status", "/livez", "/readyz", "/manager-api/health", "/manager-api/readyz"} {
		if got := ask(path, "", ""); got != 200 {
			t.Errorf("%s without a token: %d", path, got)
		}
	}
	for _, path := range []string{"/", "/volumes", "/volume/hwinfo?volume=v", "/manager-api/volumes", "/api/overview", "/overview", "/drives", "/nowhere", "/metrics/../volumes", "/-/../volumes"} {
		for _, wrong := range [][2]string{{"", ""}, {proxy.TokenHeader, ""}, {proxy.TokenHeader, token + "x"}, {"Authorization", "Bearer "}, {"Authorization", token}, {"Authorization", "Basic " + token}, {"Authorization", basic(token, "")}, {"Authorization", basic("", token+"x")}} {
			if got := ask(path, wrong[0], wrong[1]); got != 401 {
				t.Errorf("%s with %q: %d, want 401", path, wrong, got)
			}
		}
		want := 200
		if path == "/nowhere" {
			want = 404
		}
		for _, right := range [][2]string{{proxy.TokenHeader, token}, {"Authorization", "Bearer " + token}, {"Authorization", basic("anybody", token)}, {"Authorization", basic("", token)}} {
			if got := ask(path, right[0], right[1]); got != want {
				t.Errorf("%s with the token in %s: %d, want %d", path, right[0], got, want)
			}
		}
	}
	if err := os.WriteFile(tokenFile, []byte(next), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, body := in.do("POST", "/-/reload", ""); status != 200 {
		t.Fatalf("reload: %d %s", status, body)
	}
	if old, now := ask("/volumes", proxy.TokenHeader, token), ask("/volumes", proxy.TokenHeader, next); old != 401 || now != 200 {
		t.Errorf("after a reload: %d with the old token, %d with the new one", old, now)
	}
	if strings.Contains(in.log.String()+in.scrape(), "t0ken") {
		t.Error("the token is shown")
	}
}
