package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/rest"
)

func TestPaths(t *testing.T) {
	within(t, rest.Auth{}, func(r *rig) {
		below := r.client(rest.Auth{}, map[string]any{"endpoint": r.first.URL + "/mgmt/v1/", "ca_file": r.first.CAFile})
		defer below.Close()
		tests := []struct {
			client *rest.Client
			path   string
			query  url.Values
			want   string
		}{
			{r.Client, "/a/b/", nil, "/a/b/"},
			{r.Client, "/a?x=1", url.Values{"y": {"2 3"}}, "/a?x=1&y=2+3"},
			{r.Client, "/a/" + url.PathEscape("b/c d"), nil, "/a/b%2Fc%20d"},
			{below, "/a", nil, "/mgmt/v1/a"},
			{below, "/a%2Fb", url.Values{"z": {"1"}}, "/mgmt/v1/a%2Fb?z=1"},
		}
		for _, tt := range tests {
			var got struct{ Said rest.Text }
			if err := tt.client.Get(r.t.Context(), tt.path, tt.query, &got); err != nil || got.Said.String() != tt.want {
				t.Errorf("%s: %s, %v, not %s", tt.path, got.Said, err, tt.want)
			}
		}
		for _, path := range []string{"", "a", "//other.test/a", "https://other.test/a", "/%zz"} {
			if _, err := r.get(path); err == nil {
				t.Errorf("%q is asked for", path)
			}
		}
	}, echo)
}

func TestStatuses(t *testing.T) {
	tests := []struct {
		status int
		kind   error
		calls  int
	}{
		{400, rest.ErrRejected, 1}, {401, rest.ErrUnauthorized, 1}, {403, rest.ErrForbidden, 1}, {404, rest.ErrNotFound, 1},
		{410, rest.ErrNotFound, 1}, {422, rest.ErrRejected, 1}, {429, rest.ErrThrottled, 1}, {500, rest.ErrServer, 1},
		{502, rest.ErrServer, 2}, {503, rest.ErrServer, 2}, {504, rest.ErrServer, 2}, {302, rest.ErrBadAnswer, 1},
	}
	for _, tt := range tests {
		t.Run(http.StatusText(tt.status), func(t *testing.T) {
			within(t, rest.Auth{}, func(r *rig) {
				_, err := r.get("/x")
				is(t, err, tt.kind, volume.Unavailable)
				if n := len(r.first.Calls()); n != tt.calls {
					t.Errorf("%d calls", n)
				}
				if _, err := r.Do(r.t.Context(), rest.Request{Method: http.MethodPost, Path: "/x"}); err == nil {
					t.Error("no error")
				}
				if n := len(r.first.Calls()); n > tt.calls+1 {
					t.Errorf("%d calls: a POST is repeated", n)
				}
			}, fails(tt.status))
		})
	}
}

// One that failed and works the second time was no failure.
func TestRepeats(t *testing.T) {
	for _, f := range []appliancetest.Fault{appliancetest.Fails(503, ""), appliancetest.Drops(), appliancetest.Fails(502, "<html>")} {
		within(t, rest.Auth{}, func(r *rig) {
			r.first.Break(f.Times(1))
			if _, err := r.get("/x"); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}, echo)
	}
}

func TestRotates(t *testing.T) {
	where := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { say(w, map[string]string{"said": name}) }
	}
	within(t, rest.Auth{}, func(r *rig) {
		expect := func(want string) {
			t.Helper()
			if got, err := r.get("/x"); got != want {
				t.Errorf("%s, %v answers, not %s", got, err, want)
			}
		}
		expect("first")
		r.first.Down()
		expect("second")
		r.first.Up()
		expect("second") // as long as it works
		r.second.Break(appliancetest.Fails(503, ""))
		expect("first")
		r.second.Mend()
		r.first.Unknown(true)
		expect("second")
		r.first.Unknown(false)
		r.second.Hang(true)
		expect("first")
		// A call that was sent may have had its effect.
		r.first.Break(appliancetest.Drops())
		if _, err := r.Do(r.t.Context(), rest.Request{Method: http.MethodPost, Path: "/x"}); !errors.Is(err, rest.ErrUnreachable) {
			t.Error(err)
		}
		r.first.Mend()
		r.second.Hang(false)
		// One that could not be sent goes to the next, whatever it is.
		if got, _ := r.get("/x"); got == "first" {
			r.first.Down()
		} else {
			r.second.Down()
		}
		time.Sleep(time.Second)
		if _, err := r.Do(r.t.Context(), rest.Request{Method: http.MethodPost, Path: "/x"}); err != nil {
			t.Error(err)
		}
		r.first.Down()
		r.second.Down()
		_, err := r.get("/x")
		is(t, err, rest.ErrUnreachable, volume.Offline)
	}, where("first"), where("second"))
}

