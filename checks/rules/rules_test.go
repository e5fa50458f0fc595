package rules

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"

	"storage_exporter/checks/expression"
	"storage_exporter/internal/needtest"
)

const root = "../.."

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(found), err)
	}
	return found
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func alerts(t *testing.T) []Rule {
	t.Helper()
	return slices.DeleteFunc(All(t, root), func(r Rule) bool { return r.Alert == "" })
}

// run runs a program, or skips the test where it is not installed.
func run(t *testing.T, pkg, program string, args ...string) {
	t.Helper()
	path := needtest.Program(t, program, pkg)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, path, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

func TestSyntax(t *testing.T) {
	for _, file := range files(t, "rules/*.yml") {
		run(t, "prometheus", "promtool", "check", "rules", "--lint=all", "--lint-fatal", file)
	}
}

// TestScenarios runs what the rules are to fire for, and what not.
func TestScenarios(t *testing.T) {
	for _, file := range files(t, "rules/tests/*.yml") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			t.Parallel()
			run(t, "prometheus", "promtool", "test", "rules", file)
		})
	}
}

// TestEveryAlertIsTested wants a moment at which it fires, and one at which it does not.
func TestEveryAlertIsTested(t *testing.T) {
	fires, silent := make(map[string]bool), make(map[string]bool)
	for _, file := range files(t, "rules/tests/*.yml") {
		var f struct {
			Tests []struct {
				Alerts []struct {
					Name     string `yaml:"alertname"`
					Expected []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		if err := yaml.Unmarshal(read(t, file), &f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, test := range f.Tests {
			for _, a := range test.Alerts {
				fires[a.Name] = fires[a.Name] || len(a.Expected) > 0
				silent[a.Name] = silent[a.Name] || len(a.Expected) == 0
			}
		}
	}
	for _, r := range alerts(t) {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: a test has it fire: %t, be silent: %t", r.Alert, fires[r.Alert], silent[r.Alert])
		}
		delete(fires, r.Alert)
	}
	for name := range fires {
		t.Errorf("a test names %s, which is no alert", name)
	}
}

// entry is an alert's entry in docs/alerts.md: its heading, severity and wait.
var entry = regexp.MustCompile("(?m)^### ([A-Z][A-Za-z]+)\n\n`([a-z]+)`, (?:after ([0-9]+) (min|h)|at once)")

func TestEveryAlertHasAnEntry(t *testing.T) {
	documented := make(map[string][]string)
	docs := string(read(t, root+"/docs/alerts.md"))
	for _, m := range entry.FindAllStringSubmatch(docs, -1) {
		wait := m[3]
		if wait != "" {
			wait += m[4][:1]
		}
		documented[m[1]] = []string{m[2], wait}
	}
	if n := strings.Count(docs, "\n### "); n != len(documented) {
		t.Errorf("docs/alerts.md has %d entries, %d of which tell the severity and how long the alert waits", n, len(documented))
	}
	for _, name := range []string{"* **Look at** ", "* **Do** "} {
		if n := strings.Count(docs, "\n"+name); n != len(documented) {
			t.Errorf("docs/alerts.md: %d of %d entries have %q", n, len(documented), name)
		}
	}
	seen := make(map[string]bool)
	for _, r := range alerts(t) {
		if seen[r.Alert] {
			t.Errorf("two alerts are called %s", r.Alert)
		}
		seen[r.Alert] = true
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a summary or a description", r.Alert)
		}
		if got, want := r.Annotations["runbook_url"], "docs/alerts.md#"+strings.ToLower(r.Alert); got != want {
			t.Errorf("%s: runbook_url %s, want %s", r.Alert, got, want)
		}
		if got, want := documented[r.Alert], []string{r.Labels["severity"], r.For}; !slices.Equal(got, want) {
			t.Errorf("docs/alerts.md has %s with %q, the rule has %q", r.Alert, got, want)
		}
	}
	for name := range documented {
		if !seen[name] {
			t.Errorf("docs/alerts.md has %s, which is no alert", name)
		}
	}
}

// query is what the text of an annotation asks Prometheus for.
var query = regexp.MustCompile(`(?:query|printf) "((?:[^"\\]|\\.)*)"`)

func TestEveryMetricIsKnown(t *testing.T) {
	known := expression.Documented(t, root)
	known["up"] = true
	for _, r := range All(t, root) {
		if r.Record != "" {
			known[r.Record] = true
		}
	}
	for _, r := range All(t, root) {
		exprs := []string{r.Expr}
		for _, text := range r.Annotations {
			for _, m := range query.FindAllStringSubmatch(text, -1) {
				exprs = append(exprs, strings.ReplaceAll(strings.ReplaceAll(m[1], `\"`, `"`), "%q", `""`))
			}
		}
		for _, expr := range exprs {
			names := expression.Metrics(expr)
			if len(names) == 0 {
				t.Errorf("%s: no metric in %s", r.Name(), expr)
			}
			for _, name := range names {
				if !known[name] {
					t.Errorf("%s: %s is not in docs/metrics.md", r.Name(), name)
				}
			}
		}
	}
}

// TestAlertmanager also looks whether the alerts that inhibit are there.
func TestAlertmanager(t *testing.T) {
	file := root + "/rules/alertmanager/alertmanager.yml"
	run(t, "prometheus-alertmanager", "amtool", "check-config", file)
	matcher := regexp.MustCompile(`alertname =~? "([^"]+)"`)
	for _, m := range matcher.FindAllSubmatch(bytes.TrimSpace(read(t, file)), -1) {
		for part := range strings.SplitSeq(string(m[1]), "|") {
			name := regexp.MustCompile("^(?:" + part + ")$")
			if !slices.ContainsFunc(alerts(t), func(r Rule) bool { return name.MatchString(r.Alert) }) {
				t.Errorf("%s names %s, which is no alert", file, part)
			}
		}
	}
}
