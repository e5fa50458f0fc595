// Package zpooltest gives tests a fake zpool with pools of its own.
package zpooltest

import (
	"os"
	"os/exec"
	"testing"

	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/gobuild"
)

var program = gobuild.Program{Name: "zpool", Package: "storage_exporter/internal/fakezpool"}

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
	if out, err := exec.Command("cp", program.Path(tb), h.Path()+".new").CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	if err := os.Rename(h.Path()+".new", h.Path()); err != nil {
		tb.Fatal(err)
	}
}
