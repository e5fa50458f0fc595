package api

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/overview"
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

func TestEnclosuresAndPools(t *testing.T) {
	get := asking(t, hostParts(t))
	for _, c := range []struct {
		path    string
		status  int
		has, no string
	}{
		{"/api/enclosures", 200, `"id":"0x2"`, "null"},
		{"/api/enclosures?enclosure=0x1", 200, `"devices":["sda","sdb"]`, `"id":"0x2"`},
		{"/api/enclosures?enclosure=0x1,0x2", 200, `"id":"0x2"`, ""},
		{"/api/enclosures?enclosure=0x1&enclosure=0x3", 404, "0x3", ""},
		{"/api/pools", 200, `"name":"scratch"`, "null"},
		{"/api/pools?pool=tank", 200, `"name":"mirror-0"`, "scratch"},
		{"/api/pools?pool=tank,nosuch", 404, "nosuch", ""},
		{"/api/openapi.yaml", 200, "openapi: 3.1.0", ""},
	} {
		w := get(c.path)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) || c.no != "" && strings.Contains(w.Body.String(), c.no) {
			t.Errorf("%s: %d %.400s", c.path, w.Code, w.Body)
		}
		if strings.Contains(c.path, "openapi") || c.status != 200 {
			continue
		}
		if w.Header().Get("Age") != "42" || w.Header().Get("X-Cache") != "HIT" {
			t.Errorf("%s: headers %v", c.path, w.Header())
		}
	}
}

// None are not unknown ones, and neither is the other's answer. The overview
// always answers.
func TestMissingPartsOfTheHost(t *testing.T) {
	t.Run("not observed", func(t *testing.T) {
		nothing := overview.Build(overview.Parts{DrivesErr: errors.New("not observed")})
		get := asking(t, Config{Logger: slog.New(slog.DiscardHandler), Drives: func() *smart.Drives { return nil }, Overview: made(nothing)})
		if w := get("/api/overview"); w.Code != 200 || !strings.Contains(w.Body.String(), `"drives":"not observed"`) || strings.Contains(w.Body.String(), "by_assessment") {
			t.Errorf("/api/overview: %d %s", w.Code, w.Body)
		}
		for _, path := range []string{"/api/enclosures", "/api/pools", "/api/drives"} {
			if w := get(path); w.Code != 404 || !strings.Contains(w.Body.String(), "not observed") {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
	t.Run("not known yet", func(t *testing.T) {
		cfg := hostParts(t)
		cfg.Enclosures, cfg.Pools = unknown[[]enclosure.Enclosure], unknown[[]zpool.Pool]
		get := asking(t, cfg)
		for _, path := range []string{"/api/enclosures", "/api/pools"} {
			if w := get(path); w.Code != 503 || !strings.Contains(w.Body.String(), "not observed yet") {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
	t.Run("none", func(t *testing.T) {
		cfg := hostParts(t)
		cfg.Enclosures, cfg.Pools = known(&[]enclosure.Enclosure{}), known(&[]zpool.Pool{})
		get := asking(t, cfg)
		wantJSON(t, get("/api/enclosures"), 200, `{"enclosures": []}`)
		wantJSON(t, get("/api/pools"), 200, `{"pools": []}`)
	})
	t.Run("enclosures not known", func(t *testing.T) {
		cfg := hostParts(t)
		cfg.Overview = made(overview.Build(overview.Parts{
			Enclosures: cache.Result[[]enclosure.Enclosure]{Err: errors.New("permission denied")},
			Pools:      cache.Result[[]zpool.Pool]{Err: errors.New("zpool: cannot be run")},
		}))
		get := asking(t, cfg)
		if w := get("/api/overview"); w.Code != 200 || strings.Contains(w.Body.String(), `"slots"`) || !strings.Contains(w.Body.String(), "permission denied") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := get("/api/overview?enclosure=0x1"); w.Code != 503 || !strings.Contains(w.Body.String(), "permission denied") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
