// Package faketest gives tests a fake smartctl with a fleet of its own.
package faketest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"storage_exporter/internal/fakesmartctl/fleet"
)

var built struct {
	once sync.Once
	path string
	err  error
}

// Build compiles the fake once for the test process and returns its path. Use
// New: the program needs a fleet beside it.
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
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("fakesmartctl-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "smartctl")
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", fresh, "storage_exporter/internal/fakesmartctl")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the fake smartctl: %w\n%s", err, out)
	}
	return path, os.Rename(fresh, path)
}

// New returns the path of a fake smartctl and the fleet that it plays, of these drives.
func New(tb testing.TB, drives ...fleet.Drive) (path string, f *fleet.Fleet) {
	tb.Helper()
	program := Build(tb)
	dir := tb.TempDir()
	f, err := fleet.Create(filepath.Join(dir, "fleet"))
	if err != nil {
		tb.Fatal(err)
	}
	if err := f.Put(drives...); err != nil {
		tb.Fatal(err)
	}
	path = filepath.Join(dir, "smartctl")
	if err := os.Symlink(program, path); err != nil {
		tb.Fatal(err)
	}
	return path, f
}
