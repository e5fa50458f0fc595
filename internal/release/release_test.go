// Package release holds together what says twice how the exporter is built and
// shipped: promu's file, which other tools read, and the Makefile, which does it.
package release

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v2"
)

const (
	root    = "../.."
	version = "1.2.3"
	date    = "20260102-03:04:05"
)

// promuFile is as much of promu's file as the exporter uses; unknown keys are errors.
type promuFile struct {
	Go struct {
		Version string `yaml:"version"`
		CGO     bool   `yaml:"cgo"`
	} `yaml:"go"`
	Repository struct {
		Path string `yaml:"path"`
	} `yaml:"repository"`
	Build struct {
		Binaries []struct {
			Name string `yaml:"name"`
		} `yaml:"binaries"`
		Flags   string `yaml:"flags"`
		Ldflags string `yaml:"ldflags"`
	} `yaml:"build"`
	Tarball struct {
		Files []string `yaml:"files"`
	} `yaml:"tarball"`
	Crossbuild struct {
		Platforms []string `yaml:"platforms"`
	} `yaml:"crossbuild"`
}

func TestPromuFileAgreesWithMakefile(t *testing.T) {
	promu := readPromuFile(t)
	if len(promu.Build.Binaries) != 1 {
		t.Fatalf("%d binaries, want 1", len(promu.Build.Binaries))
	}
	name := promu.Build.Binaries[0].Name
	build := "go build " + promu.Build.Flags + ` -ldflags "` + ldflags(t, promu.Build.Ldflags) + `" -o `

	if got, want := dryRun(t, "build"), "CGO_ENABLED=0 "+build+name+" ."; !contains(got, want) {
		t.Errorf("make build runs\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}

	release := dryRun(t, "release")
	builds := 0
	for _, line := range release {
		if strings.Contains(line, "go build") {
			builds++
		}
	}
	if builds != len(promu.Crossbuild.Platforms) {
		t.Errorf("make release builds %d binaries, want %d", builds, len(promu.Crossbuild.Platforms))
	}
	for _, platform := range promu.Crossbuild.Platforms {
		goos, arch, ok := strings.Cut(platform, "/")
		if !ok {
			t.Errorf("platform %q is not os/arch", platform)
		}
		want := "GOOS=" + goos + " GOARCH=" + arch + " CGO_ENABLED=0 " + build + ".build/" + goos + "-" + arch + "/" + name + " ."
		if !contains(release, want) {
			t.Errorf("make release runs\n%s\nwant\n%s", strings.Join(release, "\n"), want)
		}
	}
	pack := "scripts/release " + name + " '" + version + "' " + strings.Join(promu.Crossbuild.Platforms, " ") + " -- " + strings.Join(promu.Tarball.Files, " ")
	if !contains(release, pack) {
		t.Errorf("make release runs\n%s\nwant\n%s", strings.Join(release, "\n"), pack)
	}
	if promu.Go.CGO {
		t.Error("cgo is on, and off in the Makefile")
	}
}

func TestPromuFileAgreesWithModule(t *testing.T) {
	promu := readPromuFile(t)
	mod := read(t, "go.mod")
	for _, tt := range []struct{ name, pattern, want string }{
		{"module", `(?m)^module (\S+)$`, promu.Repository.Path},
		{"go version", `(?m)^go (\d+\.\d+)`, promu.Go.Version},
	} {
		if got := find(t, mod, tt.pattern); got != tt.want {
			t.Errorf("%s is %q in go.mod, %q in .promu.yml", tt.name, got, tt.want)
		}
	}
	tools := read(t, "tools/go.mod")
	if got := find(t, tools, `(?m)^go (\d+\.\d+)`); got != promu.Go.Version {
		t.Errorf("go version is %q in tools/go.mod, %q in .promu.yml", got, promu.Go.Version)
	}
}

func TestTarballFilesExist(t *testing.T) {
	names := make(map[string]bool)
	for _, file := range readPromuFile(t).Tarball.Files {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Error(err)
		}
		if base := path.Base(file); names[base] {
			t.Errorf("two files named %s, and one folder for both", base)
		} else {
			names[base] = true
		}
	}
}

func TestDockerfileAgrees(t *testing.T) {
	promu, docker := readPromuFile(t), read(t, "Dockerfile")
	name := promu.Build.Binaries[0].Name
	port := find(t, read(t, "flags.go"), `kingpinflag\.AddFlags\(app, ":(\d+)"\)`)
	for _, want := range []string{
		"FROM --platform=${OS}/${ARCH} ",
		"COPY .build/${OS}-${ARCH}/" + name + " /bin/" + name + "\n",
		"EXPOSE " + port + "\n",
		`ENTRYPOINT ["/bin/` + name + `"]`,
		`CMD ["/bin/` + name + `", "--health=http://127.0.0.1:` + port + `/-/healthy"]` + "\n",
	} {
		if !strings.Contains(docker, want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
	if n := strings.Count(docker, "\nEXPOSE "); n != 1 {
		t.Errorf("the Dockerfile has %d EXPOSE, want 1", n)
	}
	if user := find(t, docker, `(?m)^USER (\d+):\d+$`); user == "0" {
		t.Error("the image runs as root")
	}
	// What is copied must not be ignored.
	ignore := read(t, ".dockerignore")
	for _, platform := range promu.Crossbuild.Platforms {
		if want := "!.build/" + strings.Replace(platform, "/", "-", 1) + "/" + name + "\n"; !strings.Contains(ignore, want) {
			t.Errorf(".dockerignore has no %q", want)
		}
	}
	for _, arch := range []string{"amd64", "arm64"} {
		want := ".build/linux-" + arch + "/" + name
		lines := dryRun(t, "docker", "DOCKER_ARCH="+arch)
		if text := strings.Join(lines, "\n"); !strings.Contains(text, "-o "+want+" .") || !strings.Contains(text, "--build-arg OS=linux --build-arg ARCH="+arch) {
			t.Errorf("make docker DOCKER_ARCH=%s runs\n%s", arch, text)
		}
	}
}

func TestVersionIsInChangelog(t *testing.T) {
	version := strings.TrimSpace(read(t, "VERSION"))
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-rc\.\d+)?$`).MatchString(version) {
		t.Errorf("VERSION is %q", version)
	}
	if want := "## " + version + " / "; !strings.Contains(read(t, "CHANGELOG.md"), want) {
		t.Errorf("CHANGELOG.md has no section %q", want)
	}
}

// TestReleaseIsReproducible packs stand-ins for the binaries twice.
func TestReleaseIsReproducible(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs GNU tar, as Linux has it")
	}
	script, err := filepath.Abs(filepath.Join(root, "scripts/release"))
	if err != nil {
		t.Fatal(err)
	}
	pack := func() map[string]string {
		dir := t.TempDir()
		for _, arch := range []string{"amd64", "arm64"} {
			write(t, filepath.Join(dir, ".build/linux-"+arch, "x"), arch)
		}
		write(t, filepath.Join(dir, "LICENSE"), "free")
		cmd := exec.CommandContext(t.Context(), script, "x", version, "linux/amd64", "linux/arm64", "--", "LICENSE")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "SOURCE_DATE_EPOCH=1000000000")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		made := make(map[string]string)
		files, err := filepath.Glob(filepath.Join(dir, ".tarballs/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			made[filepath.Base(file)] = string(b)
		}
		return made
	}
	first := pack()
	if diff := cmp.Diff(first, pack()); diff != "" {
		t.Errorf("two releases differ:\n%s", diff)
	}
	for _, want := range []string{"x-1.2.3.linux-amd64.tar.gz", "x-1.2.3.linux-arm64.tar.gz", "sha256sums.txt"} {
		if first[want] == "" {
			t.Errorf("no %s", want)
		}
	}
	cmd := exec.CommandContext(t.Context(), "tar", "--utc", "-tvzf", "-")
	cmd.Stdin = strings.NewReader(first["x-1.2.3.linux-arm64.tar.gz"])
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^-rwxr-xr-x 0/0 +\d+ 2001-09-09 01:46 x-1\.2\.3\.linux-arm64/x$`, `(?m)^-rw-r--r-- 0/0 +\d+ 2001-09-09 01:46 x-1\.2\.3\.linux-arm64/LICENSE$`} {
		find(t, string(out), "("+want+")")
	}
}

// dryRun returns the commands that make would run, each as one line.
func dryRun(t *testing.T, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed: apt-get install make")
	}
	args = append(args, "-n", "-B", "--no-print-directory", "-C", root, "VERSION="+version, "REVISION=abc", "BRANCH=main", "BUILD_USER=me@here", "BUILD_DATE="+date)
	cmd := exec.CommandContext(t.Context(), "make", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} // not that of a make that runs the test
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("make %s: %v", strings.Join(args, " "), err)
	}
	return strings.Split(strings.ReplaceAll(string(out), "\\\n", ""), "\n")
}

// ldflags fills in promu's template as promu does: one flag a line.
func ldflags(t *testing.T, text string) string {
	t.Helper()
	tmpl, err := template.New("ldflags").Funcs(template.FuncMap{
		"user": func() string { return "me" },
		"host": func() string { return "here" },
		"date": func(layout string) string {
			if layout != "20060102-15:04:05" {
				t.Errorf("date is %q in .promu.yml", layout)
			}
			return date
		},
	}).Option("missingkey=error").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, map[string]string{"Version": version, "Revision": "abc", "Branch": "main"}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func readPromuFile(t *testing.T) promuFile {
	t.Helper()
	var p promuFile
	if err := yaml.UnmarshalStrict([]byte(read(t, ".promu.yml")), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// find returns what a pattern's group matches.
func find(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in\n%s", pattern, text)
	}
	return m[1]
}

func contains(lines []string, want string) bool {
	for _, line := range lines {
		if strings.Join(strings.Fields(line), " ") == want {
			return true
		}
	}
	return false
}
