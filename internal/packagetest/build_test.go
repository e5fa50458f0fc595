// Package packagetest makes the release as `make release` does, and looks at what is in
// it: the packages are installed, upgraded and removed in a small Debian.
package packagetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	root     = "../.."
	older    = "1.2.3"
	newer    = "1.3.0"
	makeTime = 8 * time.Minute // with cold caches; seconds with warm ones
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
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/local/sbin", "/usr/sbin", "/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	skip(t, name+" is not installed: apt-get install "+pkg)
	return ""
}

// skip skips the test, unless everything is required.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("STORAGE_EXPORTER_REQUIRE") == "all" {
		t.Fatalf("cannot run, and STORAGE_EXPORTER_REQUIRE=all: %s", why)
	}
	t.Skip("skipped: " + why)
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
	r.once.Do(func() { r.err = r.make() })
	if r.err != nil {
		t.Fatal(r.err)
	}
	return filepath.Join(r.dir, ".tarballs")
}

// make runs in a copy of the sources, so that it leaves those alone. The copy has
// other dates and rights, as another's clone has.
func (r *release) make() (err error) {
	if r.dir, err = os.MkdirTemp("", "storage_exporter-release-"); err != nil {
		return err
	}
	sources, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	const copied = `umask "$1" && tar -C "$2" --exclude=./.git --exclude=./.build --exclude=./.tarballs --exclude=./.cache -cf - . | tar -xmf - --no-same-permissions`
	ctx, cancel := context.WithTimeout(context.Background(), makeTime)
	defer cancel()
	for _, command := range [][]string{
		{"sh", "-ec", copied, "copy", r.umask, sources},
		append([]string{"sh", "-ec", `umask "$0"; exec make "$@"`, r.umask, r.target, "VERSION=" + r.version, "REVISION=abc", "BRANCH=main"}, r.options...),
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = r.dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "SOURCE_DATE_EPOCH=1000000000"} // not that of a make that runs the test
		for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "GOSUMDB"} {
			if value, ok := os.LookupEnv(name); ok {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
		}
		cmd.WaitDelay = time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return nil
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
