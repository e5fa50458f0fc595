package dashboards

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "bring the dashboards into their form")

// TestForm wants the files as Format writes them.
func TestForm(t *testing.T) {
	for _, b := range boards(t) {
		want, err := Format(b.Raw)
		if err != nil {
			t.Fatalf("%s: %v", b.File, err)
		}
		if again, err := Format(want); err != nil || !bytes.Equal(again, want) {
			t.Fatalf("%s: the form is not stable: %v", b.File, err)
		}
		if bytes.Equal(b.Raw, want) {
			continue
		}
		if !*update {
			t.Errorf("%s is not in its form: go test -C checks ./dashboards -run TestForm -update", b.File)
			continue
		}
		if err := os.WriteFile(b.File, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// changing are keys that Grafana gives anew with each export, or that only its import
// dialog fills in.
var changing = regexp.MustCompile(`(?m)^  "(id|version|iteration|gnetId|revision)":|"(pluginVersion|__inputs|__requires|__elements)":|\$\{DS_`)

func TestEachDashboard(t *testing.T) {
	uids := make(map[string]string)
	for _, b := range boards(t) {
		t.Run(filepath.Base(b.File), func(t *testing.T) {
			if m := changing.Find(b.Raw); m != nil {
				t.Errorf("it has %s", m)
			}
			if b.Schema != 42 {
				t.Errorf("schemaVersion %d", b.Schema)
			}
			if !regexp.MustCompile(`^storage-[a-z]+$`).MatchString(b.UID) || uids[b.UID] != "" {
				t.Errorf("uid %q, that of %q too", b.UID, uids[b.UID])
			}
			uids[b.UID] = b.File
			if !slices.Contains(b.Tags, "storage_exporter") || len(b.Links) != 1 || b.Links[0].Type != "dashboards" || !slices.Equal(b.Links[0].Tags, b.Tags) {
				t.Errorf("tags %q, links %+v: it cannot be reached from the others", b.Tags, b.Links)
			}
			checkVariables(t, b)
			checkPanels(t, b)
		})
	}
}

func checkVariables(t *testing.T, b board) {
	var names []string
	for _, v := range b.Templating.List {
		names = append(names, v.Name)
		if v.Type != "query" {
			continue
		}
		checkDatasource(t, "variable "+v.Name, v.Datasource)
		if !v.Multi || !v.IncludeAll || v.AllValue != ".*" {
			t.Errorf("variable %s: several and all cannot be chosen", v.Name)
		}
	}
	if len(names) < 3 || !slices.Equal(names[:3], []string{"datasource", "job", "instance"}) {
		t.Errorf("variables %q", names)
	}
	for _, name := range names[1:] {
		if !regexp.MustCompile(`\$\{?` + name + `\b`).Match(b.Raw) {
			t.Errorf("variable %s is not used", name)
		}
	}
	for _, m := range regexp.MustCompile(`\$\{?([a-z]\w*)`).FindAllSubmatch(b.Raw, -1) {
		if !slices.Contains(names, string(m[1])) {
			t.Errorf("there is no variable %s", m[1])
		}
	}
}

func checkDatasource(t *testing.T, where string, d *datasource) {
	t.Helper()
	if d == nil || d.UID != "${datasource}" || d.Type != "prometheus" {
		t.Errorf("%s: datasource %+v", where, d)
	}
}

func checkPanels(t *testing.T, b board) {
	ids := make(map[int]bool)
	taken := make(map[[2]int]string)
	for _, p := range b.Panels {
		name := p.Title
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: id %d is another's", name, p.ID)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X < 0 || g.Y < 0 || g.W <= 0 || g.H <= 0 || g.X+g.W > 24 {
			t.Errorf("%s: at %+v", name, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%s lies on %s", name, other)
				}
				taken[[2]int{x, y}] = name
			}
		}
		if p.Type == "row" {
			continue
		}
		checkDatasource(t, name, p.Datasource)
		refs := make(map[string]bool)
		for _, q := range p.Targets {
			checkDatasource(t, name+" "+q.RefID, q.Datasource)
			if q.RefID == "" || refs[q.RefID] {
				t.Errorf("%s: query %q is there twice", name, q.RefID)
			}
			refs[q.RefID] = true
			if !strings.Contains(q.Expr, `job=~"$job"`) || !strings.Contains(q.Expr, `instance=~"$instance"`) {
				t.Errorf("%s %s asks for all jobs or instances", name, q.RefID)
			}
		}
		if len(refs) == 0 {
			t.Errorf("%s asks for nothing", name)
		}
	}
}
