package packagetest

import (
	"debug/buildinfo"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goarch = runtime.GOARCH

// files are those of a release with their checksums, as sha256sums.txt has them.
func (r *release) files(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.made(t), "sha256sums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}
	return sums
}

// Two clones with other rights and dates make the same bytes. One platform is enough for
// that.
func TestReleaseTwice(t *testing.T) {
	made := first.files(t)
	want := []string{"sha256sums.txt"}
	for arch, other := range map[string]string{"amd64": "x86_64", "arm64": "aarch64"} {
		want = append(want,
			"storage-exporter_1.2.3-1_"+arch+".deb", "storage-exporter-1.2.3-1."+other+".rpm",
			"storage_exporter-1.2.3.linux-"+arch+".cdx.json", "storage_exporter-1.2.3.linux-"+arch+".tar.gz")
	}
	entries, err := os.ReadDir(first.made(t))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is made, -want +got:\n%s", diff)
	}
	if len(made) != len(want)-1 {
		t.Errorf("checksums of %v", slices.Sorted(maps.Keys(made)))
	}
	run(t, "sh", "-ec", `cd "$0"; sha256sum --check --strict sha256sums.txt`, first.made(t))
	again := second.files(t)
	if len(again) != 4 {
		t.Errorf("made the second time: %v", again)
	}
	for name, sum := range again {
		if sum != made[name] {
			t.Errorf("%s differs the second time", name)
		}
	}
}

// Lintian finds nothing but what is overridden, each with its reason.
func TestLintian(t *testing.T) {
	deb := first.file(t, "*_"+goarch+".deb")
	t.Setenv("TMPDIR", t.TempDir()) // it leaves files there
	out := run(t, need(t, "lintian", "lintian"), "--allow-root", "--fail-on=none", "--show-overrides", deb)
	var tags []string
	for line := range strings.Lines(out) {
		if tag, ok := strings.CutPrefix(line, "O: storage-exporter: "); ok {
			tags = append(tags, strings.Fields(tag)[0])
		} else if !strings.HasPrefix(line, "N: ") {
			t.Error(line)
		}
	}
	want := []string{"initial-upload-closes-no-bugs", "statically-linked-binary", "unstripped-binary-or-object"}
	slices.Sort(tags)
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Errorf("overridden, -want +got:\n%s", diff)
	}
	overrides, err := os.ReadFile(filepath.Join(root, "tools/packages/deb/lintian-overrides"))
	if err != nil || len(regexp.MustCompile(`(?m)^# .+\n(# .+\n)*storage-exporter: `).FindAllString(string(overrides), -1)) != len(want) {
		t.Errorf("an override has no reason (%v):\n%s", err, overrides)
	}
}

