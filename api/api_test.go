package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/internal/inbound"
	"storage_exporter/smart"
	"storage_exporter/volume"
	"storage_exporter/volume/observed"
)

// array is a backend that says what the test wants.
type array struct {
	performance map[string]volume.Result[volume.Performance]
	health      map[string]volume.Result[volume.Health]
	usage       map[string]volume.Result[volume.Usage]
	err         error
	silence     time.Duration // before it says anything of its volumes' health
	broken      atomic.Bool   // it fails from now on
}

func (a *array) failure() error {
	if a.broken.Load() {
		return errors.New("the array is gone")
	}
	return a.err
}

func (a *array) Performance(context.Context) (map[string]volume.Result[volume.Performance], error) {
	return a.performance, a.failure()
}
func (a *array) Health(context.Context) (map[string]volume.Result[volume.Health], error) {
	time.Sleep(a.silence)
	return a.health, a.err
}
func (a *array) Usage(context.Context) (map[string]volume.Result[volume.Usage], error) {
	return a.usage, a.failure()
}
func (a *array) Intervals() volume.Intervals { return volume.Intervals{} }
func (a *array) Close() error                { return nil }

func pointer[T any](v T) *T { return &v }

// served runs f with the API over one volume of each name, in a bubble.
func served(t *testing.T, a *array, names []string, f func(t *testing.T, get func(path string) *httptest.ResponseRecorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		logger := slog.New(slog.DiscardHandler)
		reg := prometheus.NewRegistry()
		c := cache.New(cache.Config{Store: cachestore.NewMemory(), Observer: "test", Logger: logger, Metrics: cache.NewMetrics(reg)})
		set := observed.NewSet(observed.SetConfig{
			Cache: c, Host: "host1", Logger: logger,
			Table: map[string]volume.Kind{"array": {
				Identify: func(cfg volume.Config) (volume.Identity, error) {
					return volume.Identity{Share: "a", Endpoint: "https://a", Object: cfg.Name}, nil
				},
				New: func([]volume.Config, *slog.Logger) (volume.Backend, error) { return a, nil },
			}},
		})
		var cfgs []volume.Config
		for _, name := range names {
			cfgs = append(cfgs, volume.Config{Name: name, Backend: "array", Path: "/mnt/" + name, FSPrefix: "."})
		}
		cfgs = append(cfgs, volume.Config{Name: "strange", Backend: "nosuch", Path: "/mnt/strange", FSPrefix: "."})
		if err := set.Apply(cfgs); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // for the first observations
		mux, d := http.NewServeMux(), loadDocument(t)
		New(Config{Volumes: set, Drives: func() *smart.Drives { return nil }, Version: "1.2.3", Logger: logger, Timeout: 3 * time.Second}).Register(mux)
		f(t, func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			d.check(t, d.route(path), w)
			return w
		})
		_ = set.Close(t.Context())
		_ = c.Close(t.Context())
	})
}

