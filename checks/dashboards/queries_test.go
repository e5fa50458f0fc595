package dashboards

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/checks/expression"
	"storage_exporter/checks/rules"
	"storage_exporter/internal/demo"
	"storage_exporter/internal/needtest"
)

// asked is something that is asked of Prometheus.
type asked struct{ name, expr string }

// substitutes are what Grafana puts in the place of a variable when all is chosen.
var substitutes = strings.NewReplacer("$__rate_interval", "20s", "$__range", "1h", "$top", "100",
	"$job", ".*", "$instance", ".*", "$volume", ".*", "$enclosure", ".*", "$pool", ".*", "$proxy", ".*")

// labelValues is how a variable asks.
var labelValues = regexp.MustCompile(`^label_values\((.+), ([a-z_]+)\)$`)

// all are the queries of the dashboards, their variables, and the rules.
func all(t *testing.T) []asked {
	var found []asked
	for _, b := range boards(t) {
		file := strings.TrimSuffix(filepath.Base(b.File), ".json")
		for _, v := range b.Templating.List {
			if v.Type != "query" {
				continue
			}
			m := labelValues.FindStringSubmatch(v.Query)
			if m == nil {
				t.Fatalf("%s: variable %s asks %s", file, v.Name, v.Query)
			}
			found = append(found, asked{file + "/variable " + v.Name, fmt.Sprintf("count by (%s) (%s)", m[2], having(m[1], m[2]))})
		}
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				found = append(found, asked{file + "/" + p.Title + "/" + q.RefID, q.Expr})
			}
		}
	}
	for _, r := range rules.All(t, root) {
		name := "rules/" + r.Name()
		for _, key := range []string{"kind", "operation"} { // what tells apart those recorded under one name
			if r.Record != "" && r.Labels[key] != "" {
				name += "/" + r.Labels[key]
			}
		}
		found = append(found, asked{name, r.Expr})
	}
	seen := make(map[string]bool)
	for i, q := range found {
		if seen[q.name] {
			t.Errorf("two queries are called %s", q.name)
		}
		seen[q.name] = true
		if strings.HasPrefix(q.name, "rules/") {
			continue // what begins with $ there is Prometheus' own
		}
		found[i].expr = substitutes.Replace(q.expr)
		if strings.Contains(found[i].expr, "$") {
			t.Errorf("%s: a variable is left in %s", q.name, found[i].expr)
		}
	}
	return found
}

// having is the selector of those series that have the label.
func having(selector, label string) string {
	if s, ok := strings.CutSuffix(selector, "}"); ok {
		return fmt.Sprintf(`%s,%s!=""}`, s, label)
	}
	return fmt.Sprintf(`%s{%s!=""}`, selector, label)
}

// TestEveryMetricIsKnown needs no Prometheus.
func TestEveryMetricIsKnown(t *testing.T) {
	known := expression.Documented(t, root)
	for _, r := range rules.All(t, root) {
		if r.Record != "" {
			known[r.Record] = true
		}
	}
	for _, name := range []string{"up", "scrape_duration_seconds", "scrape_samples_scraped"} { // Prometheus' own
		known[name] = true
	}
	for _, q := range all(t) {
		names := expression.Metrics(q.expr)
		if len(names) == 0 {
			t.Errorf("%s names no metric: %s", q.name, q.expr)
		}
		for _, name := range names {
			if !known[name] && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") { // client_golang's
				t.Errorf("%s: %s is not in docs/metrics.md", q.name, name)
			}
		}
	}
}

// exception is whether what has one may find something all the same.
type exception struct{ never bool }

// exceptions are what may find nothing, with the reason for each.
func exceptions(t *testing.T) map[string]exception {
	f, err := os.Open("empty.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := make(map[string]exception)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "  ")
		if len(fields) != 3 || fields[0] != "never" && fields[0] != "maybe" || fields[2] == "" {
			t.Fatalf("empty.txt: want never or maybe, a name and a reason, two spaces apart: %s", line)
		}
		if _, ok := found[fields[1]]; ok {
			t.Errorf("empty.txt has %s twice", fields[1])
		}
		found[fields[1]] = exception{never: fields[0] == "never"}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// figures are what the demo has of what the dashboards begin with.
var figures = map[string]string{
	"drives/Failing/A":            "2",
	"drives/Unknown/A":            "0",
	"drives/Slots with a fault/A": "2",
	"volumes/Offline/A":           "1",
	"volumes/Degraded/A":          "1",
	"volumes/Not known/A":         "0",
	"pools/Pools/A":               "2",
	"pools/Not online/A":          "1",
	"pools/Data errors/A":         "0",
	"fleet/Exporters/A":           "2",
	"fleet/Exporters down/A":      "0",
	"fleet/Nodes live/A":          "2",
	"fleet/Proxies/A":             "2",
	"fleet/Proxies down/A":        "1",
	"exporter/Stores down/A":      "0",
	"exporter/Failed reloads/A":   "0",
}

// TestEveryQueryFindsSomething asks a Prometheus that scrapes the demo and has the
// rules. What an exception excuses must still select series that are there, each part
// by itself.
func TestEveryQueryFindsSomething(t *testing.T) {
	for program, pkg := range map[string]string{"prometheus": "prometheus", "redis-server": "redis-server"} {
		needtest.Program(t, program, pkg)
	}
	questions := all(t)
	selectors := make(map[string]bool)
	for _, q := range slices.Clone(questions) {
		for _, s := range expression.Selectors(q.expr) {
			if !selectors[s] {
				questions = append(questions, asked{"series " + s, s})
			}
			selectors[s] = true
		}
	}
	excused := exceptions(t)
	for name := range excused {
		if !slices.ContainsFunc(questions, func(q asked) bool { return q.name == name }) {
			t.Errorf("empty.txt excuses %s, which nobody asks", name)
		}
	}

	prometheus := start(t)
	left := slices.DeleteFunc(slices.Clone(questions), func(q asked) bool { _, ok := excused[q.name]; return ok })
	for end := time.Now().Add(time.Minute); len(left) > 0 && time.Now().Before(end); time.Sleep(time.Second) {
		left = slices.DeleteFunc(left, func(q asked) bool {
			found := prometheus.answer(q.expr)
			want, ok := figures[q.name]
			return len(found) > 0 && (!ok || slices.Equal(found, []string{want}))
		})
	}
	for _, q := range left {
		t.Errorf("%s finds %q, want %s: %s", q.name, prometheus.answer(q.expr), cmp.Or(figures[q.name], "something"), q.expr)
	}
	for name := range figures {
		if !slices.ContainsFunc(questions, func(q asked) bool { return q.name == name }) {
			t.Errorf("there is no %s", name)
		}
	}
	for _, q := range questions {
		if excused[q.name].never && len(prometheus.answer(q.expr)) > 0 {
			t.Errorf("%s finds series; empty.txt says that it never does", q.name)
		}
	}
}

// server is a Prometheus.
type server struct {
	t   *testing.T
	url string
}

// start runs the demo with a Prometheus until the test ends.
func start(t *testing.T) server {
	o, err := demo.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Redis, o.Prometheus, o.Rules = t.TempDir(), true, true, filepath.Join(root, "rules")
	d, err := demo.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	return server{t, d.PrometheusURL()}
}

// answer is the values of what an expression yields now.
func (s server) answer(expr string) []string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/query?query="+url.QueryEscape(expr), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil // not up yet
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		s.t.Fatalf("%s\n%s", answer.Error, expr)
	}
	var values []string
	for _, r := range answer.Data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values
}
