package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = "../packaging/storage_exporter.toml"

// TestExample: as it stands the example changes nothing.
func TestExample(t *testing.T) {
	c, err := Load(Options{Path: example, Default: standard})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load(Options{Default: standard})
	if err != nil {
		t.Fatal(err)
	}
	want.File = example
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}
