package packagetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"storage_exporter/internal/needtest"
)

const (
	root  = "../.."
	older = "1.2.3"
	newer = "1.3.0"
)

// release is what one run of make leaves in .tarballs. Tests share it.
type release struct {
	target  string
	version string
	options []string
	umask   string

	once sync.Once
	dir  string
	err  error
}

var (
	first  = &release{target: "release", version: older, umask: "022"}
	second = &release{target: "release", version: older, options: ownPlatform, umask: "077"}
	// For upgrades.
	upgrade = &release{target: "packages", version: newer, options: ownPlatform, umask: "022"}

	ownPlatform = []string{"PLATFORMS=linux/" + goarch}
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, r := range []*release{first, second, upgrade} {
		if r.dir != "" {
			_ = os.RemoveAll(r.dir)
		}
	}
	os.Exit(code)
}

// need finds a program, in the directories of root's as well.
func need(t *testing.T, name, pkg string) string {
	t.Helper()
	return needtest.Program(t, name, pkg)
}

// skip skips the test, unless everything is required.
func skip(t *testing.T, why string) {
	t.Helper()
	needtest.Skip(t, why)
}

// run returns what a command says, or fails the test.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// made is the folder with what make has made.
func (r *release) made(t *testing.T) string {
	t.Helper()
	need(t, "make", "make")
	r.once.Do(func() {
		if r.dir, r.err = os.MkdirTemp("", "storage_exporter-release-"); r.err == nil {
			r.err = Make(root, r.dir, r.umask, append([]string{r.target, "VERSION=" + r.version}, r.options...)...)
		}
	})
	if r.err != nil {
		t.Fatal(r.err)
	}
	return filepath.Join(r.dir, ".tarballs")
}

// file is the one file there that fits the pattern.
func (r *release) file(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.made(t), pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v %v", pattern, found, err)
	}
	return found[0]
}
