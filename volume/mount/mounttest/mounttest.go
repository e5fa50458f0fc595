// Package mounttest mounts a file system for tests that can hang and die. It is taken
// away when the test ends.
package mounttest

import (
	"os"
	"testing"

	"storage_exporter/internal/needtest"
)

// NeedRoot skips the test when it cannot mount.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "mounting needs root")
	}
}

// Skip skips the test, unless everything is required.
func Skip(t testing.TB, why string) {
	t.Helper()
	needtest.Skip(t, why)
}

// Roomy is a directory on a file system that is far from full.
func Roomy(tb testing.TB) string {
	tb.Helper()
	if os.Geteuid() != 0 {
		return tb.TempDir()
	}
	return NewFUSE(tb).Point
}
