package rest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

func TestOptions(t *testing.T) {
	o := rest.Read(volume.Config{Name: "a b", Options: map[string]any{
		"text": "x", "digits": int64(1234), "half": 0.5, "yes": true, "word": "off", "one": int64(1),
		"n": int64(7), "n_text": "8", "d": "30s", "d_seconds": 120.0, "d_int": int64(5), "list": []any{"a", " b , c", ""}, "commas": "a,b",
		"old": "spelling", "pw": "hidden", "empty": "", "unknown": map[string]any{"x": 1},
	}})
	got := []any{
		o.String("text", "it"), o.String("digits", "it"), o.StringOr("half", ""), o.String("new", "it", "older", "old"), o.StringOr("none", "std"),
		o.StringOr("empty", "std"), o.Secret("pw", "it").Reveal(), o.SecretOr("none").Reveal(), o.Bool("yes", false), o.Bool("word", true),
		o.Bool("one", false), o.Bool("none", true), o.Int("n", 1, 0, 9), o.Int("n_text", 1, 0, 9), o.Int("none", 3, 0, 9),
		o.Duration("d", 0), o.Duration("d_seconds", 0), o.Duration("d_int", 0), o.Duration("none", time.Hour), o.Strings("list"), o.Strings("commas"), o.Strings("none"),
	}
	want := []any{
		"x", "1234", "0.5", "spelling", "std", "std", "hidden", "", true, false, true, true, 7, 8, 3,
		30 * time.Second, 2 * minute, 5 * time.Second, time.Hour, []string{"a", "b", "c"}, []string{"a", "b"}, []string(nil),
	}
	if diff := cmp.Diff(want, got); diff != "" || o.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", o.Err(), diff)
	}
}

func TestOptionMistakes(t *testing.T) {
	list := []any{map[string]any{"hunter2": 1}}
	tests := []struct {
		read func(*rest.Options)
		want string
	}{
		{func(o *rest.Options) { o.String("none", "the user's name") }, "volume.v.options.none is missing: set it to the user's name"},
		{func(o *rest.Options) { o.String("blank", "the user's name") }, "volume.v.options.blank is missing: set it to the user's name"},
		{func(o *rest.Options) { o.Secret("list", "it") }, "volume.v.options.list must be a text in quotes: set it to it"},
		{func(o *rest.Options) { o.StringOr("list", "") }, "volume.v.options.list must be a text in quotes"},
		{func(o *rest.Options) { o.Bool("text", false) }, "volume.v.options.text must be true or false"},
		{func(o *rest.Options) { o.Int("text", 1, 0, 9) }, "volume.v.options.text must be a whole number from 0 to 9"},
		{func(o *rest.Options) { o.Int("ten", 1, 0, 9) }, "volume.v.options.ten must be a whole number from 0 to 9"},
		{func(o *rest.Options) { o.Duration("text", 1) }, `volume.v.options.text must be a duration, such as "30s"`},
		{func(o *rest.Options) { o.Duration("minus", 1) }, `volume.v.options.minus must be a duration, such as "30s"`},
		{func(o *rest.Options) { o.Strings("list") }, `volume.v.options.list must be a list of texts, such as ["a", "b"]`},
		{func(o *rest.Options) { o.Wrong("scope", "must be one of a, b") }, "volume.v.options.scope must be one of a, b"},
		{func(o *rest.Options) { o.Bool("text", false); o.Int("ten", 1, 0, 9) }, "volume.v.options.text must be true or false; volume.v.options.ten must be a whole number from 0 to 9"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			o := rest.Read(volume.Config{Name: "v", Options: map[string]any{"text": "hunter2", "list": list, "blank": " ", "ten": int64(10), "minus": -1e300}})
			tt.read(o)
			if err := o.Err(); err == nil || err.Error() != tt.want {
				t.Errorf("%v, not %s", err, tt.want)
			}
		})
	}
	o := rest.Read(volume.Config{Name: "a.b"})
	if o.String("x", "it"); !strings.HasPrefix(o.Err().Error(), `volume."a.b".options.x `) {
		t.Error(o.Err())
	}
}

func TestAccess(t *testing.T) {
	read := func(options map[string]any) (rest.Access, error) {
		o := rest.Read(volume.Config{Name: "v", Options: options})
		return o.Access("ep", "its URL", "own_verify_ssl"), o.Err()
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
		o := rest.Read(volume.Config{Name: "v", Options: map[string]any{"ep": "https://a", "ca_file": path}})
		access := o.Access("ep", "its URL", "own_verify_ssl")
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
		o := rest.Read(volume.Config{Name: "v", Options: map[string]any{"ep": "https://a", "ca_file": file}})
		a := o.Access("ep", "its URL", "own_verify_ssl")
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

func TestSecretPrints(t *testing.T) {
	s := rest.NewSecret("hidden")
	text, err := s.MarshalText()
	if got := fmt.Sprint(s, string(text), s.LogValue(), err, s.String()); strings.Contains(got, "hidden") {
		t.Error(got)
	}
}
