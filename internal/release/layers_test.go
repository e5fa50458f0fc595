package release

import (
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layer is what a package may import beside the standard library: ours without
// `storage_exporter/`, and others. A name with "/..." has what is below it, too.
type layer []string

const (
	prometheus = "github.com/prometheus/client_golang/prometheus"
	unix       = "golang.org/x/sys/unix"
)

// What every backend may import; rest is for appliances, mount for this host.
var (
	appliance = layer{"internal/few", "internal/secret", "volume", "volume/rates", "volume/rest"}
	mounted   = layer{unix, "internal/few", "internal/outside", "volume", "volume/mount", "volume/rates"}
)

// layers are the packages, from below. A package imports only what its line says;
// a new one needs a line. A line for the name of a folder and "/*" is for those
// below that have none. Only main and internal/ have no line.
var layers = map[string]layer{
	"block":      {"internal/outside"},
	"smart":      {prometheus, "block", "cache", "internal/outside", "smart/assess", "smart/report", "smart/smartctl"},
	"enclosure":  {unix, "block", "cache", "internal/hang", "internal/outside"},
	"zpool":      {"block", "cache", "internal/command", "internal/outside"},
	"cachestore": {prometheus, "github.com/redis/go-redis/v9/...", "github.com/sony/gobreaker/v2", unix, "internal/outside", "internal/secret"},
	"cache":      {prometheus, "cachestore", "internal/gather"},

	"smart/report":   {"block", "internal/outside"},
	"smart/smartctl": {"internal/command", "internal/outside", "smart/report"},
	"smart/assess":   {"internal/outside", "smart/report"},

	"volume":             {"internal/nearest", "internal/secret"},
	"volume/rates":       {"volume"},
	"volume/rest":        {"internal/outside", "internal/secret", "volume"},
	"volume/mount":       {unix, "block", "internal/hang", "volume", "volume/rates"},
	"volume/*":           appliance,
	"volume/local":       mounted,
	"volume/cephfs":      mounted,
	"volume/ddn":         mounted,
	"volume/hammerspace": slices.Concat(appliance, mounted), // the Anvil, and its shares
	"volume/backends":    {"volume/..."},
	"volume/observed":    {"cache", "internal/few", "internal/gather", "internal/outside", "volume"},
	"volume/vfolder":     {"internal/outside", "volume/mount"},

	"proxy":                {"cache", "internal/outside", "internal/secret", "volume", "volume/rest"},
	"event":                {prometheus, "cachestore", "internal/gather", "internal/nearest", "internal/outside", "internal/secret"},
	"config":               {"github.com/BurntSushi/toml", "github.com/prometheus/common/model", "internal/nearest", "internal/outside", "internal/secret"},
	"overview":             {"block", "cache", "enclosure", "proxy", "smart", "smart/assess", "smart/report", "volume", "volume/observed", "zpool"},
	"collector/exposition": {"github.com/klauspost/compress/flate", "github.com/prometheus/...", "google.golang.org/protobuf/proto", "internal/inbound"},
	"collector":            {"cache", "collector/exposition", "enclosure", "proxy", "smart", "smart/assess", "smart/report", "volume", "volume/observed", "zpool"},
	"fleet":                {prometheus, "cache", "cachestore", "internal/outside", "overview", "proxy", "smart/assess", "volume"},
	"api":                  {"cache", "enclosure", "event", "fleet", "internal/inbound", "internal/outside", "overview", "proxy", "smart", "smart/assess", "smart/report", "volume", "volume/observed", "zpool"},
	"web":                  {"block", "cache", "event", "fleet", "internal/inbound", "internal/outside", "overview", "proxy", "smart", "smart/assess", "smart/report", "volume", "zpool"},
	"graphql":              {"github.com/graph-gophers/graphql-go/...", "internal/inbound", "volume"},
}

// isKit is whether a package is for tests and the demo only: nothing else may import it.
func isKit(pkg string) bool {
	return strings.HasSuffix(pkg, "test") || strings.HasPrefix(pkg, "internal/fake") || strings.HasPrefix(pkg, "internal/demo") || pkg == "internal/kit"
}

func layerOf(pkg string) (layer, bool) {
	if l, ok := layers[pkg]; ok {
		return l, true
	}
	l, ok := layers[path.Dir(pkg)+"/*"]
	return l, ok
}

func (l layer) allows(imported string) bool {
	return slices.ContainsFunc(l, func(name string) bool {
		parent, below := strings.CutSuffix(name, "/...")
		return imported == parent || below && strings.HasPrefix(imported, parent+"/")
	})
}

// listed is what `go list` says of every package of ours: its imports, or all that
// is behind it, without the standard library.
func listed(t *testing.T, what string) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .`+what+` " "}}`, "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		pkg := strings.TrimPrefix(names[0], "storage_exporter/")
		all[pkg] = nil
		for _, name := range names[1:] {
			host, _, _ := strings.Cut(name, "/")
			if ours, ok := strings.CutPrefix(name, "storage_exporter/"); ok || strings.Contains(host, ".") {
				all[pkg] = append(all[pkg], ours)
			}
		}
	}
	return all
}

func TestLayers(t *testing.T) {
	imports := listed(t, "Imports")
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		l, ok := layerOf(pkg)
		for _, imported := range imports[pkg] {
			switch {
			case isKit(pkg):
			case isKit(imported):
				t.Errorf("%s imports %s, which is for tests", pkg, imported)
			case ok && !l.allows(imported):
				t.Errorf("%s imports %s: it is not in its layer", pkg, imported)
			}
		}
		if !ok && pkg != "storage_exporter" && !strings.HasPrefix(pkg, "internal/") && !isKit(pkg) {
			t.Errorf("%s has no layer: say what it may import", pkg)
		}
	}
	for pkg := range layers {
		if _, ok := imports[pkg]; !ok && path.Base(pkg) != "*" {
			t.Errorf("the layer of %s is of no package", pkg)
		}
	}
}

// Who writes a backend needs neither the cache, nor the store, nor Prometheus.
func TestBackendsStandAlone(t *testing.T) {
	for pkg, behind := range listed(t, "Deps") {
		if pkg != "volume" && !strings.HasPrefix(pkg, "volume/") || pkg == "volume/observed" || isKit(pkg) {
			continue
		}
		for _, name := range behind {
			ours := strings.HasPrefix(name, "volume") || name == "block" || strings.HasPrefix(name, "internal/")
			if !ours && !strings.HasPrefix(name, "golang.org/x/sys/") || name == "volume/observed" {
				t.Errorf("%s has %s behind it", pkg, name)
			}
		}
	}
}
