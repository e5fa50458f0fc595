package rest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

func TestAccess(t *testing.T) {
	read := func(options map[string]any) (rest.Access, error) {
		o := volume.ReadOptions(volume.Config{Name: "v", Options: options})
		return rest.ReadAccess(o, "ep", "its URL", "own_verify_ssl"), o.Err()
	}
	tests := []struct {
		options  map[string]any
		endpoint string // or what is wrong
		insecure bool
	}{
		{map[string]any{"ep": "https://Array.Test:8443/a/"}, "https://array.test:8443/a", false},
		{map[string]any{"ep": "https://a, https://b/"}, "https://a,https://b", false},
		{map[string]any{"ep": []any{"http://a", "https://[::1]:443"}}, "http://a,https://[::1]:443", false},
		{map[string]any{"ep": "https://a", "own_verify_ssl": false}, "https://a", true},
		{map[string]any{"ep": "https://a", "verify_ssl": false}, "https://a", true},
		{map[string]any{"ep": "https://a", "verify_ssl": false, "own_verify_ssl": true}, "https://a", false},
		{map[string]any{"ep": "https://a", "proxy_url": "http://u:hunter2@p:3128"}, "https://a", false},
		{map[string]any{}, "ep is missing", false},
		{map[string]any{"ep": "10.0.0.1"}, "ep is no URL with https://", false},
		{map[string]any{"ep": "array:443"}, "ep is no URL with https://", false},
		{map[string]any{"ep": "ftp://a"}, "ep is no URL with https://", false},
		{map[string]any{"ep": "https://u:hunter2@a"}, "ep must not hold a user name or password", false},
		{map[string]any{"ep": "https://a/?token=hunter2"}, "ep must end with the path", false},
		{map[string]any{"ep": "https://a b/hunter2"}, "ep is no URL", false},
		{map[string]any{"ep": "https://a", "proxy_url": "hunter2"}, "proxy_url is no URL of a proxy", false},
	}
	for _, tt := range tests {
		t.Run(tt.endpoint, func(t *testing.T) {
			a, err := read(tt.options)
			if err != nil {
				if !strings.Contains(err.Error(), "volume.v.options."+tt.endpoint) || strings.Contains(err.Error(), "hunter2") {
					t.Error(err)
				}
				return
			}
			if a.Endpoint() != tt.endpoint || a.Insecure != tt.insecure {
				t.Errorf("%s, %v", a.Endpoint(), a.Insecure)
			}
		})
	}
	// What needs another client is not shared.
	shares := map[string]bool{}
	for _, options := range []map[string]any{
		{"ep": "https://a"}, {"ep": "https://b"}, {"ep": "https://a", "verify_ssl": false}, {"ep": "https://a", "ca_file": "/x"},
		{"ep": "https://a", "server_name": "/x"}, {"ep": "https://a", "request_timeout": 3.0}, {"ep": "https://a", "proxy_url": "http://p"},
	} {
		a, err := read(options)
		if err != nil {
			t.Fatal(err)
		}
		shares[a.Share("u", "p")], shares[a.Share("u p")], shares[a.Share("u", "q")] = true, true, true
	}
	if len(shares) != 21 {
		t.Errorf("%d different ones", len(shares))
	}
	a, _ := read(map[string]any{"ep": "https://a"})
	b, _ := read(map[string]any{"ep": "https://A/"})
	if a.Share("x") != b.Share("x") {
		t.Error("the same is not shared")
	}
	if a.DefaultPath("/rest"); a.Endpoint() != "https://a/rest" {
		t.Error(a.Endpoint())
	}
	if a.DefaultPath("/other"); a.Endpoint() != "https://a/rest" {
		t.Error(a.Endpoint())
	}
}

func TestCAFile(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/nowhere/ca.pem", empty, t.TempDir()} {
		o := volume.ReadOptions(volume.Config{Name: "v", Options: map[string]any{"ep": "https://a", "ca_file": path}})
		access := rest.ReadAccess(o, "ep", "its URL", "own_verify_ssl")
		_, err := rest.NewClient(rest.Config{Access: access, Logger: quiet()})
		if err == nil || !strings.HasPrefix(err.Error(), "volume.v.options.ca_file ") {
			t.Errorf("%s: %v", path, err)
		}
		t.Log(err)
	}
}

// A CA file that was renewed, or came late, is taken up by a reload.
func TestCAFileRenewed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	share := func() string {
		o := volume.ReadOptions(volume.Config{Name: "v", Options: map[string]any{"ep": "https://a", "ca_file": file}})
		a := rest.ReadAccess(o, "ep", "its URL", "own_verify_ssl")
		return a.Share("u")
	}
	seen := map[string]bool{share(): true}
	for _, content := range []string{"old", "new"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		seen[share()], seen[share()] = true, true
	}
	if len(seen) != 3 {
		t.Errorf("%d different ones", len(seen))
	}
}
