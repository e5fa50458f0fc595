package api

import (
	"log/slog"
	"testing"
	"time"

	"storage_exporter/cache"
	"storage_exporter/proxy"
	"storage_exporter/volume"
)

func TestProxies(t *testing.T) {
	at := time.Date(2026, 1, 9, 23, 6, 40, 0, time.UTC)
	p1 := &proxy.Proxy{
		Name: "p1", URL: "https://p1:6022", Metrics: "p1:9777", Status: proxy.Healthy, LastCheckedAt: &at, Shape: proxy.ShapeProxy, Says: "ok", Version: "26.8.0",
		Checks: new(0), VolumesAt: &at, VolumesReason: "refused", LeftOut: 3,
		Volumes: []proxy.Volume{{Name: "v1", Backend: "xfs", Status: volume.Offline, Info: "gone", LastCheckedAt: &at}, {Name: "v2", Status: volume.Unknown}},
	}
	p2 := &proxy.Proxy{Name: "p2", URL: "http://p2", Status: proxy.Unknown, Reason: "no snapshot", Volumes: []proxy.Volume{}}
	list := []proxy.Reading{{Proxy: p1, Age: 42 * time.Second}, {Proxy: p2, Lookup: cache.Miss}}
	get := asking(t, Config{Logger: slog.New(slog.DiscardHandler), Proxies: func() []proxy.Reading { return list }})
	first := `{"name": "p1", "url": "https://p1:6022", "metrics": "p1:9777", "status": "healthy", "last_checked_at": "2026-01-09T23:06:40Z", "shape": "storage-proxy", "says": "ok",
		"version": "26.8.0", "connectivity_checks": 0, "volumes_at": "2026-01-09T23:06:40Z", "volumes_reason": "refused", "volumes_left_out": 3, "volumes": [
		{"name": "v1", "backend": "xfs", "status": "offline", "status_info": "gone", "last_checked_at": "2026-01-09T23:06:40Z"}, {"name": "v2", "status": "unknown"}]}`
	second := `{"name": "p2", "url": "http://p2", "status": "unknown", "reason": "no snapshot", "volumes": []}`
	w := get("/api/proxies")
	wantJSON(t, w, 200, `{"proxies": [`+first+","+second+`]}`)
	if w.Header().Get("Age") != "42" || w.Header().Get("X-Cache") != "MISS" {
		t.Errorf("%v", w.Header())
	}
	w = get("/api/proxies?proxy=p1")
	wantJSON(t, w, 200, `{"proxies": [`+first+`]}`)
	if w.Header().Get("X-Cache") != "HIT" {
		t.Errorf("%v", w.Header())
	}
	if w = get("/api/proxies?proxy=p1,nosuch"); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	list = nil
	wantJSON(t, get("/api/proxies"), 200, `{"proxies": []}`)
	if w = asking(t, Config{Logger: slog.New(slog.DiscardHandler)})("/api/proxies"); w.Code != 404 {
		t.Errorf("not observed: %d %s", w.Code, w.Body)
	}
}
