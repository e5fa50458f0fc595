// Package dashboards checks the dashboards for Grafana: their form, their keys, and that
// every query of theirs and of the rules finds something in a real Prometheus.
package dashboards

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const root = "../.."

// board is a dashboard, as far as the checks ask.
type board struct {
	File   string `json:"-"`
	Raw    []byte `json:"-"`
	UID    string
	Title  string
	Schema int `json:"schemaVersion"`
	Links  []struct {
		Type string
		Tags []string
	}
	Tags       []string
	Templating struct{ List []variable }
	Panels     []panel
}

type variable struct {
	Name, Type, Query string
	Datasource        *datasource
	AllValue          string
	IncludeAll, Multi bool
}

type datasource struct{ Type, UID string }

type panel struct {
	ID              int
	Type, Title     string
	GridPos         struct{ X, Y, W, H int }
	Datasource      *datasource
	Targets         []target
	Transformations []struct {
		ID      string
		Options json.RawMessage
	}
	Options     json.RawMessage
	FieldConfig struct {
		Defaults  map[string]json.RawMessage
		Overrides []struct {
			Matcher    json.RawMessage
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
}

type target struct {
	RefID      string
	Expr       string
	Format     string
	Instant    bool
	Datasource *datasource
}

// boards are all dashboards.
func boards(tb testing.TB) []board {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(root, "dashboards", "*.json"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("%d dashboards, %v", len(files), err)
	}
	var all []board
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		b := board{File: file, Raw: raw}
		if err := json.Unmarshal(raw, &b); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		all = append(all, b)
	}
	return all
}
