package proxy

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"storage_exporter/internal/certtest"
	"storage_exporter/internal/secret"
)

// Each shape of an answer, where it may be.
func TestShapes(t *testing.T) {
	many := map[string]any{}
	for i := range maxVolumes + 1 {
		many[fmt.Sprintf("v%04d", i)] = map[string]any{"status": "healthy"}
	}
	tooMany, err := json.Marshal(map[string]any{"status": "healthy", "volumes": many})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		at     answers
		status Status
		shape  Shape
		states string
	}{
		"manager":              {answers{"/manager-api/health": ofManager}, Healthy, ShapeManager, "v1=offline v2=healthy "},
		"manager at the root":  {answers{"/health": ofManager}, Healthy, ShapeManager, "v1=offline v2=healthy "},
		"exporter":             {answers{"/manager-api/health": ofExporter, "/health": "nonsense"}, Healthy, ShapeExporter, "v1=unknown v2=degraded "},
		"storage proxy":        {answers{"/health": ofProxy, "/volumes": someVolumes}, Healthy, ShapeProxy, ""},
		"degraded connections": {answers{"/health": strings.Replace(ofProxy, `"ok"`, `"degraded"`, 1)}, Healthy, ShapeProxy, ""},
		"in error":             {answers{"/health": strings.Replace(ofProxy, `"ok"`, `"error"`, 1)}, Unhealthy, ShapeProxy, ""},
		"no volumes":           {answers{"/health": `{"status":"ok","volumes":{}}`}, Healthy, ShapeExporter, ""},
		"odd volumes":          {answers{"/health": `{"status":"ok","volumes":{"a":7,"b":{"status":"OFFLINE"},"c":{"status":"gone"},"d":{"status":["x"],"backend":{}}}}`}, Healthy, ShapeExporter, "a=unknown b=offline c=unknown d=unknown "},
		"1,001 volumes":        {answers{"/health": string(tooMany)}, Healthy, ShapeManager, states1000()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.at)
			defer server.Close()
			got := newPoller(t, Config{URL: server.URL}).poll(t.Context(), nil, 0)
			if got.Status != tt.status || got.Shape != tt.shape || got.states() != tt.states || (got.Reason == "") != (tt.status == Healthy) {
				t.Errorf("%s %q, %q with %s", got.Status, got.Reason, got.Shape, got.states())
			}
			if strings.HasPrefix(name, "1,001") != (got.LeftOut == 1) {
				t.Errorf("%d left out", got.LeftOut)
			}
		})
	}
}

func states1000() string {
	var b strings.Builder
	for i := range maxVolumes {
		fmt.Fprintf(&b, "v%04d=healthy ", i)
	}
	return b.String()
}

// What a volume says comes through; times that are none do not.
func TestVolumeOfAnAnswer(t *testing.T) {
	server := httptest.NewServer(answers{"/health": ofManager})
	defer server.Close()
	got := newPoller(t, Config{URL: server.URL}).poll(t.Context(), nil, 0)
	v := got.Volumes[0]
	if v.Backend != "cephfs" || v.Info != "no monitor answers" || v.LastCheckedAt == nil || v.LastCheckedAt.Unix() != 1768000000 || got.Version != "26.2.0" || got.Says != "healthy" {
		t.Errorf("%+v of %+v", v, got)
	}
	for _, s := range []string{"", "yesterday", "2026-01-09T23:06:40", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59"} {
		if at := readTime(s); at != nil {
			t.Errorf("%q is %v", s, at)
		}
	}
}

// Every fault has its reason, which shows no secret.
func TestFaults(t *testing.T) {
	const token = "S3CR3T-token"
	page := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<html>", strings.Repeat("x", 100), "</html>")
	}
	says := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		reason  string
	}{
		"shows what it got": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.Header.Get("Authorization"), 500) }, "HTTP 500: Basic <secret>"},
		"hangs":             {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer within"},
		"hangs within the answer": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"status":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "no answer within"},
		"500":            {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "it broke with "+token, 500) }, "HTTP 500: it broke with <secret>"},
		"503":            {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, "HTTP 503"},
		"401":            {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) }, "refused the credentials (HTTP 401)"},
		"404":            {http.NotFound, "neither /manager-api/health nor /health is there"},
		"page":           {page, "a web page, not JSON"},
		"text":           {says("healthy"), "not JSON"},
		"empty":          {says(""), "the answer is empty"},
		"null":           {says("null"), "the answer is null"},
		"list":           {says(`[{"status":"ok"}]`), "not what was expected"},
		"volumes a list": {says(`{"status":"ok","volumes":[]}`), "not what was expected"},
		"another status": {says(`{"status":"\u001b[31mgreen\n","volumes":{}}`), `its status is "[31mgreen"`},
		"no status":      {says(`{"volumes":{}}`), "not that of a storage proxy's health"},
		"status alone":   {says(`{"status":"ok"}`), "neither volumes nor connectivity"},
		"manager itself": {says(`{"status":"ok","component":"manager","connectivity":{}}`), `the health of a "manager"`},
		"100 MiB": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"status":"ok","x":[`)
			for range 100 << 4 {
				if _, err := io.WriteString(w, strings.Repeat(`"1234567890123",`, 4<<10)); err != nil {
					return
				}
			}
		}, "larger than 1 MiB"},
		"deep": {says(`{"status":"ok","x":` + strings.Repeat("[", 100_000)), "the answer"},
		"packed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprint(z, `{"status":"ok","x":[`+strings.Repeat("1,", 1<<20)+`1]}`)
			_ = z.Close()
		}, "larger than 1 MiB"},
		"redirect loop": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "the answer sends us to another path"},
		"cut off": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"status"`)
		}, "cut off"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			cfg := Config{URL: server.URL, Token: secret.New(token), Username: "reader", Password: secret.New("pass word")}
			if strings.HasPrefix(name, "hangs") {
				cfg.Timeout = 200 * time.Millisecond
			}
			got := newPoller(t, cfg).poll(t.Context(), nil, 0)
			if got.Status != Unhealthy || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s: %q, want %q", got.Status, got.Reason, tt.reason)
			}
			if strings.Contains(got.Reason, token) || strings.ContainsAny(got.Reason, "\x1b\n") || len(got.Reason) > 2000 {
				t.Errorf("reason %q", got.Reason)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	good := httptest.NewUnstartedServer(answers{"/health": ofManager})
	cert := certtest.New(t)
	good.TLS = cert.Server()
	good.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	good.StartTLS()
	defer good.Close()
	plain := httptest.NewServer(answers{"/health": ofManager})
	defer plain.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, tt := range map[string]struct {
		cfg    Config
		reason string
	}{
		"its own authority": {Config{URL: good.URL, CAFile: cert.CAFile}, ""},
		"another authority": {Config{URL: good.URL, CAFile: certtest.New(t).CAFile}, "unknown authority"},
		"the system's":      {Config{URL: good.URL}, "unknown authority"},
		"no TLS there":      {Config{URL: strings.Replace(plain.URL, "http:", "https:", 1)}, "does not speak TLS"},
		"refused":           {Config{URL: "http://" + closed.Addr().String()}, "refused the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			got := newPoller(t, tt.cfg).poll(t.Context(), nil, 0)
			if (got.Status == Healthy) != (tt.reason == "") || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s: %q, want %q", got.Status, got.Reason, tt.reason)
			}
		})
	}
}

