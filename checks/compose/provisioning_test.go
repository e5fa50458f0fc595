package compose

import (
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v2"

	"storage_exporter/internal/needtest"
)

// decode reads YAML strictly: unknown keys are errors.
func decode(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(read(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// mounted is the host's file or folder behind a path in a container.
func mounted(t *testing.T, s types.ServiceConfig, inside string) string {
	t.Helper()
	for _, v := range s.Volumes {
		if v.Type == "bind" && (inside == v.Target || strings.HasPrefix(inside, v.Target+"/")) {
			return filepath.Join(v.Source, strings.TrimPrefix(inside, v.Target))
		}
	}
	t.Fatalf("%s mounts nothing at %s", s.Name, inside)
	return ""
}

// Grafana finds Prometheus, under a name that stays the same.
func TestDatasource(t *testing.T) {
	project := load(t, "docker-compose.yml")
	var file struct {
		Version     int `yaml:"apiVersion"`
		Datasources []struct {
			Name     string            `yaml:"name"`
			UID      string            `yaml:"uid"`
			Type     string            `yaml:"type"`
			Access   string            `yaml:"access"`
			URL      string            `yaml:"url"`
			Default  bool              `yaml:"isDefault"`
			Editable bool              `yaml:"editable"`
			JSON     map[string]string `yaml:"jsonData"`
		} `yaml:"datasources"`
	}
	decode(t, mounted(t, project.Services["grafana"], "/etc/grafana/provisioning/datasources/prometheus.yml"), &file)
	if file.Version != 1 || len(file.Datasources) != 1 {
		t.Fatalf("%+v", file)
	}
	d := file.Datasources[0]
	if d.UID == "" || d.Type != "prometheus" || d.Access != "proxy" || !d.Default || d.Editable || d.URL != "http://prometheus:"+port(t, project, "prometheus") {
		t.Errorf("%+v", d)
	}
	if interval := scrapeInterval(t, project); d.JSON["timeInterval"] != interval {
		t.Errorf("timeInterval is %q, Prometheus scrapes every %s", d.JSON["timeInterval"], interval)
	}
}

// Grafana finds the dashboards, and leaves them as they are.
func TestDashboards(t *testing.T) {
	grafana := load(t, "docker-compose.yml").Services["grafana"]
	var file struct {
		Version   int `yaml:"apiVersion"`
		Providers []struct {
			Name     string            `yaml:"name"`
			Folder   string            `yaml:"folder"`
			Type     string            `yaml:"type"`
			Updates  bool              `yaml:"allowUiUpdates"`
			Deletion bool              `yaml:"disableDeletion"`
			Options  map[string]string `yaml:"options"`
		} `yaml:"providers"`
	}
	decode(t, mounted(t, grafana, "/etc/grafana/provisioning/dashboards/storage.yml"), &file)
	if file.Version != 1 || len(file.Providers) != 1 {
		t.Fatalf("%+v", file)
	}
	p := file.Providers[0]
	if p.Name == "" || p.Type != "file" || p.Updates || !p.Deletion {
		t.Errorf("%+v", p)
	}
	boards, err := filepath.Glob(filepath.Join(mounted(t, grafana, p.Options["path"]), "*.json"))
	if err != nil || len(boards) == 0 {
		t.Errorf("no dashboards: %v", err)
	}
}

// port is the one that a service is published with.
func port(t *testing.T, project *types.Project, service string) string {
	t.Helper()
	ports := project.Services[service].Ports
	if len(ports) != 1 {
		t.Fatalf("%d ports of %s", len(ports), service)
	}
	return strconv.Itoa(int(ports[0].Target))
}

type prometheusFile struct {
	Global struct {
		Scrape   string `yaml:"scrape_interval"`
		Evaluate string `yaml:"evaluation_interval"`
	} `yaml:"global"`
	Rules   []string `yaml:"rule_files"`
	Scrapes []struct {
		Job     string `yaml:"job_name"`
		Statics []struct {
			Targets []string `yaml:"targets"`
		} `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

func prometheusConfig(t *testing.T, project *types.Project) (file string, c prometheusFile) {
	t.Helper()
	file = mounted(t, project.Services["prometheus"], "/etc/prometheus/prometheus.yml")
	decode(t, file, &c)
	return file, c
}

func scrapeInterval(t *testing.T, project *types.Project) string {
	t.Helper()
	_, c := prometheusConfig(t, project)
	return c.Global.Scrape
}

// Prometheus takes its configuration, with the rules, and scrapes the exporter.
func TestPrometheus(t *testing.T) {
	project := load(t, "docker-compose.yml")
	file, c := prometheusConfig(t, project)
	if len(c.Scrapes) != 1 || len(c.Scrapes[0].Statics) != 1 || len(c.Rules) != 1 {
		t.Fatalf("%+v", c)
	}
	if targets := c.Scrapes[0].Statics[0].Targets; len(targets) != 1 || targets[0] != "exporter:"+port(t, project, "exporter") {
		t.Errorf("targets %v", targets)
	}
	rules := mounted(t, project.Services["prometheus"], path.Dir(c.Rules[0]))
	found, err := filepath.Glob(filepath.Join(rules, path.Base(c.Rules[0])))
	if err != nil || len(found) == 0 {
		t.Fatalf("no rules in %s: %v", rules, err)
	}
	absolute, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(here, []byte(strings.ReplaceAll(read(t, file), path.Dir(c.Rules[0]), absolute)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, promtool(t), "check", "config", here).CombinedOutput()
	if err != nil || strings.Count(string(out), "rules found") != len(found) {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

func promtool(t *testing.T) string {
	t.Helper()
	return needtest.Program(t, "promtool", "prometheus")
}
