package event

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/cachestore"
	"storage_exporter/internal/secret"
)

// brokenStore fails while it is broken.
type brokenStore struct {
	cachestore.Store
	broken atomic.Bool
	ofNode bool // then each key fails by itself
}

var errBroken = errors.New("broken")

func (s *brokenStore) Get(ctx context.Context, keys ...string) ([]cachestore.Item, error) {
	items, err := s.Store.Get(ctx, keys...)
	switch {
	case s.broken.Load() && s.ofNode:
		for i := range items {
			items[i] = cachestore.Item{Err: errBroken}
		}
	case s.broken.Load():
		return nil, errBroken
	}
	return items, err
}

// never answers until the caller leaves.
func never(_ int, r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func answers(code int, headers ...string) func(int, *http.Request) (*http.Response, error) {
	return func(int, *http.Request) (*http.Response, error) { return status(code, headers...), nil }
}

// What is done for each answer: once, again, or never again.
func TestAnswers(t *testing.T) {
	tests := []struct {
		name           string
		answer         func(int, *http.Request) (*http.Response, error)
		again          bool
		outcome        string
		secondDropsOut bool // a later event is not even tried
	}{
		{"200", answers(200), false, delivered, false},
		{"202", answers(202), false, delivered, false},
		{"400", answers(400), false, failed, false},
		{"401", answers(401), false, failed, false},
		{"404", answers(404), false, failed, false},
		{"422", answers(422), false, failed, false},
		{"redirect", answers(302, "Location", "https://elsewhere.example.net/"), false, failed, false},
		{"410", answers(410), false, failed, true},
		{"408", answers(408), true, "", false},
		{"429", answers(429), true, "", false},
		{"500", answers(500), true, "", false},
		{"503", answers(503), true, "", false},
		{"hangs", never, true, "", false},
		{"no answer", func(int, *http.Request) (*http.Response, error) {
			return nil, errors.New("dial " + hookURL + ": refused")
		}, true, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, hook(nil), func(r *rig) {
				r.receiver.set(tt.answer)
				r.see("v1", "healthy", "offline", "offline")
				time.Sleep(20 * time.Second)
				synctest.Wait()
				if again := len(r.receiver.got()) > 1; again != tt.again {
					t.Errorf("%d calls", len(r.receiver.got()))
				}
				for _, outcome := range outcomes {
					want := 0.0
					if outcome == tt.outcome {
						want = 1
					}
					if n := testutil.ToFloat64(r.cfg.Metrics.deliveries.WithLabelValues("w", outcome)); n != want {
						t.Errorf("%v %s", n, outcome)
					}
				}
				before := len(r.receiver.got())
				r.see("v2", "healthy", "offline", "offline")
				time.Sleep(2 * DefaultTimeout) // another try may be under way
				synctest.Wait()
				sees := false
				for _, c := range r.receiver.got()[before:] {
					sees = sees || c.event.Subject.Name == "v2"
				}
				if sees == tt.secondDropsOut {
					t.Errorf("the second event was tried: %t", sees)
				}
				if text := r.log.String(); strings.Contains(text, "t0psecret") || strings.Contains(text, "hooks.example.net") {
					t.Errorf("the log shows the URL:\n%s", text)
				}
			})
		})
	}
}