func TestTwoAtOnce(t *testing.T) {
	var now, most atomic.Int32
	within(t, rest.Auth{}, func(r *rig) {
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _, _ = r.get("/x") })
		}
		wg.Wait()
		if most.Load() != 2 || len(r.first.Calls()) != 10 {
			t.Errorf("%d at once, %d in all", most.Load(), len(r.first.Calls()))
		}
	}, func(w http.ResponseWriter, _ *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(time.Second)
		now.Add(-1)
		say(w, 1)
	})
}

func TestRetryAfter(t *testing.T) {
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of a bubble
	tests := []struct {
		name   string
		header []string
		status int
		wait   time.Duration
	}{
		{"seconds", []string{"Retry-After", "120"}, 429, 2 * minute},
		{"out of service", []string{"Retry-After", "120"}, 503, 2 * minute},
		{"a date", []string{"Retry-After", begin.Add(3 * minute).Format(http.TimeFormat)}, 429, 3 * minute},
		{"a date by a clock that is wrong", []string{
			"Retry-After", begin.Add(63 * minute).Format(http.TimeFormat), "Date", begin.Add(60 * minute).Format(http.TimeFormat),
		}, 429, 3 * minute},
		{"forever", []string{"Retry-After", "1000000000000000000"}, 429, 60 * minute},
		{"not said", nil, 429, 30 * time.Second},
		{"nonsense", []string{"Retry-After", "NaN"}, 429, 30 * time.Second},
		{"negative", []string{"Retry-After", "-5"}, 429, 30 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			within(t, rest.Auth{}, func(r *rig) {
				_, first := r.get("/x")
				is(t, first, rest.ErrThrottled, volume.Unavailable)
				time.Sleep(tt.wait - time.Second)
				if _, err := r.get("/y"); err != first { //nolint:errorlint // the very same
					t.Errorf("meanwhile: %v", err)
				}
				if n := len(r.first.Calls()); n != 1 {
					t.Errorf("%d calls", n)
				}
				time.Sleep(2 * time.Second)
				if _, err := r.get("/y"); err == nil || len(r.first.Calls()) < 2 {
					t.Errorf("afterwards: %v, %d calls", err, len(r.first.Calls()))
				}
			}, fails(tt.status, tt.header...))
		})
	}
}

func TestTimeout(t *testing.T) {
	within(t, rest.Auth{}, func(r *rig) {
		r.first.Break(appliancetest.Hangs())
		start := time.Now()
		_, err := r.get("/x")
		is(t, err, rest.ErrUnreachable, volume.Offline)
		if took := time.Since(start); took != 10*time.Second || len(r.first.Calls()) != 1 {
			t.Errorf("%v, %d calls", took, len(r.first.Calls()))
		}
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		err = r.Get(ctx, "/x", nil, nil)
		is(t, err, context.DeadlineExceeded, volume.Offline)
		r.first.Mend()
		r.first.Break(appliancetest.Slow(9 * time.Second))
		if _, err := r.get("/x"); err != nil {
			t.Error(err)
		}
	}, echo)
}

