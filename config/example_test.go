package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = "../packaging/storage_exporter.toml"

func readExample(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestExample: as it stands the example changes nothing.
func TestExample(t *testing.T) {
	c, err := Load(Options{Path: example})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	want.File = example
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

// TestExampleUncommented: every setting in it is good.
func TestExampleUncommented(t *testing.T) {
	text := regexp.MustCompile(`(?m)^#(\S)`).ReplaceAllString(readExample(t), "$1")
	dir := t.TempDir()
	for _, name := range []string{"redis.password", "sentinel.password", "array.token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, strings.ReplaceAll(text, "/etc/storage_exporter", dir), Options{})
	// The store that it names is another one.
	if len(c.Warnings) > 1 || len(c.Warnings) == 1 && !strings.HasPrefix(c.Warnings[0].Key, "redis.") {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if len(c.Volumes) != 1 || c.Volumes[0].Options["api_token"] != "x" {
		t.Errorf("volumes: %v", c.Volumes)
	}
}

// TestExampleIsComplete: each key stands there, in its section, with the
// default where it has one.
func TestExampleIsComplete(t *testing.T) {
	settings := make(map[string]bool)
	section := ""
	header := regexp.MustCompile(`^#?\[(.+)\]$`)
	setting := regexp.MustCompile(`^(?:#|# or: )([a-z_]+) = `)
	for line := range strings.Lines(readExample(t)) {
		line = strings.TrimSpace(line)
		if m := header.FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if m := setting.FindStringSubmatch(line); m != nil {
			settings[section+"."+m[1]] = true
		}
	}
	fields := fieldsOf(Default(), "")
	for key := range fieldsOf(&Volume{}, "volume.scratch.") {
		fields[key] = field{}
	}
	for key := range fields {
		if !settings[key] {
			t.Errorf("%s is missing", key)
		}
	}
	for _, key := range Keys() {
		if !settings[key] {
			t.Errorf("%s is missing", key)
		}
	}
}
