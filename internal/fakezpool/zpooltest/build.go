// Package zpooltest gives tests a fake zpool with pools of its own.
package zpooltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"storage_exporter/internal/fakezpool/fake"
)

var built struct {
	once sync.Once
	path string
	err  error
}

// Build compiles the fake once for the test process and returns its path.
func Build(tb testing.TB) string {
	tb.Helper()
	built.once.Do(func() { built.path, built.err = build() })
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return built.path
}

// build leaves the program at one place for all test processes, each of which
// puts a new one there at once: one that runs is not disturbed.
func build() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("fakezpool-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "zpool")
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", fresh, "storage_exporter/internal/fakezpool")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the fake zpool: %w\n%s", err, out)
	}
	return path, os.Rename(fresh, path)
}

// New is a host with a fake zpool that behaves so.
func New(tb testing.TB, b fake.Behaviour) fake.Host {
	tb.Helper()
	h := fake.At(tb.TempDir())
	if err := h.Behave(b); err != nil {
		tb.Fatal(err)
	}
	Install(tb, h)
	return h
}

// Install puts a new copy of the program in place, as an upgrade does. Another
// program copies it: a process that we fork meanwhile would hold our file open
// for writing, and then it cannot be executed.
func Install(tb testing.TB, h fake.Host) {
	tb.Helper()
	if out, err := exec.Command("cp", Build(tb), h.Path()+".new").CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	if err := os.Rename(h.Path()+".new", h.Path()); err != nil {
		tb.Fatal(err)
	}
}
