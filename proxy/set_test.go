package proxy

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/cachestore"
	"storage_exporter/volume/appliancetest"
)

// A proxy that dies leaves its volumes, of which nothing is known any more, for a day;
// when it is back, so are they.
func TestDeadProxy(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{"/manager-api/health": ofManager})
		s, _ := r.exporter("one", at(a, "p1"))
		r.wait(time.Minute)
		p := only(t, s)
		if p.Status != Healthy || p.Shape != ShapeManager || states(p.Volumes) != "v1=offline v2=healthy " || p.LastCheckedAt == nil {
			t.Fatalf("%+v", p)
		}
		seen := *p.VolumesAt
		a.Down()
		r.wait(time.Minute)
		for range 23 {
			p = only(t, s)
			if p.Status != Unhealthy || !strings.Contains(p.Reason, "refused the connection") || states(p.Volumes) != "v1=unknown v2=unknown " {
				t.Fatalf("%+v", p)
			}
			if v := p.Volumes[0]; !strings.Contains(v.Info, "last known as offline") || v.LastCheckedAt == nil || v.Backend != "cephfs" {
				t.Errorf("%+v", v)
			}
			if at := *p.VolumesAt; at.Sub(seen) > 2*time.Minute {
				t.Errorf("known at %v, not %v", at, seen)
			}
			r.wait(time.Hour)
		}
		r.wait(58 * time.Minute) // a minute and 23 hours and these: just within the day
		if p = only(t, s); len(p.Volumes) != 2 {
			t.Errorf("within the day: %+v", p)
		}
		r.wait(3 * time.Minute)
		if p = only(t, s); len(p.Volumes) != 0 || p.Status != Unhealthy || p.VolumesAt != nil {
			t.Errorf("after a day: %+v", p)
		}
		a.Up()
		r.wait(time.Minute)
		if p = only(t, s); p.Status != Healthy || states(p.Volumes) != "v1=offline v2=healthy " {
			t.Errorf("back: %+v", p)
		}
		if got := r.states(); !slices.Equal(got, []Status{Healthy, Unhealthy, Healthy}) {
			t.Errorf("handed on: %v", got)
		}
	})
}

// The list that is carried outlives who learned it.
func TestCarriedByAnother(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{"/manager-api/health": ofManager})
		_, end := r.exporter("one", at(a, "p1"))
		r.wait(time.Minute)
		end()
		a.Down()
		s, _ := r.exporter("two", at(a, "p1"))
		r.wait(90 * time.Second)
		p := only(t, s)
		if p.Status != Unhealthy || states(p.Volumes) != "v1=unknown v2=unknown " {
			t.Errorf("%+v", p)
		}
	})
}

// Two exporters poll as often as one, and show the same.
func TestExportersSharePolls(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{"/manager-api/health": ofManager})
		one, _ := r.exporter("one", at(a, "p1"))
		two, _ := r.exporter("two", at(a, "p1"))
		r.wait(10 * time.Minute)
		if n := len(a.Calls()); n < 15 || n > 22 {
			t.Errorf("%d polls in 10 minutes", n)
		}
		if x, y := states(only(t, one).Volumes), states(only(t, two).Volumes); x != y || x == "" {
			t.Errorf("%q and %q", x, y)
		}
	})
}

// What is stored of another proxy of that name is not this one's.
func TestAnotherProxyOfTheName(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{"/manager-api/health": ofManager})
		b := appliancetest.NewAppliance(r.t, r.network, answers{"/manager-api/health": ofExporter})
		s, _ := r.exporter("one", at(a, "p1"))
		r.wait(time.Minute)
		if err := s.Apply([]Config{at(b, "p1")}); err != nil {
			t.Fatal(err)
		}
		if p := only(t, s); p.Status != Unknown || len(p.Volumes) != 0 {
			t.Errorf("before it was polled: %+v", p)
		}
		r.wait(time.Minute)
		if p := only(t, s); p.Shape != ShapeExporter || states(p.Volumes) != "v1=unknown v2=degraded " {
			t.Errorf("%+v", p)
		}
	})
}

