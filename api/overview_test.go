package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/overview"
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

// threeEnclosures is the overview that its own package tests.
func threeEnclosures(t *testing.T) *overview.Overview {
	t.Helper()
	raw, err := os.ReadFile("../overview/testdata/three-enclosures.json")
	if err != nil {
		t.Fatal(err)
	}
	o := new(overview.Overview)
	if err := json.Unmarshal(raw, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// known answers with a snapshot of 42 s.
func known[T any](v *T) func(context.Context) (cache.Snapshot[T], error) {
	return func(context.Context) (cache.Snapshot[T], error) {
		return cache.Snapshot[T]{Value: v, Age: 42*time.Second + 900*time.Millisecond, ObservedAt: time.Now(), Revision: 1}, nil
	}
}

// made answers with an overview of 42 s.
func made(o *overview.Overview) func() cache.Snapshot[overview.Overview] {
	return func() cache.Snapshot[overview.Overview] {
		snap, _ := known(o)(context.Background())
		return snap
	}
}

func unknown[T any](context.Context) (cache.Snapshot[T], error) {
	return cache.Snapshot[T]{}, errors.New("not observed yet")
}

func hostParts(t *testing.T) Config {
	t.Helper()
	number := 7
	return Config{
		Logger: slog.New(slog.DiscardHandler), Drives: func() *smart.Drives { return nil },
		Overview: made(threeEnclosures(t)),
		Enclosures: known(&[]enclosure.Enclosure{
			{ID: "0x1", Vendor: "EXAMPLE", Model: "JBOD", Revision: "1", Paths: []string{"0:0:9:0", "1:0:9:0"}, AnsweredBy: "0:0:9:0", Slots: []enclosure.Slot{{
				Slot: "7", Number: &number, Name: "Slot 07", Status: enclosure.OK, Fault: new(false), Locate: new(true), Power: new("on"), Populated: new(true),
				Device: "sda", Devices: []string{"sda", "sdb"}, SASAddress: "0x5000c50000000001", WWN: "0x5000c50000000000", Model: "EXAMPLE", Serial: "EX1",
			}}},
			{ID: "0x2", Paths: []string{"2:0:9:0"}, Slots: []enclosure.Slot{}},
		}),
		Pools: known(&[]zpool.Pool{
			{Name: "tank", State: "DEGRADED", Status: "One or more devices could not be used.", DataErrors: new(uint64(3)),
				Scan: &zpool.Scan{Function: zpool.Scrub, State: zpool.Finished, StartTime: time.Unix(1790000000, 0).UTC(), EndTime: time.Unix(1790000900, 0).UTC(), Errors: new(uint64(0))},
				Vdevs: []zpool.Vdev{{ID: "1", Name: "mirror-0", Type: "mirror", Role: zpool.Data, Top: "mirror-0", State: "DEGRADED"},
					{ID: "2", Name: "/dev/sda1", Type: "disk", Role: zpool.Data, Leaf: true, Parent: "mirror-0", Top: "mirror-0", State: "ONLINE", ReadErrors: new(uint64(0)), Device: "sda", Devices: []string{"sda"}}}},
			{Name: "scratch", State: "ONLINE", Vdevs: []zpool.Vdev{}},
		}),
	}
}

// asking serves the configuration and holds every answer against the document.
func asking(t *testing.T, cfg Config) (get func(path string) *httptest.ResponseRecorder) {
	t.Helper()
	d, mux := loadDocument(t), http.NewServeMux()
	New(cfg).Register(mux)
	return func(path string) *httptest.ResponseRecorder {
		t.Helper()
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		d.check(t, d.route(path), w)
		return w
	}
}

func TestOverview(t *testing.T) {
	get := asking(t, hostParts(t))
	w := get("/api/overview")
	want, err := os.ReadFile("../overview/testdata/three-enclosures.json")
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, w, 200, string(want))
	if w.Header().Get("Age") != "42" || w.Header().Get("X-Cache") != "HIT" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestOverviewFilters(t *testing.T) {
	get := asking(t, hostParts(t))
	for _, c := range []struct {
		query  string
		status int
		drives int // monitored ones shown
		says   string
	}{
		{"", 200, 10, ""},
		{"?enclosure=0x5003048000000001", 200, 3, `"id":"0x5003048000000001"`},
		{"?enclosure=0x5003048000000001,0x5003048000000002", 200, 7, ""},
		{"?enclosure=0x5003048000000001&enclosure=0x5003048000000003", 200, 4, ""},
		{"?enclosure=0x5003048000000009", 404, 0, `0x5003048000000009`},
		{"?enclosure=", 404, 0, "GET /api/enclosures"},
		{"?assessment=failing", 200, 1, `"device":"sdc"`},
		{"?assessment=failing,warning", 200, 2, ""},
		{"?assessment=failing&assessment=warning&assessment=unknown", 200, 3, ""},
		{"?assessment=warning&enclosure=0x5003048000000002", 200, 0, `"drives_outside":[]`},
		{"?assessment=bad", 400, 0, "ok, warning, failing, unknown"},
		{"?assessment=", 400, 0, ""},
		{"?assessment=FAILING", 400, 0, "FAILING"},
		{"?other=1", 200, 10, ""},
	} {
		t.Run(c.query, func(t *testing.T) {
			w := get("/api/overview" + c.query)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Fatalf("%d %.300s, want %d with %q", w.Code, w.Body, c.status, c.says)
			}
			var o overview.Overview
			if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
				t.Fatal(err)
			}
			if c.status != 200 {
				return
			}
			if o.Counts.Drives.Total != c.drives {
				t.Errorf("%d drives, want %d", o.Counts.Drives.Total, c.drives)
			}
		})
	}
}