func wantJSON(t *testing.T, w *httptest.ResponseRecorder, status int, want string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	var got, expected any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if err := json.Unmarshal([]byte(want), &expected); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestPerformanceMetric(t *testing.T) {
	at := time.Date(1999, 12, 31, 23, 59, 0, 0, time.UTC) // before the bubble's clock
	a := &array{performance: map[string]volume.Result[volume.Performance]{
		"busy": {SampledAt: at, Value: volume.Performance{
			IOPSRead: pointer(1239.6), IOPSWrite: pointer(310.0), BytesRead: pointer(5200936960.0), BytesWrite: pointer(325058560.0),
			LatencyReadUsec: pointer(2000.0), LatencyWriteUsec: pointer(3000.5),
		}},
		"idle": {SampledAt: at, Value: volume.Performance{
			IOPSRead: pointer(0.0), IOPSWrite: pointer(0.0), BytesRead: pointer(0.0), BytesWrite: pointer(0.0),
		}},
		"partial": {SampledAt: at, Value: volume.Performance{IOPSRead: pointer(5.0)}},
		"mute":    {Err: volume.ErrUnsupported},
		"new":     {Err: volume.ErrNoSample},
		"broken":  {Err: errors.New("the array says no")},
	}}
	served(t, a, []string{"busy", "idle", "partial", "mute", "new", "broken"}, func(t *testing.T, get func(string) *httptest.ResponseRecorder) {
		ask := func(name string) *httptest.ResponseRecorder { return get("/volume/performance-metric?volume=" + name) }
		w := ask("busy")
		wantJSON(t, w, 200, `{"metric": {"iops_read": 1240, "iops_write": 310, "io_bytes_read": 5200936960, "io_bytes_write": 325058560,
			"io_usec_read": 2000.0, "io_usec_write": 3000.5}, "observed_at": "1999-12-31T23:59:00Z"}`)
		if !strings.Contains(w.Body.String(), `"io_usec_read":2000.0`) {
			t.Errorf("a latency is no float: %s", w.Body)
		}
		if w.Header().Get("Age") != "60" {
			t.Errorf("Age %q, want 60", w.Header().Get("Age"))
		}
		wantJSON(t, ask("idle"), 200, `{"metric": {"iops_read": 0, "iops_write": 0, "io_bytes_read": 0, "io_bytes_write": 0,
			"io_usec_read": 0.0, "io_usec_write": 0.0}, "observed_at": "1999-12-31T23:59:00Z"}`)
		wantJSON(t, ask("partial"), 200, `{"metric": {"iops_read": 5, "iops_write": null, "io_bytes_read": null, "io_bytes_write": null,
			"io_usec_read": null, "io_usec_write": null}, "observed_at": "1999-12-31T23:59:00Z"}`)
		for name, status := range map[string]int{"mute": 400, "new": 503, "broken": 503, "strange": 400, "nosuch": 400} {
			if w := ask(name); w.Code != status || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		if w := ask("mute"); !strings.Contains(w.Body.String(), typeUnsupported) {
			t.Errorf("not the storage proxy's own type: %s", w.Body)
		}
		if w := ask("broken"); w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "the array says no") {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	})
}

func TestHealthAndUsage(t *testing.T) {
	a := &array{
		health: map[string]volume.Result[volume.Health]{
			"good":    {Value: volume.Health{Status: volume.Healthy, Backend: "array"}},
			"limping": {Value: volume.Health{Status: volume.Degraded, Backend: "array", Info: "7 of 8 nodes healthy", Metadata: map[string]string{"node": "3"}}},
		},
		usage: map[string]volume.Result[volume.Usage]{
			"good":    {Value: volume.Usage{CapacityBytes: pointer(uint64(1000)), UsedBytes: pointer(uint64(400)), AvailableBytes: pointer(uint64(550))}},
			"limping": {Value: volume.Usage{UsedBytes: pointer(uint64(7))}},
		},
	}
	served(t, a, []string{"good", "limping"}, func(t *testing.T, get func(string) *httptest.ResponseRecorder) {
		wantJSON(t, get("/volume/hwinfo?volume=good"), 200, `{"status": "healthy", "status_info": null, "metadata": {}}`)
		wantJSON(t, get("/volume/hwinfo?volume=limping"), 200, `{"status": "degraded", "status_info": "7 of 8 nodes healthy", "metadata": {"node": "3"}}`)
		wantJSON(t, get("/folder/fs-usage?volume=good"), 200, `{"capacity_bytes": 1000, "used_bytes": 450}`)
		wantJSON(t, get("/folder/fs-usage?volume=limping"), 200, `{"capacity_bytes": null, "used_bytes": 7}`)
		wantJSON(t, get("/volumes"), 200, `{"volumes": [
			{"name": "good", "backend": "array", "path": "/mnt/good", "fsprefix": ".", "capabilities": ["vfolder", "metric"]},
			{"name": "limping", "backend": "array", "path": "/mnt/limping", "fsprefix": ".", "capabilities": ["vfolder", "metric"]},
			{"name": "strange", "backend": "nosuch", "path": "/mnt/strange", "fsprefix": ".", "capabilities": ["vfolder"]}]}`)

		w := get("/manager-api/health")
		wantJSON(t, w, 200, `{"status": "healthy", "version": "1.2.3", "volumes": {
			"good": {"status": "healthy", "status_info": null, "backend": "array", "last_checked_at": "2000-01-01T00:00:00Z"},
			"limping": {"status": "degraded", "status_info": "7 of 8 nodes healthy", "backend": "array", "last_checked_at": "2000-01-01T00:00:00Z"},
			"strange": {"status": "unavailable", "status_info": "backend \"nosuch\" is not supported", "backend": "nosuch", "last_checked_at": "2000-01-01T00:00:00Z"}}}`)
		time.Sleep(12 * time.Second)
		if w := get("/manager-api/health"); w.Header().Get("Age") != "12" || w.Header().Get("X-Cache") != "HIT" {
			t.Errorf("headers %v, want the age of the oldest part", w.Header())
		}
	})
}

// What a Backend.AI manager asks is answered below both addresses alike, and every
// error carries a code that it understands.
func TestManagersCalls(t *testing.T) {
	a := &array{
		performance: map[string]volume.Result[volume.Performance]{"v": {Value: volume.Performance{IOPSRead: pointer(1.0)}}},
		health:      map[string]volume.Result[volume.Health]{"v": {Value: volume.Health{Status: volume.Degraded, Info: "limps"}}},
		usage:       map[string]volume.Result[volume.Usage]{"v": {Value: volume.Usage{CapacityBytes: pointer(uint64(1000)), UsedBytes: pointer(uint64(400))}}},
	}
	served(t, a, []string{"v"}, func(t *testing.T, get func(string) *httptest.ResponseRecorder) {
		for path, status := range map[string]int{
			"/volumes": 200, "/volume/hwinfo?volume=v": 200, "/volume/performance-metric?volume=v": 200, "/folder/fs-usage?volume=v": 200,
			"/health": 200, "/status": 200, "/livez": 200, "/readyz": 200,
			"/volume/hwinfo": 400, "/volume/hwinfo?volume=nosuch": 400, "/folder/fs-usage?volume=strange": 400,
		} {
			w, below := get(path), get(managerPrefix+path)
			if w.Code != status || below.Code != status || w.Body.String() != below.Body.String() {
				t.Errorf("%s: %d %s\nbelow %s: %d %s", path, w.Code, w.Body, managerPrefix, below.Code, below.Body)
			}
			var p inbound.Problem
			if status != 200 && (json.Unmarshal(w.Body.Bytes(), &p) != nil || !strings.HasPrefix(p.ErrorCode, "vfolder_") && p.ErrorCode != codeNoVolume || p.Message == "") {
				t.Errorf("%s: %s, want an error_code that the manager understands, and a msg", path, w.Body)
			}
		}
		wantJSON(t, get("/volume/hwinfo?volume=nosuch"), 400, `{"type": "https://api.backend.ai/probs/storage/volume/invalid", "title": "Invalid Volume", "status": 400,
			"detail": "not found: no volume \"nosuch\": GET /volumes lists them", "msg": "not found: no volume \"nosuch\": GET /volumes lists them",
			"error_code": "storage_access_invalid-parameters"}`)
		wantJSON(t, get("/status"), 200, `{"status": "ok", "type": "manager-facing", "storage-proxy": "1.2.3"}`)
		wantJSON(t, get("/livez"), 200, `{"status": "ok", "version": "1.2.3", "component": "storage-proxy", "connectivity": {"overall_healthy": false, "timestamp": "2000-01-01T00:00:00Z", "connectivity_checks": [
			{"service_group": "storage-proxy", "component_id": "strange", "is_healthy": false, "last_checked_at": "2000-01-01T00:00:00Z", "error_message": "backend \"nosuch\" is not supported"},
			{"service_group": "storage-proxy", "component_id": "v", "is_healthy": false, "last_checked_at": "2000-01-01T00:00:00Z", "error_message": "limps"}]}}`)
	})
}

// The last known usage of a volume that cannot be asked is shown for a day, with its
// age; an old rate is not.
func TestLastKnownUsage(t *testing.T) {
	a := &array{
		performance: map[string]volume.Result[volume.Performance]{"v": {Value: volume.Performance{IOPSRead: pointer(1.0)}}},
		usage:       map[string]volume.Result[volume.Usage]{"v": {Value: volume.Usage{CapacityBytes: pointer(uint64(1000)), UsedBytes: pointer(uint64(400))}}},
	}
	served(t, a, []string{"v"}, func(t *testing.T, get func(string) *httptest.ResponseRecorder) {
		a.broken.Store(true)
		time.Sleep(time.Hour)
		w := get("/folder/fs-usage?volume=v")
		wantJSON(t, w, 200, `{"capacity_bytes": 1000, "used_bytes": 400}`)
		if w.Header().Get("X-Cache") != "STALE" || w.Header().Get("Age") != "3600" {
			t.Errorf("headers %v, want STALE with an age of 3600", w.Header())
		}
		if w := get("/volume/performance-metric?volume=v"); w.Code != 503 {
			t.Errorf("an old rate: %d %s", w.Code, w.Body)
		}
		time.Sleep(23*time.Hour + time.Second)
		if w := get("/folder/fs-usage?volume=v"); w.Code != 503 {
			t.Errorf("after a day: %d %s", w.Code, w.Body)
		}
	})
}

// Who asks about all volumes does not wait for an array that is silent.
func TestHealthOfAllIsNotWaitedFor(t *testing.T) {
	a := &array{
		health:  map[string]volume.Result[volume.Health]{"quiet": {Value: volume.Health{Status: volume.Healthy}}},
		silence: 10 * time.Second,
	}
	served(t, a, []string{"quiet"}, func(t *testing.T, get func(string) *httptest.ResponseRecorder) {
		begun := time.Now()
		w := get("/manager-api/health")
		if took := time.Since(begun); took > 0 || !strings.Contains(w.Body.String(), `"quiet":{"status":"unknown"`) {
			t.Errorf("after %v: %s, want unknown at once", took, w.Body)
		}
		time.Sleep(11 * time.Second)
		if w := get("/manager-api/health"); !strings.Contains(w.Body.String(), `"quiet":{"status":"healthy"`) {
			t.Errorf("after the first check: %s", w.Body)
		}
	})
}

// What is composed has the age of its oldest part and the lookup of its worst.
func TestComposedAnswers(t *testing.T) {
	var a answer
	a.include(5*time.Second, cache.Hit)
	a.include(60*time.Second, cache.Stale)
	a.include(time.Second, cache.Hit)
	w := httptest.NewRecorder()
	a.body = 1
	a.write(w)
	if w.Header().Get("Age") != "60" || w.Header().Get("X-Cache") != "STALE" {
		t.Errorf("headers %v, want an age of 60 and STALE", w.Header())
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	a := New(Config{Logger: slog.New(slog.DiscardHandler)})
	w := httptest.NewRecorder()
	a.serve(func(context.Context, *http.Request) (answer, error) { panic("boom") }).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