// Redirects are followed at home, with the credentials, and nowhere else.
func TestRedirects(t *testing.T) {
	auth := rest.Header("X-Token", secret.New("t0ken"))
	within(t, auth, func(r *rig) {
		if got, err := r.get("/slash"); err != nil || got != "t0ken" {
			t.Errorf("%s, %v", got, err)
		}
		for path, says := range map[string]string{
			"/away": "https://array2.test, where the credentials", "/plain": "http://array1.test, where the credentials",
			"/loop": "on and on, more than 3 times", "/circle/a": "on and on", "/nowhere": "HTTP 302, without an address", "/bad": "what is no address",
		} {
			if _, err := r.get(path); !errors.Is(err, rest.ErrBadAnswer) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "session") {
				t.Errorf("%s: %v", path, err)
			}
		}
		if n := len(r.second.Calls()); n != 0 {
			t.Errorf("%d calls elsewhere", n)
		}
		if _, err := r.Do(r.t.Context(), rest.Request{Method: http.MethodPost, Path: "/slash"}); !errors.Is(err, rest.ErrBadAnswer) || !strings.Contains(err.Error(), "only a GET") {
			t.Errorf("POST: %v", err)
		}
	}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slash":
			http.Redirect(w, r, "/slash/", http.StatusMovedPermanently)
		case "/away":
			http.Redirect(w, r, "https://array2.test/", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, "http://array1.test/", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop?session=1", http.StatusFound)
		case "/circle/a":
			http.Redirect(w, r, "/circle/b", http.StatusFound)
		case "/circle/b":
			http.Redirect(w, r, "/circle/a?session=1", http.StatusFound)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		case "/bad":
			w.Header().Set("Location", "https://array1.test:session/%zz")
			w.WriteHeader(http.StatusFound)
		default:
			say(w, map[string]string{"said": r.Header.Get("X-Token")})
		}
	}, echo)
}

// On a real network: TLS 1.2 at least, the proxy that is configured, none other.
func TestRealNetwork(t *testing.T) {
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, `{"said": "by proxy"}`)
	}))
	defer proxy.Close()
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("HTTP_PROXY", proxy.URL)
	a := appliancetest.NewAppliance(t, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		say(w, map[string]string{"said": r.UserAgent()})
	}))
	get := func(options map[string]any) (string, error) {
		t.Helper()
		r := &rig{t: t, network: appliancetest.NewNetwork()}
		o := volume.ReadOptions(volume.Config{Name: "v", Options: options})
		access := rest.ReadAccess(o, "endpoint", "its URL", "own_verify_ssl")
		c, err := rest.NewClient(rest.Config{Access: access, Logger: quiet()})
		if err != nil || o.Err() != nil {
			t.Fatal(err, o.Err())
		}
		defer c.Close()
		r.Client = c
		return r.get("/x")
	}
	for range 2 {
		if got, err := get(map[string]any{"endpoint": a.URL, "ca_file": a.CAFile}); err != nil || got != "storage_exporter" || asked.Load() != 0 {
			t.Errorf("%q, %v, %d by a proxy", got, err, asked.Load())
		}
		a.Down()
		_, err := get(map[string]any{"endpoint": a.URL, "ca_file": a.CAFile})
		is(t, err, rest.ErrUnreachable, volume.Offline)
		a.Up()
	}
	if _, err := get(map[string]any{"endpoint": a.URL}); !errors.Is(err, rest.ErrUntrusted) {
		t.Error(err)
	}
	_, err := get(map[string]any{"endpoint": a.URL, "ca_file": a.CAFile, "server_name": "other.test"})
	if is(t, err, rest.ErrUntrusted, volume.Unavailable); !strings.Contains(err.Error(), "server_name") {
		t.Error(err)
	}
	if _, err := get(map[string]any{"endpoint": a.URL, "own_verify_ssl": false}); err != nil {
		t.Error(err)
	}
	plain := strings.Replace(proxy.URL, "http://", "https://", 1)
	if _, err := get(map[string]any{"endpoint": plain}); !errors.Is(err, rest.ErrUntrusted) || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("no TLS there: %v", err)
	}
	if got, err := get(map[string]any{"endpoint": "http://array.test", "proxy_url": proxy.URL}); err != nil || got != "by proxy" {
		t.Errorf("%q, %v", got, err)
	}
}
