package rest_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
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

// Two calls that are refused at the same moment are one refusal.
func TestBackOffOnce(t *testing.T) {
	var good atomic.Bool
	within(t, rest.Basic("reader", secret.New("x")), func(r *rig) {
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _, _ = r.get("/x") })
		}
		wg.Wait()
		if n := len(r.first.Calls()); n != 2 {
			t.Fatalf("%d calls at once", n)
		}
		good.Store(true)
		time.Sleep(61 * time.Second)
		if _, err := r.get("/x"); err != nil {
			t.Errorf("after a minute: %v", err)
		}
	}, func(w http.ResponseWriter, q *http.Request) {
		time.Sleep(time.Second) // both calls are here before either is answered
		if !good.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		echo(w, q)
	})
}

// Of an answer that is too large no more is read than shows it.
func TestBombIsNotUnpacked(t *testing.T) {
	within(t, rest.Auth{}, func(r *rig) {
		var log bytes.Buffer
		o := volume.ReadOptions(volume.Config{Name: "v", Options: map[string]any{"endpoint": r.first.URL, "ca_file": r.first.CAFile}})
		c, err := rest.NewClient(rest.Config{
			Access: rest.ReadAccess(o, "endpoint", "its URL", "own_verify_ssl"), Dial: r.network.Dial,
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r.first.Break(appliancetest.Bomb())
		is(t, c.Get(r.t.Context(), "/x", nil, &struct{}{}), rest.ErrBadAnswer, volume.Unavailable)
		found := regexp.MustCompile(` bytes=(\d+)`).FindStringSubmatch(log.String())
		if found == nil {
			t.Fatal(log.String())
		}
		if n, err := strconv.Atoi(found[1]); err != nil || n > 1<<20 {
			t.Errorf("%d bytes were unpacked, %v", n, err)
		}
	}, echo)
}

func TestOldTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} //nolint:gosec // that is the point
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	var log strings.Builder
	o := volume.ReadOptions(volume.Config{Name: "v", Options: map[string]any{"endpoint": s.URL, "verify_ssl": false}})
	c, err := rest.NewClient(rest.Config{Access: rest.ReadAccess(o, "endpoint", "its URL", "own_verify_ssl"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	is(t, c.Get(t.Context(), "/x", nil, nil), rest.ErrUntrusted, volume.Unavailable)
	if strings.Count(log.String(), "level=WARN") != 1 || !strings.Contains(log.String(), "own_verify_ssl") {
		t.Errorf("one warning: %s", log.String())
	}
}