// What docs/install.md says that a package has is in both; all that is on the host to
// be configured is marked so.
func TestContents(t *testing.T) {
	dpkg, rpm := need(t, "dpkg-deb", "dpkg"), need(t, "rpm", "rpm")
	install, err := os.ReadFile(filepath.Join(root, "docs/install.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(install), "A package has")
	table, _, _ = strings.Cut(table, "\n## ")
	documented := regexp.MustCompile("(?m)^\\| `(/[^`]+)` \\|").FindAllStringSubmatch(table, -1)
	if len(documented) < 8 {
		t.Fatalf("only %v", documented)
	}
	// The documents lie as in the tarball, so that their links lead somewhere.
	tarball := map[string]bool{}
	for name := range strings.FieldsSeq(run(t, "tar", "-tzf", first.file(t, "*-amd64.tar.gz"))) {
		if _, file, _ := strings.Cut(name, "/"); file != "" {
			file, _, _ = strings.Cut(file, "/")
			tarball[file] = true
		}
	}
	delete(tarball, "storage_exporter")
	delete(tarball, "LICENSE") // each format has its own place for it
	conffiles := []string{"/etc/default/storage_exporter", "/etc/storage_exporter/storage_exporter.toml"}
	has := func(format string, paths []string) {
		t.Helper()
		for _, m := range documented {
			if !slices.Contains(paths, m[1]) {
				t.Errorf("the %s has no %s", format, m[1])
			}
		}
		for file := range tarball {
			if path := "/usr/share/doc/storage-exporter/" + file; !slices.Contains(paths, path) {
				t.Errorf("the %s has no %s", format, path)
			}
		}
		for _, path := range []string{"/usr/share/storage_exporter/packaging/drop-ins/no-nvme.conf", "/usr/share/storage_exporter/web-config.yml", "/usr/share/doc/storage-exporter/docs/install.md"} {
			if !slices.Contains(paths, path) {
				t.Errorf("the %s has no %s", format, path)
			}
		}
	}
	for arch, other := range map[string]string{"amd64": "x86_64", "arm64": "aarch64"} {
		deb, pkg := first.file(t, "*_"+arch+".deb"), first.file(t, "*."+other+".rpm")

		var paths []string
		for line := range strings.Lines(run(t, dpkg, "--contents", deb)) {
			path := regexp.MustCompile(` \.(/\S+?)/?(?: -> \S+)?\n$`).FindStringSubmatch(line)
			if path == nil || !strings.Contains(line, " root/root ") || !regexp.MustCompile(`^(drwxr-xr-x|-rw-r--r--|lrwxrwxrwx|l---------|-rwxr-xr-x .*/usr/bin/storage_exporter\n)`).MatchString(line) {
				t.Errorf("%s: %s", arch, line)
				continue
			}
			paths = append(paths, path[1])
		}
		has("deb", paths)
		for field, want := range map[string]string{"Package": "storage-exporter", "Version": older + "-1", "Architecture": arch, "Recommends": "smartmontools"} {
			if got := strings.TrimSpace(run(t, dpkg, "--field", deb, field)); got != want {
				t.Errorf("%s of the deb is %q, want %q", field, got, want)
			}
		}
		if diff := cmp.Diff(conffiles, strings.Fields(run(t, dpkg, "--info", deb, "conffiles"))); diff != "" {
			t.Errorf("conffiles of the deb:\n%s", diff)
		}

		query := func(options ...string) []string {
			return strings.Fields(run(t, rpm, append(append([]string{"--query", "--package"}, options...), pkg)...))
		}
		has("rpm", query("--list"))
		for _, shared := range []string{"/usr", "/usr/bin", "/etc", "/usr/lib/systemd/system"} {
			if slices.Contains(query("--list"), shared) {
				t.Errorf("the rpm owns %s", shared)
			}
		}
		if diff := cmp.Diff(conffiles, query("--configfiles")); diff != "" {
			t.Errorf("configuration files of the rpm:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"smartmontools"}, query("--recommends")); diff != "" {
			t.Errorf("the rpm recommends:\n%s", diff)
		}
		if got := query("--requires"); len(got) > 0 {
			t.Errorf("the rpm requires %v", got)
		}
		if diff := cmp.Diff([]string{other, "reproducible", older}, query("--queryformat", "%{ARCH} %{BUILDHOST} %{VERSION}")); diff != "" {
			t.Error(diff)
		}
		if scripts := strings.Join(query("--scripts"), " "); strings.Count(scripts, "scriptlet") != 3 {
			t.Errorf("scripts of the rpm: %s", scripts)
		}
	}
}

// The list of modules is that of the binary, with their licenses.
func TestSBOM(t *testing.T) {
	var sbom struct {
		Format   string `json:"bomFormat"`
		Version  string `json:"specVersion"`
		Metadata struct {
			Component struct{ Name, Version string }
		}
		Components []struct {
			Name, Version, PURL string
			Evidence            struct {
				Licenses []struct{ License struct{ ID string } }
			}
		}
	}
	text, err := os.ReadFile(first.file(t, "*-arm64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &sbom); err != nil {
		t.Fatal(err)
	}
	if c := sbom.Metadata.Component; sbom.Format != "CycloneDX" || sbom.Version < "1.5" || c.Name != "storage_exporter" || c.Version != "v"+older {
		t.Errorf("%+v", sbom)
	}
	listed := map[string]string{}
	for _, c := range sbom.Components {
		listed[c.Name] = c.Version
		if c.Name != "std" && (len(c.Evidence.Licenses) == 0 || c.Evidence.Licenses[0].License.ID == "") {
			t.Errorf("no license of %s", c.Name)
		}
	}
	info, err := buildinfo.ReadFile(filepath.Join(first.dir, ".build/linux-arm64/storage_exporter"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"std": strings.Fields(info.GoVersion)[0]}
	for _, m := range info.Deps {
		want[m.Path] = m.Version
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("-in the binary +in the list:\n%s", diff)
	}
}

// The manual page and the completions fit the programs that read them.
func TestManualAndCompletions(t *testing.T) {
	mandoc := need(t, "mandoc", "mandoc")
	dir := t.TempDir()
	run(t, need(t, "dpkg-deb", "dpkg"), "--extract", first.file(t, "*_amd64.deb"), dir)
	page := filepath.Join(dir, "storage_exporter.8")
	run(t, "sh", "-c", `gzip -cd "$0" >"$1"`, filepath.Join(dir, "usr/share/man/man8/storage_exporter.8.gz"), page)
	run(t, mandoc, "-T", "lint", "-W", "warning", page)
	text := run(t, mandoc, "-T", "ascii", "-O", "width=200", page)
	text = regexp.MustCompile(".\x08").ReplaceAllString(text, "")
	for _, want := range []string{"STORAGE_EXPORTER(8)", "storage_exporter - Prometheus exporter", "--config.file", "--web.listen-address=:9777", "storage_exporter " + older, "2001-09-09", "SEE ALSO"} {
		if !strings.Contains(text, want) {
			t.Errorf("the manual page has no %q:\n%s", want, text)
		}
	}
	run(t, "bash", "-ec", `. "$0"; complete -p storage_exporter`, filepath.Join(dir, "usr/share/bash-completion/completions/storage_exporter"))
	zsh, err := os.ReadFile(filepath.Join(dir, "usr/share/zsh/vendor-completions/_storage_exporter"))
	if err != nil || !strings.HasPrefix(string(zsh), "#compdef storage_exporter\n") {
		t.Errorf("%v\n%s", err, zsh)
	}
}
