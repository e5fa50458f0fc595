package demo_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storage_exporter/internal/demo"
	"storage_exporter/internal/logtest"
	"storage_exporter/internal/needtest"
)

func lines(b *logtest.Buffer) int { return strings.Count(b.String(), "\n") }

// need skips the test where a program is not installed.
func need(t *testing.T, program, pkg string) {
	t.Helper()
	needtest.Program(t, program, pkg)
}

// ask reads an answer in JSON; false while there is none.
func ask(t *testing.T, url string, into any) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(into) == nil
}

func within(t *testing.T, d *demo.Demo, what string, limit time.Duration, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !condition(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s\n%s", limit, what, d.Log())
		}
	}
}

// With Redis there is a fleet of two, which outlives it. A real Prometheus scrapes both
// and has loaded the rules.
func TestWithRedisAndPrometheus(t *testing.T) {
	t.Parallel()
	need(t, "redis-server", "redis-server")
	need(t, "prometheus", "prometheus")
	var out logtest.Buffer
	d := start(t, demo.Options{Redis: true, Prometheus: true, Rules: "../../rules", Out: &out})
	if err := d.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out.String() != "" || !d.Fleet() || len(d.PIDs()) != 4 {
		t.Errorf("hints %q, fleet %v, processes %v", &out, d.Fleet(), d.PIDs())
	}
	live := func() bool {
		var fleet struct {
			Totals struct {
				Nodes struct{ Live int }
			}
		}
		return ask(t, d.URL()+"/api/fleet", &fleet) && fleet.Totals.Nodes.Live == 2
	}
	within(t, d, "a fleet of two", soon, live)

	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct {
					Name, Type, LastError string
					Duration              float64
				}
			}
		}
	}
	loaded := func() bool { return ask(t, d.PrometheusURL()+"/api/v1/rules", &rules) && len(rules.Data.Groups) > 0 }
	within(t, d, "rules", soon, loaded)
	alerts := 0
	for _, g := range rules.Data.Groups {
		for _, r := range g.Rules {
			if r.Type == "alerting" {
				alerts++
			}
			if r.LastError != "" || r.Duration > 60 {
				t.Errorf("%s: %q, for %v s", r.Name, r.LastError, r.Duration)
			}
		}
	}
	if alerts < 10 {
		t.Errorf("%d alerts are loaded", alerts)
	}
	var up struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	within(t, d, "two targets that are up", soon, func() bool {
		return ask(t, d.PrometheusURL()+"/api/v1/query?query=sum(up)", &up) && len(up.Data.Result) == 1 && up.Data.Result[0].Value[1] == "2"
	})

	for _, f := range d.Faults() {
		if f.Name != "redis-stops" {
			continue
		}
		if err := f.Break(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o, err := d.Overview(t.Context()); err != nil || o.Counts.Drives.Total != 81 {
			t.Errorf("without Redis: %v", err)
		}
		if err := f.Repair(t.Context()); err != nil {
			t.Fatal(err)
		}
		within(t, d, "the fleet once Redis is back, empty", 2*time.Minute, live)
		return
	}
	t.Error("Redis cannot be stopped")
}

// Without the programs there is a hint for each.
func TestHints(t *testing.T) {
	if _, err := build(); err != nil { // while there is a PATH
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	var out logtest.Buffer
	d := start(t, demo.Options{Redis: true, Prometheus: true, Out: &out})
	if d.Fleet() || d.PrometheusURL() != "" || !strings.Contains(out.String(), "apt-get install redis-server\n") || !strings.Contains(out.String(), "apt-get install prometheus\n") {
		t.Errorf("%v %q %q", d.Fleet(), d.PrometheusURL(), &out)
	}
}

// Rules that Prometheus refuses are told, with what it says of them.
func TestBadRules(t *testing.T) {
	t.Parallel()
	need(t, "prometheus", "prometheus")
	rules := t.TempDir()
	if err := os.WriteFile(filepath.Join(rules, "bad.yml"), []byte("groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'sum('}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out logtest.Buffer
	d := start(t, demo.Options{Prometheus: true, Rules: rules, Out: &out})
	within(t, d, "what Prometheus says", soon, func() bool {
		return strings.Contains(out.String(), "Prometheus has ended:\n") && strings.Contains(out.String(), "bad.yml")
	})
	if err := d.Await(t.Context()); err == nil || !strings.Contains(err.Error(), "prometheus has ended") {
		t.Error(err)
	}
}