// A reload polls anew only what it changes, and keeps what was known.
func TestApply(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{"/manager-api/health": ofManager})
		b := appliancetest.NewAppliance(r.t, r.network, answers{"/manager-api/health": ofManager})
		first, second := at(a, "p1"), at(b, "p2")
		s, _ := r.exporter("one", second, first)
		r.wait(time.Minute)
		before := *s.listed.Load()
		second.Metrics = "p2:9777"
		third := at(a, "p3")
		third.CAFile = "/nowhere"
		if err := s.Apply([]Config{first, third}); err == nil || !strings.Contains(err.Error(), "proxy p3: ca_file cannot be read") {
			t.Errorf("%v", err)
		}
		if err := s.Apply([]Config{first, second}); err != nil {
			t.Fatal(err)
		}
		after := *s.listed.Load()
		if len(after) != 2 || after[0] != before[0] || after[1] == before[1] {
			t.Errorf("%v, then %v", before, after)
		}
		a.Down()
		b.Down()
		r.wait(10 * time.Second)
		for _, reading := range s.Read(r.t.Context()) {
			if p := reading.Proxy; len(p.Volumes) != 2 || p.Name == "p2" && p.Metrics != "p2:9777" {
				t.Errorf("%+v", p)
			}
		}
		if err := s.Apply(nil); err != nil || len(s.List()) != 0 {
			t.Errorf("%v %v", err, s.List())
		}
		a.Up()
		calls := len(a.Calls())
		r.wait(5 * time.Minute)
		if n := len(a.Calls()); n != calls {
			t.Errorf("%d polls of what is not configured", n-calls)
		}
		s.Close()
		if err := s.Apply([]Config{first}); err == nil {
			t.Error("applied after the end")
		}
	})
}

// A list does not wait for a proxy that hangs; whoever waits does so once.
func TestListNeverWaits(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{})
		a.Hang(true)
		s, _ := r.exporter("one", at(a, "p1"))
		begun := time.Now()
		if p := only(t, s); p.Status != Unknown || p.Reason == "" || p.LastCheckedAt != nil || p.Volumes == nil {
			t.Errorf("%+v", p)
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("waited for %v", d)
		}
		read := s.Read(r.t.Context())
		if d := time.Since(begun); read[0].Proxy.Status != Unhealthy || d != DefaultTimeout {
			t.Errorf("%+v after %v", read[0].Proxy, d)
		}
		for range 100 {
			time.Sleep(17 * time.Second)
			begun = time.Now()
			if s.Read(r.t.Context()); time.Since(begun) != 0 {
				t.Fatalf("waited for %v", time.Since(begun))
			}
		}
	})
}

// Both places of a health together have the time of one call.
func TestHealthHasOneTimeout(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			time.Sleep(4 * time.Second)
			answers{"/health": ofManager}.ServeHTTP(w, q)
		}))
		s, _ := r.exporter("one", at(a, "p1"))
		begun := time.Now()
		if p := s.Read(r.t.Context())[0].Proxy; p.Status != Unhealthy || time.Since(begun) != DefaultTimeout {
			t.Errorf("%+v after %v", p, time.Since(begun))
		}
	})
}

// A proxy that wants to be left alone for an hour is polled again at the next turn.
func TestPauseIsShort(t *testing.T) {
	within(t, func(r *rig) {
		begun := time.Now()
		a := appliancetest.NewAppliance(r.t, r.network, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if time.Since(begun) < time.Minute {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			answers{"/health": ofManager}.ServeHTTP(w, q)
		}))
		s, _ := r.exporter("one", at(a, "p1"))
		r.wait(30 * time.Second)
		if p := only(t, s); p.Status != Unhealthy {
			t.Errorf("%+v", p)
		}
		r.wait(2 * time.Minute)
		if p := only(t, s); p.Status != Healthy {
			t.Errorf("%+v", p)
		}
	})
}

