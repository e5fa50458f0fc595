package release

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"storage_exporter/config"
	"storage_exporter/smart"
)

// family is what a metric family's name looks like in the source, a text of its own.
var family = regexp.MustCompile(`^(backendai_storage|jbod|smartctl|storage)_[a-z0-9_]+$`)

// notFamilies look like names of families and are none.
var notFamilies = []string{"storage_volumes", "storage_exporter", "storage_proxy", "storage_proxy_health_changed"}

// TestEveryMetricIsDocumented compares the names in the source with those in
// the tables of docs/metrics.md.
func TestEveryMetricIsDocumented(t *testing.T) {
	inSource := map[string]bool{"storage_exporter_build_info": true} // made by versioncollector
	for _, s := range sourceTexts(t) {
		if family.MatchString(s) && !slices.Contains(notFamilies, s) {
			inSource[s] = true
		}
	}
	inDocs := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\|").FindAllStringSubmatch(read(t, "docs/metrics.md"), -1) {
		if family.MatchString(m[1]) {
			inDocs[m[1]] = true
		}
	}
	compare(t, "docs/metrics.md", inSource, inDocs)
}

// TestEveryFlagIsDocumented does so with the flags.
func TestEveryFlagIsDocumented(t *testing.T) {
	inSource := map[string]bool{
		"collector.<name>": true, "no-collector.<name>": true, "help": true, "version": true, // made from names, or by kingpin
		"log.level": true, "log.format": true, // by promslog
		"web.listen-address": true, "web.config.file": true, "web.systemd-socket": true, // by the exporter toolkit
	}
	source := read(t, "flags.go")
	for _, m := range regexp.MustCompile(`(?:app\.Flag|text|list)\("([a-z][a-z0-9.-]*[a-z0-9])", `).FindAllStringSubmatch(source, -1) {
		inSource[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`flag: "([a-z][a-z.-]*)"`).FindAllStringSubmatch(source, -1) {
		inSource[m[1]] = true
	}
	docs := read(t, "docs/configuration.md")
	_, docs, _ = strings.Cut(docs, "\n## Flags\n")
	docs, _, _ = strings.Cut(docs, "\n## Reload\n")
	inDocs := make(map[string]bool)
	for line := range strings.Lines(docs) {
		cell, ok := strings.CutPrefix(line, "| `--")
		if !ok {
			continue
		}
		cell, _, _ = strings.Cut("`--"+cell, " | ")
		for _, m := range regexp.MustCompile("`--([^`]+)`").FindAllStringSubmatch(cell, -1) {
			inDocs[m[1]] = true
		}
	}
	compare(t, "docs/configuration.md", inSource, inDocs)
}

// TestEveryKeyIsDocumented does so with the keys of the file.
func TestEveryKeyIsDocumented(t *testing.T) {
	inSource := make(map[string]bool)
	for key := range config.Values(&config.Config{Smart: config.Smart(smart.DefaultSettings())}) {
		inSource[regexp.MustCompile("(password|token)_file$").ReplaceAllString(key, "$1")] = true
	}
	for _, key := range []string{"backend", "path", "fsprefix", "require_mount", "read_only", "performance_interval", "health_check_interval", "usage_interval", "options"} {
		inSource["volume.NAME."+key] = true
	}
	for _, key := range []string{"url", "token", "username", "password", "ca_file", "interval", "timeout", "metrics"} {
		inSource["proxy.NAME."+key] = true
	}
	for _, key := range []string{"name", "url", "format", "secret", "routing_key", "subjects", "states", "timeout"} {
		inSource["[webhook]."+key] = true
	}
	inSource["enclosure.ID.columns"] = true
	inDocs := make(map[string]bool)
	section := ""
	heading := regexp.MustCompile("^### `\\[(.+)\\]`$")
	for line := range strings.Lines(read(t, "docs/configuration.md")) {
		line = strings.TrimSuffix(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if strings.HasPrefix(line, "#") {
			section = ""
		}
		if cell, _, ok := strings.Cut(line, " | "); ok && section != "" && strings.HasPrefix(cell, "| `") {
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
				inDocs[section+"."+m[1]] = true
			}
		}
	}
	compare(t, "docs/configuration.md", inSource, inDocs)
}

// TestLinksLeadSomewhere follows the links between our own documents. What is in the
// release leads to nothing outside it.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)
	released := readPromuFile(t).Tarball.Files
	inRelease := func(file string) bool {
		return slices.ContainsFunc(released, func(r string) bool { return file == r || strings.HasPrefix(file, r+"/") })
	}
	docs := []string{"README.md", "CONTRIBUTING.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			rel, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, rel)
		}
	}
	for _, doc := range docs {
		if !inRelease(doc) {
			t.Errorf("%s is not in the release", doc)
		}
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			file, anchor := m[1], m[2]
			if strings.Contains(file, "://") {
				continue
			}
			to := doc
			if file != "" {
				to = filepath.Join(filepath.Dir(doc), file)
			}
			if !inRelease(to) {
				t.Errorf("%s leads to %s, which is not in the release", doc, to)
			}
			if text := read(t, to); anchor != "" && !slices.Contains(anchors(text), anchor) {
				t.Errorf("%s: no heading #%s in %s", doc, anchor, to)
			}
		}
	}
}

// anchors are those that headings get where Markdown is shown.
func anchors(text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		a := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found = append(found, strings.ReplaceAll(a, " ", "-"))
	}
	return found
}

func compare(t *testing.T, file string, inSource, inDocs map[string]bool) {
	t.Helper()
	if len(inSource) == 0 {
		t.Error("found nothing in the source")
	}
	for _, name := range slices.Sorted(maps.Keys(inSource)) {
		if !inDocs[name] {
			t.Errorf("%s is not in %s", name, file)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(inDocs)) {
		if !inSource[name] {
			t.Errorf("%s is in %s, and not in the source", name, file)
		}
	}
}

// sourceTexts returns every string in the Go source, tests and what only tests
// use left out.
func sourceTexts(t *testing.T) []string {
	t.Helper()
	var texts []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "internal" || d.Name() == "testdata" || name != root && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					texts = append(texts, s)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