// A part that was stale when the overview was made shows in X-Cache.
func TestOverviewOfStaleParts(t *testing.T) {
	cfg := hostParts(t)
	cfg.Overview = func() cache.Snapshot[overview.Overview] {
		snap := made(threeEnclosures(t))()
		snap.Lookup = cache.Stale
		return snap
	}
	if w := asking(t, cfg)("/api/overview"); w.Header().Get("X-Cache") != "STALE" || w.Header().Get("Age") != "42" {
		t.Errorf("headers %v", w.Header())
	}
}

// The whole overview is encoded once for each snapshot, and never another one's
// bytes are served.
func TestOverviewEncodedOnce(t *testing.T) {
	var mu sync.Mutex
	snap := cache.Snapshot[overview.Overview]{Value: threeEnclosures(t), Revision: 1}
	cfg := hostParts(t)
	cfg.Overview = func() cache.Snapshot[overview.Overview] {
		mu.Lock()
		defer mu.Unlock()
		return snap
	}
	a := New(cfg)
	first, err := a.wholeOverview.encode(snap.Revision, snap.Value)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := a.wholeOverview.encode(snap.Revision, snap.Value); &again[0] != &first[0] {
		t.Error("encoded twice")
	}
	mux := http.NewServeMux()
	a.Register(mux)
	ask := func(method string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, "/api/overview", nil))
		return w
	}
	if w := ask(http.MethodGet); w.Body.String() != string(first) {
		t.Error("other bytes")
	}
	other := threeEnclosures(t)
	other.Enclosures = other.Enclosures[:1]
	mu.Lock()
	snap = cache.Snapshot[overview.Overview]{Value: other, Revision: 2}
	mu.Unlock()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if w := ask(http.MethodGet); strings.Contains(w.Body.String(), `"id":"0x5003048000000002"`) {
				t.Error("the former snapshot's bytes")
			}
		})
	}
	wg.Wait()
	server := httptest.NewServer(mux)
	defer server.Close()
	resp, err := http.Head(server.URL + "/api/overview")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.ContentLength < 1000 || resp.Header.Get("X-Cache") != "HIT" {
		t.Errorf("HEAD: %d %v", resp.StatusCode, resp.Header)
	}
}
