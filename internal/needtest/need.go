// Package needtest says what a test needs that a machine may lack. Such a test is skipped,
// unless STORAGE_EXPORTER_REQUIRE=all, as for `make test`: then it fails.
package needtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Program finds a program of a package of Debian's, in the directories of root's as well.
func Program(t testing.TB, name, pkg string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/local/sbin", "/usr/sbin", "/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	Skip(t, name+" is not installed: apt-get install "+pkg)
	return ""
}

// Skip skips the test, unless everything is required.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("STORAGE_EXPORTER_REQUIRE") == "all" {
		t.Fatalf("cannot run, and STORAGE_EXPORTER_REQUIRE=all: %s", why)
	}
	t.Skip("skipped: " + why)
}
