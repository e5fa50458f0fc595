// Package faketest gives tests a fake smartctl with a fleet of its own.
package faketest

import (
	"os"
	"path/filepath"
	"testing"

	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/gobuild"
)

var program = gobuild.Program{Name: "smartctl", Package: "storage_exporter/internal/fakesmartctl"}

// New returns the path of a fake smartctl and the fleet that it plays, of these drives.
func New(tb testing.TB, drives ...fleet.Drive) (path string, f *fleet.Fleet) {
	tb.Helper()
	dir := tb.TempDir()
	f, err := fleet.Create(filepath.Join(dir, "fleet"))
	if err != nil {
		tb.Fatal(err)
	}
	if err := f.Put(drives...); err != nil {
		tb.Fatal(err)
	}
	path = filepath.Join(dir, "smartctl")
	if err := os.Symlink(program.Path(tb), path); err != nil {
		tb.Fatal(err)
	}
	return path, f
}
