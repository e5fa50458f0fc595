package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/internal/logtest"
	"storage_exporter/internal/secret"
	"storage_exporter/volume/appliancetest"
)

const (
	ofManager = `{"status":"healthy","version":"26.2.0","volumes":{
		"v2":{"status":"healthy","status_info":null,"backend":"xfs","last_checked_at":"2026-01-09T23:06:40.123456+00:00"},
		"v1":{"status":"offline","status_info":"no monitor answers","backend":"cephfs","last_checked_at":"2026-01-09T23:06:40Z"}}}`
	ofExporter = `{"status":"degraded","version":"0.9","volumes":{
		"v1":{"status":"unknown","status_info":"not checked yet","backend":"netapp","last_checked_at":null},
		"v2":{"status":"degraded","status_info":null,"backend":"vfs","last_checked_at":"2026-01-09T23:06:40Z"}}}`
	ofProxy = `{"status":"ok","version":"26.8.0","component":"storage-proxy",
		"connectivity":{"overall_healthy":true,"connectivity_checks":[{"x":1},{}],"timestamp":"2026-01-09T23:06:40Z"}}`
	someVolumes = `{"volumes":[{"name":"v1","backend":"xfs","path":"/mnt/v1","fsprefix":".","capabilities":["vfolder"]},
		{"name":"v2","backend":"vast","path":"/mnt/v2","fsprefix":".","capabilities":[]}]}`
)

// answers is a handler that has a body for each path, and 404 for the others.
type answers map[string]string

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if body, ok := a[r.URL.Path]; ok {
		fmt.Fprint(w, body)
		return
	}
	http.NotFound(w, r)
}

// rig is a set of proxies on a network in memory, in a bubble.
type rig struct {
	t       *testing.T
	network *appliancetest.Network
	store   cachestore.Store
	log     *logtest.Buffer

	mu     sync.Mutex // guards handed
	handed []Status   // on by all exporters, of p1
}

// states is what was handed on, each once in a row.
func (r *rig) states() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Compact(slices.Clone(r.handed))
}

func (r *rig) observed(p *Proxy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Name == "p1" {
		r.handed = append(r.handed, p.Status)
	}
}

// within runs f in a bubble.
func within(t *testing.T, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := cachestore.NewMemory()
		t.Cleanup(func() {
			_ = store.Close()
			time.Sleep(time.Minute) // for connections that hang
		})
		f(&rig{t: t, network: appliancetest.NewNetwork(), store: store, log: &logtest.Buffer{}})
	})
}

// exporter is the proxies as one exporter polls them. It ends with the returned
// function, or the test.
func (r *rig) exporter(name string, cfgs ...Config) (*Set, func()) {
	r.t.Helper()
	logger := slog.New(slog.NewTextHandler(r.log, nil))
	c := cache.New(cache.Config{Store: r.store, Observer: name, Logger: logger, Metrics: cache.NewMetrics(prometheus.NewRegistry())})
	s := NewSet(SetConfig{Cache: c, Dial: r.network.Dial, OnHealth: r.observed, Logger: logger})
	if err := s.Apply(cfgs); err != nil {
		r.t.Fatal(err)
	}
	ended := false
	end := func() {
		if !ended {
			ended = true
			s.Close()
			if err := c.Close(context.Background()); err != nil {
				r.t.Error(err)
			}
		}
	}
	r.t.Cleanup(end)
	return s, end
}

// at is the configuration of an appliance as a proxy.
func at(a *appliancetest.Appliance, name string) Config {
	return Config{Name: name, URL: a.URL, CAFile: a.CAFile, Interval: DefaultInterval, Timeout: DefaultTimeout}
}

func withToken(c Config) Config {
	c.Token = secret.New("S3CR3T-token")
	return c
}

// wait lets time pass.
func (r *rig) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// only is the one proxy of a set.
func only(t *testing.T, s *Set) *Proxy {
	t.Helper()
	list := s.List()
	if len(list) != 1 {
		t.Fatalf("%d proxies", len(list))
	}
	return list[0].Proxy
}

// newPoller polls a server on the loopback interface.
func newPoller(t *testing.T, cfg Config) *poller {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	cfg.Interval = time.Minute
	cfg.Check(func(key, format string, args ...any) { t.Errorf("%s: %v", key, fmt.Errorf(format, args...)) })
	access, err := cfg.access()
	if err != nil {
		t.Fatal(err)
	}
	client, err := cfg.open(access, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return &poller{cfg, client}
}

// states are the volumes' names and states, in order.
func states(volumes []Volume) string {
	text := ""
	for _, v := range volumes {
		text += fmt.Sprintf("%s=%s ", v.Name, v.Status)
	}
	return text
}

func (s *snapshot) states() string {
	var volumes []Volume
	for _, v := range s.Volumes {
		volumes = append(volumes, v.Volume)
	}
	return states(volumes)
}