// A poll that the end cuts off says nothing about the proxy. What was known expires.
func TestEndOfPolls(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{"/health": ofManager})
		a.Hang(true)
		_, end := r.exporter("one", at(a, "p1"))
		r.wait(time.Second)
		end()
		items, err := r.store.Get(r.t.Context(), "storage:proxy_health:p1")
		if err != nil || items[0].Value != nil {
			t.Errorf("%v: %s", err, items[0].Value)
		}
		a.Hang(false)
		s, _ := r.exporter("two", at(a, "p1"))
		r.wait(time.Minute)
		s.Close()
		if p := only(t, s); p.Status != Healthy {
			t.Errorf("%+v", p)
		}
		r.wait(2 * time.Minute)
		if p := only(t, s); p.Status != Unknown || p.Reason == "" || states(p.Volumes) != "v1=unknown v2=unknown " {
			t.Errorf("%+v", p)
		}
	})
}

// Whoever waits for a proxy that a reload exchanges gets the new one.
func TestReadDuringReload(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{})
		a.Hang(true)
		b := appliancetest.NewAppliance(r.t, r.network, answers{"/health": ofManager})
		s, _ := r.exporter("one", at(a, "p1"))
		time.AfterFunc(time.Second, func() {
			if err := s.Apply([]Config{at(b, "p1")}); err != nil {
				t.Error(err)
			}
		})
		if p := s.Read(r.t.Context())[0].Proxy; p.Status != Healthy {
			t.Errorf("%+v", p)
		}
	})
}

// A reload reads a renewed file of the authority.
func TestRenewedAuthority(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{"/health": ofManager})
		file := filepath.Join(r.t.TempDir(), "ca.pem")
		write := func(from string) {
			b, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(appliancetest.NewAppliance(r.t, r.network, answers{}).CAFile)
		cfg := at(a, "p1")
		cfg.CAFile = file
		s, _ := r.exporter("one", cfg)
		r.wait(time.Minute)
		if p := only(t, s); p.Status != Unhealthy || !strings.Contains(p.Reason, "unknown authority") {
			t.Errorf("%+v", p)
		}
		write(a.CAFile)
		if err := s.Apply([]Config{cfg}); err != nil {
			t.Fatal(err)
		}
		r.wait(time.Minute)
		if p := only(t, s); p.Status != Healthy {
			t.Errorf("%+v", p)
		}
	})
}

// Credentials without TLS are warned of; a health that anyone may ask for needs none.
func TestWarningWithoutTLS(t *testing.T) {
	within(t, func(r *rig) {
		open := Config{Name: "p1", URL: "http://array1.test", Interval: DefaultInterval, Timeout: DefaultTimeout}
		_, _ = r.exporter("one", open)
		if log := r.log.String(); strings.Contains(log, "without TLS") {
			t.Error(log)
		}
		_, _ = r.exporter("two", withToken(open))
		if log := r.log.String(); strings.Count(log, "without TLS") != 1 || !strings.Contains(log, "proxy=p1") {
			t.Error(log)
		}
	})
}

// What the store holds may be anything.
func TestForeignSnapshots(t *testing.T) {
	within(t, func(r *rig) {
		a := appliancetest.NewAppliance(r.t, r.network, answers{})
		a.Hang(true)
		cfg := at(a, "p1")
		for _, value := range []string{`{}`, `{"status":"great"}`, `{"shape":"<b>","volumes":[{"name":"v"}]}`, `{"status":"healthy","volumes":[{"name":"v","status":"x"}]}`, `7`, `{"shape":"<b>","volumes":[` + strings.Repeat(`{"name":"v"},`, maxVolumes+5) + `{}]}`} {
			raw := fmt.Sprintf(`{"origin":%q,"observer":"x","observed_at":"2026-01-01T00:00:00Z","age_ms":0,"ttl_ms":90000,"value":%s}`, cfg.origin(a.URL), value)
			if err := r.store.Set(r.t.Context(), cachestore.SetItem{Key: "storage:proxy_health:p1", Value: []byte(raw), TTL: 90 * time.Second}); err != nil {
				t.Fatal(err)
			}
			s, end := r.exporter("one", cfg)
			r.wait(time.Second)
			for _, reading := range s.List() {
				p := reading.Proxy
				if len(p.Volumes) > maxVolumes {
					t.Errorf("%d volumes", len(p.Volumes))
				}
				if p.Status != Unknown || p.Shape != "" || strings.Contains(states(p.Volumes), "=unknown") != strings.Contains(value, `"shape"`) {
					t.Errorf("%s: %+v", value, p)
				}
			}
			end()
		}
	})
}