// A webhook that is dead for an hour is asked ever less often, has only the newest state
// of each subject in the end, and delays no other webhook.
func TestDeadForAnHour(t *testing.T) {
	two := append(hook(nil), hook(func(w *Webhook) { w.Name = "good"; w.URL = secret.New("https://good.example.net/") })...)
	run(t, two, func(r *rig) {
		dead := true
		r.receiver.set(func(_ int, req *http.Request) (*http.Response, error) {
			if req.URL.Host == "good.example.net" || !dead {
				return status(200), nil
			}
			return nil, errors.New("refused")
		})
		r.see("v1", "healthy", "offline", "offline")
		time.Sleep(time.Hour)
		synctest.Wait()
		var tries []call
		for _, c := range r.receiver.got() {
			if c.host != "good.example.net" {
				tries = append(tries, c)
			}
		}
		if len(tries) < 10 || len(tries) > 16 {
			t.Errorf("%d tries in an hour", len(tries))
		}
		for i := 1; i < len(tries); i++ {
			wait, want := tries[i].at.Sub(tries[i-1].at), min(firstDelay<<(i-1), longestDelay)
			if wait < want*8/10 || wait > want*12/10 {
				t.Errorf("wait %d of %v", i, wait)
			}
		}
		for i := range tries {
			if tries[i].header.Get("webhook-id") != tries[0].header.Get("webhook-id") {
				t.Error("another id at a later try")
			}
		}
		r.see("v1", "healthy", "healthy", "degraded", "degraded")
		r.see("v2", "healthy", "offline", "offline")
		if n := testutil.ToFloat64(r.cfg.Metrics.pending.WithLabelValues("w")); n != 2 {
			t.Errorf("%v wait, want the newest of each subject", n)
		}
		if n := testutil.ToFloat64(r.cfg.Metrics.deliveries.WithLabelValues("good", delivered)); n != 4 {
			t.Errorf("the good webhook got %v", n)
		}
		dead = false
		back := len(r.receiver.got())
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		var got []string
		for _, c := range r.receiver.got()[back:] {
			got = append(got, c.event.Subject.Name+" "+c.event.State)
		}
		slices.Sort(got)
		if want := []string{"v1 degraded", "v2 offline"}; !slices.Equal(got, want) {
			t.Errorf("delivered %v, want %v", got, want)
		}
		text := r.log.String()
		if n := strings.Count(text, "not taken"); n != 1 {
			t.Errorf("logged %d times that it is dead", n)
		}
		if n := strings.Count(text, "taken again"); n != 1 {
			t.Errorf("logged %d times that it is back", n)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	run(t, hook(nil), func(r *rig) {
		r.receiver.set(func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return status(429, "Retry-After", "120"), nil
			}
			return status(200), nil
		})
		r.see("v1", "healthy", "offline", "offline")
		r.see("v2", "healthy")
		if n := len(r.receiver.got()); n != 1 {
			t.Errorf("%d calls before it may", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if calls := r.receiver.got(); len(calls) != 2 || calls[1].at.Sub(calls[0].at) < 2*time.Minute {
			t.Errorf("%d calls", len(calls))
		}
	})
	now := time.Date(2026, 1, 9, 23, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999999999999999": 0,
		"Fri, 09 Jan 2026 23:01:00 GMT": time.Minute, "Fri, 09 Jan 2026 22:00:00 GMT": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// An event is given up after a day.
func TestOldEventIsGivenUp(t *testing.T) {
	run(t, hook(nil), func(r *rig) {
		r.receiver.set(answers(500))
		r.see("v1", "healthy", "offline", "offline")
		time.Sleep(maxAge - time.Hour)
		synctest.Wait()
		if n := r.open(); n != 1 {
			t.Errorf("%d are sent within a day", n)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := r.open(); n != 0 || testutil.ToFloat64(r.cfg.Metrics.deliveries.WithLabelValues("w", dropped)) != 1 {
			t.Errorf("%d are tried for more than a day", n)
		}
	})
}

// The queue is bounded: the oldest goes.
func TestQueueIsBounded(t *testing.T) {
	run(t, hook(nil), func(r *rig) {
		r.receiver.set(answers(500))
		for round, state := range []string{"healthy", "offline", "offline"} {
			for i := range maxWaiting + 20 {
				r.Observe(Observation{Subject: Subject{Volume, fmt.Sprint("v", i)}, State: state, At: time.Unix(1e9+int64(round), 0)})
			}
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := testutil.ToFloat64(r.cfg.Metrics.pending.WithLabelValues("w")); n > maxWaiting {
			t.Errorf("%v wait", n)
		}
		lost := testutil.ToFloat64(r.cfg.Metrics.deliveries.WithLabelValues("w", dropped))
		if lost < 20 || lost > 21 {
			t.Errorf("%v dropped", lost)
		}
	})
}

func TestSignature(t *testing.T) {
	raw := []byte("a key of thirty-two bytes, or so")
	for name, key := range map[string]string{"base64": whsec + base64.StdEncoding.EncodeToString(raw), "text": string(raw)} {
		run(t, hook(func(w *Webhook) { w.Secret = secret.New(key) }), func(r *rig) {
			r.see("v1", "healthy", "offline", "offline")
			c := r.receiver.got()[0]
			id, at := c.header.Get("webhook-id"), c.header.Get("webhook-timestamp")
			if at != fmt.Sprint(c.at.Unix()) {
				t.Errorf("timestamp %s", at)
			}
			mac := hmac.New(sha256.New, raw)
			mac.Write([]byte(id + "." + at + "." + string(c.body)))
			if got, want := c.header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		})
	}
	// The example of docs/events.md, which anybody can check.
	p := newPoster(Webhook{Secret: secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, nil)
	h := http.Header{}
	p.sign(h, "evt_0123456789abcdef01234567", []byte(`{"state":"offline"}`), time.Unix(1768000000, 0))
	if got := h.Get("webhook-signature"); got != "v1,"+docSignature {
		t.Errorf("%s", got)
	}
}

func TestFormats(t *testing.T) {
	e := Event{ID: "evt_1", Time: time.Unix(1768000000, 0).UTC(), Subject: Subject{Volume, "a<b>&c"}, State: "offline", Previous: "healthy",
		Reason: "<!channel> & more", Host: "storage-01", Link: "https://h/x?a=1&b=2", Dedup: "d"}
	slack := Webhook{Format: FormatSlack}
	body, err := encode(&slack, e)
	if err != nil {
		t.Fatal(err)
	}
	var text struct{ Text string }
	if err := json.Unmarshal(body, &text); err != nil {
		t.Fatal(err)
	}
	if want := "storage-01: volume a&lt;b&gt;&amp;c is offline, it was healthy: &lt;!channel&gt; &amp; more (<https://h/x?a=1&amp;b=2|details>)"; text.Text != want {
		t.Errorf("%s\nwant %s", text.Text, want)
	}
	duty := Webhook{Format: FormatPagerDuty, RoutingKey: secret.New("r0uting"), States: []string{"offline"}}
	trigger := pagerDutyEvent(&duty, e)
	e.State, e.Previous = "healthy", "offline"
	resolve := pagerDutyEvent(&duty, e)
	if trigger.Action != "trigger" || resolve.Action != "resolve" || trigger.DedupKey != resolve.DedupKey || trigger.Payload.Severity != "critical" ||
		trigger.RoutingKey != "r0uting" || resolve.RoutingKey != "r0uting" || resolve.Payload != nil || trigger.Links[0].Href != e.Link {
		t.Errorf("%+v\n%+v", trigger, resolve)
	}
	if !duty.wants(e) {
		t.Error("what was triggered is never resolved")
	}
	e.State = "degraded"
	if duty.wants(e) {
		t.Error("a state that is not asked for")
	}
}

func TestFilterOfWebhook(t *testing.T) {
	run(t, hook(func(w *Webhook) {
		w.Subjects = []string{"volume:v1", "drive"}
		w.States = []string{"offline", "failing"}
	}), func(r *rig) {
		r.see("v1", "healthy", "degraded", "degraded", "offline", "offline", "healthy", "healthy")
		r.see("v2", "healthy", "offline", "offline")
		if calls := r.receiver.got(); len(calls) != 1 || calls[0].event.State != "offline" || calls[0].event.Subject.Name != "v1" {
			t.Errorf("%+v", calls)
		}
		if r.open() != 0 {
			t.Error("what no webhook wants is sent still")
		}
	})
}

// A reload keeps what waits for a webhook of the same name, and drops that of one which
// is gone, with its series.
func TestReload(t *testing.T) {
	run(t, hook(nil), func(r *rig) {
		r.receiver.set(answers(500))
		r.see("v1", "healthy", "offline", "offline")
		before := r.queues["w"]
		r.Apply(0, hook(nil))
		if r.queues["w"] != before {
			t.Error("a webhook that is the same was made anew")
		}
		r.receiver.set(nil)
		n := len(r.receiver.got())
		r.Apply(0, hook(func(w *Webhook) { w.URL = secret.New("https://other.example.net/") }))
		synctest.Wait()
		if len(r.receiver.got()) != n+1 {
			t.Error("what waited was not sent at once")
		}
		r.receiver.set(answers(500))
		r.see("v1", "healthy", "healthy")
		r.Apply(0, nil)
		synctest.Wait()
		if r.open() != 0 {
			t.Error("what waited for a webhook that is gone is kept")
		}
		if n, err := testutil.GatherAndCount(r.registry, "storage_webhook_pending", "storage_webhook_deliveries_total"); n != 0 || err != nil {
			t.Errorf("%d series of no webhook, %v", n, err)
		}
	})
}

func TestWebhookCheck(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Webhook)
		want   string // key and a part of the message; empty: it is good
	}{
		{"good", func(*Webhook) {}, ""},
		{"name", func(w *Webhook) { w.Name = "a b" }, "name: must be 1 to 63"},
		{"format", func(w *Webhook) { w.Format = "slak" }, "did you mean slack"},
		{"no url", func(w *Webhook) { w.URL = secret.Text{} }, "url: is missing"},
		{"url", func(w *Webhook) { w.URL = secret.New("ftp://t0psecret") }, "url: must be a URL"},
		{"secret", func(w *Webhook) { w.Secret = secret.New("whsec_t0psecret!") }, "secret: must be base64"},
		{"secret of slack", func(w *Webhook) { w.Format = FormatSlack; w.Secret = secret.New("t0psecret") }, "secret: has no effect"},
		{"routing key of json", func(w *Webhook) { w.RoutingKey = secret.New("t0psecret") }, "routing_key: has no effect"},
		{"no routing key", func(w *Webhook) { w.Format = FormatPagerDuty }, "routing_key: is missing"},
		{"pagerduty", func(w *Webhook) { w.Format = FormatPagerDuty; w.RoutingKey = secret.New("k"); w.URL = secret.Text{} }, ""},
		{"timeout", func(w *Webhook) { w.Timeout = 2 * time.Minute }, "timeout: must be"},
		{"subjects", func(w *Webhook) { w.Subjects = []string{"volume:v1", "toaster"} }, "subjects: must be volume"},
		{"states", func(w *Webhook) { w.States = []string{"offline", "on fire"} }, "states: must be states"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := hook(tt.change)[0]
			var got []string
			w.Check(func(key, format string, args ...any) { got = append(got, key+": "+fmt.Sprintf(format, args...)) })
			if text := strings.Join(got, "\n"); (tt.want == "") != (text == "") || !strings.Contains(text, tt.want) || strings.Contains(text, "t0psecret") {
				t.Errorf("%q, want %q", text, tt.want)
			}
		})
	}
	for external, good := range map[string]bool{"": true, "https://h:1/x": true, "h:1": false, "ftp://h": false, "https://": false, "https://u:p@h": false} {
		if (CheckExternal(external) == nil) != good {
			t.Errorf("external URL %q", external)
		}
	}
}

// docSignature is what the commands in docs/events.md come to.
const docSignature = "74dSEJeio+1P1eJJMeIqIW+sKMEXGehYTTIE5JNddf4="

// Why there was no answer is said without the URL, of which the library's errors have
// all parts.
func TestReasonsWithoutTheURL(t *testing.T) {
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	defer untrusted.Close()
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for first := true; ; first = false {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if first {
				_, _ = conn.Read(make([]byte, 1))
				fmt.Fprint(conn, "SSH-2.0-t0psecret\r\n")
			}
			_ = conn.Close()
		}
	}()
	silent, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for _, tt := range []struct{ name, url, want string }{
		{"refused", "http://" + gone.Addr().String(), "cannot be reached: connection refused"},
		{"not trusted", untrusted.URL, "its certificate is not trusted"},
		{"no HTTP", "http://" + listener.Addr().String(), "it gave no answer that is HTTP"},
		{"closed", "http://" + listener.Addr().String(), "it "},
		{"silent", "http://" + silent.Addr().String(), "did not answer in time"},
	} {
		p := newPoster(Webhook{URL: secret.New(tt.url + "/t0psecret"), Format: FormatJSON, Timeout: 200 * time.Millisecond}, nil)
		if tt.name != "silent" {
			p.webhook.Timeout = 10 * time.Second
		}
		err := p.send(t.Context(), Event{ID: "evt_1"})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "t0psecret") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	lookup := &url.Error{Op: "Post", URL: hookURL, Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "hooks.example.net"}}}
	if got := reasonOf(lookup); got != "its host name cannot be resolved" {
		t.Error(got)
	}
}
