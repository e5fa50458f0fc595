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

	m := newMemoryLimit(64, 0)
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
	m = newMemoryLimit(64, 0)
	m.Start()
	m.Close()
	if got := now(); got != math.MaxInt64 {
		t.Errorf("limit %d, want that of the environment untouched", got)
	}
}

func TestMemoryLimitOfControlGroup(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "")
	const mib = 1 << 20
	tests := map[string]struct {
		configured        int // MiB
		group, live, want int64
	}{
		"lower than configured":  {256, 100 * mib, 0, 75 * mib},
		"without one configured": {0, 100 * mib, 0, 75 * mib},
		"higher":                 {64, 100 * mib, 0, 64 * mib},
		"more is alive":          {64, 100 * mib, 80 * mib, 80 * mib},
		"none":                   {64, 0, 0, 64 * mib},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := newMemoryLimit(tt.configured, tt.group)
			m.Start()
			defer m.Close()
			m.set(tt.live)
			if got := debug.SetMemoryLimit(-1); got < tt.want-16 || got > tt.want {
				t.Errorf("limit %d, want %d", got, tt.want)
			}
		})
	}
}
