package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"storage_exporter/config"
)

// eachLine reads a document, with the section that the last heading names.
func eachLine(t *testing.T, file string, heading *regexp.Regexp, each func(section, line string)) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	section := ""
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		each(section, line)
	}
}

// TestExampleIsComplete: each key stands in the example, in its section.
func TestExampleIsComplete(t *testing.T) {
	settings := make(map[string]bool)
	setting := regexp.MustCompile(`^(?:#|# or: )([a-z_]+) = `)
	eachLine(t, "packaging/storage_exporter.toml", regexp.MustCompile(`^#?\[(.+)\]$`), func(section, line string) {
		if m := setting.FindStringSubmatch(line); m != nil {
			settings[section+"."+m[1]] = true
		}
	})
	keys := config.Values(defaults())
	for key := range keys {
		if secret, ok := strings.CutSuffix(key, "password_file"); ok {
			keys[secret+"password"] = ""
		}
	}
	for _, key := range []string{"backend", "path", "fsprefix", "require_mount", "read_only", "performance_interval", "health_check_interval", "usage_interval"} {
		keys["volume.scratch."+key] = ""
	}
	for _, key := range []string{"url", "token", "token_file", "username", "password", "password_file", "ca_file", "interval", "timeout", "metrics"} {
		keys["proxy.proxy1."+key] = ""
	}
	for _, key := range []string{"name", "url", "url_file", "format", "secret", "secret_file", "routing_key", "routing_key_file", "subjects", "states", "timeout"} {
		keys["[webhook]."+key] = ""
	}
	keys["enclosure.0x5003048000000001.columns"] = ""
	for key := range keys {
		if !settings[key] {
			t.Errorf("%s is missing", key)
		}
	}
}

// TestDefaultsAreDocumented: the tables of the file's keys and of the flags have the
// owners' defaults.
func TestDefaultsAreDocumented(t *testing.T) {
	words := map[string]string{"none": "", "the backend's": "", "3 intervals": "", "the system's": "", "the address's host": "",
		"the drive's own threshold": "0", "the drive's own limits": "0", "on": "1"}
	values := config.Values(defaults())
	checked := 0
	eachLine(t, "docs/configuration.md", regexp.MustCompile("^### `\\[(.+)\\]`$"), func(section, line string) {
		cells := strings.Split(line, " | ")
		key := section + "." + strings.Trim(cells[0], "| `")
		value, known := values[key]
		if !known || len(cells) < 3 || key == "cache.store" {
			return
		}
		checked++
		documented := strings.Trim(cells[2], "`")
		if word, ok := words[documented]; ok {
			documented = word
		}
		if documented != value {
			t.Errorf("%s is %q by default, documented as %q", key, value, cells[2])
		}
	})
	if checked < 40 {
		t.Errorf("checked %d keys only", checked)
	}
	app, _ := newApp(collectorNames())
	checked = 0
	eachLine(t, "docs/configuration.md", regexp.MustCompile("^## (.+)$"), func(section, line string) {
		cells := strings.Split(line, " | ")
		for i, name := range strings.Split(cells[0], ", ") {
			flag := app.GetFlag(strings.Trim(name, "|`- "))
			if section != "Flags" || flag == nil || len(cells) != 3 || flag.Model().IsBoolFlag() {
				continue
			}
			checked++
			if documented := strings.Trim(strings.Split(cells[1], ", ")[i], "`"); documented != strings.Join(flag.Model().Default, "") && documented != "none" {
				t.Errorf("--%s is %q by default, documented as %q", flag.Model().Name, flag.Model().Default, documented)
			}
		}
	})
	if checked < 10 {
		t.Errorf("checked %d flags only", checked)
	}
}
