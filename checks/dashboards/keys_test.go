package dashboards

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
)

// strict is a type of Grafana's that knows its keys.
type strict interface{ UnmarshalJSONStrict([]byte) error }

// custom are the options of a panel's fields, by its type.
var custom = map[string]func() strict{
	"timeseries":     func() strict { return new(common.GraphFieldConfig) },
	"table":          func() strict { return new(common.TableFieldOptions) },
	"state-timeline": func() strict { return new(statetimeline.FieldConfig) },
}

// targetKeys are those of a query to Prometheus that the dashboards use.
var targetKeys = []string{"refId", "datasource", "expr", "legendFormat", "instant", "format"}

// TestKeys finds keys that Grafana does not know: it ignores them without a word. The
// strict decoder also demands every default, which is not asked for here.
func TestKeys(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, b := range boards(t) {
		t.Run(filepath.Base(b.File), func(t *testing.T) {
			known(t, "the dashboard", new(dashboard.Dashboard), b.Raw) //nolint:staticcheck // files are provisioned in the classic form alone
			for _, p := range b.Panels {
				if p.Type == "row" {
					continue
				}
				checkFields(t, p)
			}
			checkTargets(t, b)
		})
	}
}

// checkFields looks into what the decoder of a dashboard does not: the fields' options.
func checkFields(t *testing.T, p panel) {
	option := func(id string, value json.RawMessage) {
		where, object := p.Title+": "+id, func(key string) []byte {
			b, err := json.Marshal(map[string]json.RawMessage{key: value})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if key, ok := strings.CutPrefix(id, "custom."); ok {
			if custom[p.Type] == nil {
				t.Errorf("%s: a %s has no such options", where, p.Type)
				return
			}
			known(t, where, custom[p.Type](), object(key))
			return
		}
		known(t, where, new(dashboard.FieldConfig), object(id))
	}
	for id, value := range p.FieldConfig.Defaults {
		if id != "custom" {
			option(id, value)
			continue
		}
		var options map[string]json.RawMessage
		if err := json.Unmarshal(value, &options); err != nil {
			t.Errorf("%s: %v", p.Title, err)
		}
		for key, value := range options {
			option("custom."+key, value)
		}
	}
	for _, o := range p.FieldConfig.Overrides {
		known(t, p.Title+": matcher", new(dashboard.MatcherConfig), o.Matcher)
		for _, property := range o.Properties {
			option(property.ID, property.Value)
		}
	}
}

func checkTargets(t *testing.T, b board) {
	var raw struct {
		Panels []struct {
			Title   string
			Targets []map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(b.Raw, &raw); err != nil {
		t.Fatal(err)
	}
	for _, p := range raw.Panels {
		for _, q := range p.Targets {
			for _, key := range slices.Sorted(maps.Keys(q)) {
				if !slices.Contains(targetKeys, key) {
					t.Errorf("%s: a query has the key %s", p.Title, key)
				}
			}
		}
	}
}

// organized are the keys of the transformation that names columns.
type organized struct {
	Exclude map[string]bool   `json:"excludeByName"`
	Rename  map[string]string `json:"renameByName"`
}

// by are the labels by which a query adds up, which are a table's columns.
var by = regexp.MustCompile(`^(?:[0-9]+ \* )?[a-z]+ by \(([^()]*)\)`)

// TestColumns wants each name in a table's options to be that of a column.
func TestColumns(t *testing.T) {
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			if p.Type != "table" {
				continue
			}
			where := filepath.Base(b.File) + ": " + p.Title
			columns := map[string]bool{"Time": true}
			for _, q := range p.Targets {
				m := by.FindStringSubmatch(q.Expr)
				if m == nil || !q.Instant || q.Format != "table" {
					t.Errorf("%s: query %s is not an instant one whose labels are known", where, q.RefID)
					continue
				}
				for label := range strings.SplitSeq(m[1], ", ") {
					columns[label] = true
				}
				value := "Value #" + q.RefID
				if len(p.Targets) == 1 {
					value = "Value"
				}
				columns[value] = true
			}
			for _, transformation := range p.Transformations {
				if transformation.ID == "merge" {
					continue
				}
				var o organized
				d := json.NewDecoder(bytes.NewReader(transformation.Options))
				d.DisallowUnknownFields()
				if err := d.Decode(&o); err != nil || transformation.ID != "organize" {
					t.Errorf("%s: transformation %s: %v", where, transformation.ID, err)
				}
				for name := range o.Exclude {
					if !columns[name] {
						t.Errorf("%s: no column %s to hide", where, name)
					}
					delete(columns, name)
				}
				for from, to := range o.Rename {
					if !columns[from] || columns[to] {
						t.Errorf("%s: no column %s to call %s", where, from, to)
					}
					delete(columns, from)
					columns[to] = true
				}
			}
			for name := range columns {
				if strings.HasPrefix(name, "Value") {
					t.Errorf("%s: column %s has no name", where, name)
				}
			}
			for _, o := range p.FieldConfig.Overrides {
				var m struct{ ID, Options string }
				if err := json.Unmarshal(o.Matcher, &m); err != nil || m.ID != "byName" || !columns[m.Options] {
					t.Errorf("%s: options for %s, which is no column: %v", where, m.Options, err)
				}
			}
			var options struct {
				SortBy []struct{ DisplayName string }
			}
			if err := json.Unmarshal(p.Options, &options); err != nil {
				t.Errorf("%s: %v", where, err)
			}
			for _, s := range options.SortBy {
				if !columns[s.DisplayName] {
					t.Errorf("%s: sorted by %s, which is no column", where, s.DisplayName)
				}
			}
		}
	}
}

// known fails the test for each key that the type does not have.
func known(t *testing.T, where string, into strict, raw []byte) {
	t.Helper()
	err := into.UnmarshalJSONStrict(raw)
	var all cog.BuildErrors
	switch {
	case err == nil:
	case errors.As(err, &all):
		for _, e := range all {
			if strings.Contains(e.Error(), "unexpected field") {
				t.Errorf("%s: %v", where, e)
			}
		}
	default:
		t.Errorf("%s: %v", where, err)
	}
}
