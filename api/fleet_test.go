package api

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"storage_exporter/cache"
	"storage_exporter/internal/fleettest"
	"storage_exporter/overview"
	"storage_exporter/proxy"
)

var someNodes = map[string]string{
	"a": `{"node":"a","url":"https://a:9777","version":"1","counts":{"drives":{"total":2,"ok":1,"failing":1}},"worst":[{"kind":"drive","name":"sdb","verdict":"failing","reason":"worn","place":"e/1"}]}`,
	"b": `{"node":"b","url":"http://b:9777","counts":{"volumes":{"total":1,"healthy":1}}}`,
	"c": "",
	"d": "{",
	"e": `{"node":"e","counts":{"proxies":{"total":1,"healthy":1}}}`,
}

func TestFleet(t *testing.T) {
	reader, _, c := fleettest.Reader(t, someNodes, 90*time.Second)
	get := asking(t, Config{Fleet: reader, Logger: slog.New(slog.DiscardHandler)})
	w := get("/api/fleet")
	for _, want := range []string{
		`"nodes":{"total":5,"live":3,"silent":1,"unknown":1},"drives":{"total":2,"ok":1,"warning":0,"failing":1,"unknown":0},"volumes":{"total":1,`,
		`"worst":[{"node":"a","kind":"drive","name":"sdb","verdict":"failing","reason":"worn","place":"e/1"}]`,
		`{"node":"a","state":"live","last_seen_seconds":0,"url":"https://a:9777","version":"1",`, `{"node":"c","state":"silent",`,
	} {
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, no %s in %s", w.Code, want, w.Body)
		}
	}
	if w.Header().Get("X-Cache") != "MISS" || get("/api/fleet").Header().Get("X-Cache") != "HIT" {
		t.Error("not cached")
	}
	for query, want := range map[string]string{
		"state=silent,unknown": "c d", "verdict=failing": "a", "node=b&node=c": "b c", "state=live&verdict=ok": "a", "state=dead": "400", "verdict=bad": "400", "node=x": "404",
	} {
		w := get("/api/fleet?" + query)
		got := strings.Join(nodesOf(w), " ")
		if w.Code != 200 {
			got = fmt.Sprint(w.Code)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}

	// The clock of the node is an hour ahead; the age goes by the store's.
	key, origin := overview.Published("jbod:a:", "node:a")
	built := overview.Overview{BuiltAt: time.Now().Add(time.Hour), Errors: map[string]string{"drives": "\u202e"}}
	if err := cache.Publish(t.Context(), c, cache.Publication{Key: key, Origin: origin, ObservedAt: built.BuiltAt, Age: 7 * time.Second, TTL: time.Minute}, &built); err != nil {
		t.Fatal(err)
	}
	w = get("/api/fleet/a")
	if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, `"overview":{"built_at":`) || !strings.Contains(body, `"page":"https://a:9777/"`) ||
		!strings.Contains(body, `"node":{"node":"a"`) || !strings.Contains(body, `"name":"sdb"`) || strings.Contains(body, "\u202e") || w.Header().Get("Age") != "7" {
		t.Errorf("%v %s", w.Header(), body)
	}
	key, _ = overview.Published("jbod:b:", "node:b")
	if err := cache.Publish(t.Context(), c, cache.Publication{Key: key, Origin: origin, TTL: time.Minute}, &built); err != nil {
		t.Fatal(err)
	}
	for node, page := range map[string]bool{"b": true, "c": false, "d": false, "e": false} { // b's is of another origin
		w := get("/api/fleet/" + node)
		if body := w.Body.String(); w.Code != 200 || strings.Contains(body, "overview") || strings.Contains(body, `"page":`) != page {
			t.Errorf("%s: %d %s", node, w.Code, body)
		}
	}
	for _, node := range []string{"x", "a%3Ab"} {
		if w := get("/api/fleet/" + node); w.Code != 404 {
			t.Errorf("%s: %d %s", node, w.Code, w.Body)
		}
	}
	get = asking(t, Config{Logger: slog.New(slog.DiscardHandler)})
	for _, path := range []string{"/api/fleet", "/api/fleet/a"} {
		if w := get(path); w.Code != 404 || !strings.Contains(w.Body.String(), "--fleet") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

var nodeRow = regexp.MustCompile(`\{"node":"([a-z])","state"`)

func nodesOf(w *httptest.ResponseRecorder) (names []string) {
	for _, m := range nodeRow.FindAllStringSubmatch(w.Body.String(), -1) {
		names = append(names, m[1])
	}
	return names
}

func TestDiscovery(t *testing.T) {
	ready := true
	quiet := slog.New(slog.DiscardHandler)
	proxies := func() []proxy.Reading {
		return []proxy.Reading{
			{Proxy: &proxy.Proxy{Name: "p1", Metrics: "p1:9777"}}, {Proxy: &proxy.Proxy{Name: "none"}}, {Proxy: &proxy.Proxy{Name: "bad", Metrics: "http://h:1/x"}},
			{Proxy: &proxy.Proxy{Name: "odd\xff\x1b", Metrics: "[::1]:9777"}},
		}
	}
	cfg := Config{Ready: func() bool { return ready }, Proxies: proxies, Logger: quiet}
	of := func(cfg Config) *httptest.ResponseRecorder { return asking(t, cfg)("/sd") }
	const ofProxies = `{"targets": ["p1:9777"], "labels": {"__meta_storage_proxy": "p1"}}, {"targets": ["[::1]:9777"], "labels": {"__meta_storage_proxy": "odd\ufffd"}}`
	w := of(cfg)
	wantJSON(t, w, 200, "["+ofProxies+"]")
	if w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%v", w.Header())
	}
	cfg.Fleet, _, _ = fleettest.Reader(t, someNodes, 90*time.Second)
	wantJSON(t, of(cfg), 200, "["+ofProxies+"]") // none of the fleet, unless they are allowed
	for allowed, want := range map[string]string{
		`^(?:a:9777)$`:  `, {"targets": ["a:9777"], "labels": {"__meta_storage_node": "a", "__scheme__": "https"}}`,
		`^(?:b.*|x)$`:   `, {"targets": ["b:9777"], "labels": {"__meta_storage_node": "b"}}`,
		`^(?:nothing)$`: ``,
		`^(?:.*:9778)$`: ``,
	} {
		cfg.FleetTargets = regexp.MustCompile(allowed)
		wantJSON(t, of(cfg), 200, "["+ofProxies+want+"]")
	}
	wantJSON(t, of(Config{Logger: quiet}), 200, "[]")
	ready = false
	if w := of(cfg); w.Code != 503 {
		t.Errorf("not ready: %d %s", w.Code, w.Body)
	}
	ready = true
	cfg.Fleet, _, _ = fleettest.Reader(t, nil, 90*time.Second)
	if w := of(cfg); w.Code != 503 || !strings.Contains(w.Body.String(), "no node") {
		t.Errorf("an empty store: %d %s", w.Code, w.Body)
	}
	lost, store, _ := fleettest.Reader(t, someNodes, 90*time.Second)
	_ = store.Close()
	cfg.Fleet = lost
	if w := of(cfg); w.Code != 503 {
		t.Errorf("the store is away: %d %s", w.Code, w.Body)
	}
}
