// Package rules checks the rules for Prometheus, their tests and their documentation.
package rules

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v2"
)

// Rule is an alerting or a recording rule; unknown keys are errors.
type Rule struct {
	Alert       string            `yaml:"alert"`
	Record      string            `yaml:"record"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Name is the alert's or that of what is recorded.
func (r Rule) Name() string { return r.Alert + r.Record }

// All are the rules of all files. root is the project's.
func All(tb testing.TB, root string) []Rule {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(root, "rules/*.yml"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("%d files of rules, %v", len(files), err)
	}
	var all []Rule
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var f struct {
			Groups []struct {
				Name  string `yaml:"name"`
				Rules []Rule `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.UnmarshalStrict(b, &f); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		for _, g := range f.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}