// Credentials go to the configured host, in each call, and nowhere else.
func TestCredentials(t *testing.T) {
	var leaks atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaks.Add(1)
		fmt.Fprint(w, ofManager)
	}))
	defer other.Close()
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		seen = append(seen, strings.Join([]string{r.URL.Path, r.Header.Get("X-BackendAI-Storage-Auth-Token"), user, password}, " "))
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	cfg := Config{URL: server.URL + "/below/", Token: secret.New("t0ken"), Username: "u", Password: secret.New("p")}
	got := newPoller(t, cfg).poll(t.Context(), nil, 0)
	if got.Status != Unhealthy || !strings.Contains(got.Reason, other.URL) {
		t.Errorf("%s: %q", got.Status, got.Reason)
	}
	if leaks.Load() > 0 {
		t.Error("the redirect was followed")
	}
	if len(seen) != 1 || seen[0] != "/below/manager-api/health t0ken u p" {
		t.Errorf("seen %q", seen)
	}
}

// Texts of the proxy are clean wherever they show.
func TestTextsAreClean(t *testing.T) {
	hostile := `{"status":"healthy","version":"1\u0000\u001b]0;x","volumes":{
		"a\u202eb":{"status":"offline","status_info":"\u001b[31m` + strings.Repeat("long ", 1000) + `","backend":"x\u0007y"},
		"a\u202eb\n":{"status":"healthy"},
		"\u0000":{"status":"healthy"}}}`
	server := httptest.NewServer(answers{"/health": hostile})
	defer server.Close()
	got := newPoller(t, Config{URL: server.URL}).poll(t.Context(), nil, 0)
	if len(got.Volumes) != 1 || got.LeftOut != 2 {
		t.Fatalf("%d volumes, %d left out", len(got.Volumes), got.LeftOut)
	}
	if v := got.Volumes[0]; v.Name != "ab" || v.Backend != "xy" || len(v.Info) > 2*longInfo || !strings.HasPrefix(v.Info, "[31mlong") || got.Version != "1]0;x" {
		t.Errorf("%+v of %q", v, got.Version)
	}
}

// With a token the volumes of a proxy that does not name them are asked for, as its
// manager does.
func TestVolumesOfAStorageProxy(t *testing.T) {
	var asked []string
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, ofProxy) })
	mux.HandleFunc("/volumes", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-BackendAI-Storage-Auth-Token") != "t0ken" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, someVolumes)
	})
	mux.HandleFunc("GET /volume/hwinfo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, string(body))
		if strings.Contains(string(body), "v2") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, `{"status":"degraded","status_info":"a node is down","metadata":{}}`)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	p := newPoller(t, Config{URL: server.URL, Token: secret.New("t0ken")})
	got := p.poll(t.Context(), nil, 0)
	if got.Status != Healthy || got.Shape != ShapeProxy || *got.Checks != 2 || got.states() != "v1=degraded v2=unavailable " {
		t.Errorf("%+v", got)
	}
	if got.Volumes[0].Info != "a node is down" || got.Volumes[0].Backend != "xfs" || !strings.Contains(got.Volumes[1].Info, "HTTP 500") {
		t.Errorf("%+v", got.Volumes)
	}
	if want := `{"volume":"v1"} {"volume":"v2"}`; strings.Join(asked, " ") != want {
		t.Errorf("asked %q", asked)
	}
	wrong := newPoller(t, Config{URL: server.URL, Token: secret.New("another")}).poll(t.Context(), got, time.Minute)
	if wrong.Status != Healthy || !strings.Contains(wrong.VolumesReason, "refused the credentials") || wrong.Carried == nil || len(wrong.Volumes) != 2 {
		t.Errorf("with a wrong token: %+v", wrong)
	}
}
