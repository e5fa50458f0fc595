package event

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cachestore"
	"storage_exporter/internal/logtest"
	"storage_exporter/internal/secret"
)

// receiver is the other side of the webhooks, within the process.
type receiver struct {
	mu     sync.Mutex // guards the fields below
	answer func(n int, r *http.Request) (*http.Response, error)
	calls  []call
}

type call struct {
	at     time.Time
	host   string
	header http.Header
	event  Event
	body   []byte
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	c := call{at: time.Now(), host: req.URL.Host, header: req.Header, body: body}
	_ = json.Unmarshal(body, &c.event)
	r.mu.Lock()
	r.calls = append(r.calls, c)
	n, answer := len(r.calls), r.answer
	r.mu.Unlock()
	if answer != nil {
		return answer(n, req)
	}
	return status(http.StatusNoContent), nil
}

func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

func (r *receiver) set(answer func(n int, r *http.Request) (*http.Response, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func status(code int, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(bytes.NewReader(nil))}
}

type rig struct {
	*Events
	t        *testing.T
	store    cachestore.Store
	receiver *receiver
	log      *logtest.Buffer
	registry *prometheus.Registry
	sent     []Event
	mu       sync.Mutex // guards sent
}

// newRig makes a rig that runs.
func newRig(t *testing.T, store cachestore.Store, observer string, webhooks ...Webhook) *rig {
	t.Helper()
	r := makeRig(t, store, observer, webhooks...)
	r.Start()
	return r
}

func makeRig(t *testing.T, store cachestore.Store, observer string, webhooks ...Webhook) *rig {
	t.Helper()
	r := &rig{t: t, store: store, receiver: &receiver{}, log: &logtest.Buffer{}, registry: prometheus.NewRegistry()}
	r.Events = New(Config{
		Store: store, Observer: observer, Host: "storage-01", External: "https://storage-01:9777/",
		Metrics: NewMetrics(r.registry), Logger: slog.New(slog.NewTextHandler(r.log, nil)), transport: r.receiver,
		OnEvent: func(e Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.sent = append(r.sent, e)
		},
	})
	r.Apply(0, webhooks)
	return r
}

// open is how many events are sent still.
func (r *rig) open() int {
	r.Events.mu.Lock()
	defer r.Events.mu.Unlock()
	return len(r.sending)
}

func (r *rig) events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.sent...)
}

// run makes a rig on a store in memory, in a bubble.
func run(t *testing.T, webhooks []Webhook, test func(*rig)) {
	synctest.Test(t, func(t *testing.T) {
		store := cachestore.NewMemory()
		r := newRig(t, store, "replica-1", webhooks...)
		defer r.Close()
		test(r)
	})
}

// see has a volume observed a minute after the last time.
func (r *rig) see(name string, states ...string) {
	for _, state := range states {
		time.Sleep(time.Minute)
		r.Observe(Observation{Subject: Subject{Volume, name}, State: state, Reason: "because"})
		synctest.Wait()
	}
}

const hookURL = "https://hooks.example.net/services/T0/B0/t0psecret"

func hook(change func(*Webhook)) []Webhook {
	w := Webhook{Name: "w", URL: secret.New(hookURL), Format: FormatJSON, Timeout: DefaultTimeout}
	if change != nil {
		change(&w)
	}
	return []Webhook{w}
}
