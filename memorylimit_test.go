package main

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	now := func() int64 { return debug.SetMemoryLimit(-1) }
	t.Setenv("GOMEMLIMIT", "")

	m := newMemoryLimit(64)
	m.Start()
	if got := now(); got != 64<<20 {
		t.Errorf("limit %d, want the one configured", got)
	}
	m.set(20 << 20)
	if got := now(); got != 64<<20 {
		t.Errorf("limit %d with little alive, want the one configured", got)
	}
	m.set(400 << 20)
	if got := now(); got < 500<<20 {
		t.Errorf("limit %d, want well above the 400 MiB that are alive", got)
	}
	m.Close()

	debug.SetMemoryLimit(math.MaxInt64)
	t.Setenv("GOMEMLIMIT", "1GiB")
	m = newMemoryLimit(64)
	m.Start()
	m.Close()
	if got := now(); got != math.MaxInt64 {
		t.Errorf("limit %d, want that of the environment untouched", got)
	}
}
