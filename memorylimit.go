package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"storage_exporter/internal/outside"
)

// memoryLimit keeps Go's soft limit of memory at what is configured, or above what
// is alive where that is more: below it, the garbage collector would run without end.
// It stays below what the control group allows, where the kernel ends the process.
type memoryLimit struct {
	least int64 // bytes
	most  int64 // bytes; 0 where the control group has no limit
	stop  chan struct{}
	done  sync.WaitGroup
}

// memoryCheck is how often what is alive is compared with the limit.
const memoryCheck = 10 * time.Second

// newMemoryLimit is of mib mebibytes, or 0 for none, and of a control group's limit in
// bytes, or 0 for none. Where GOMEMLIMIT gives a limit, it does nothing.
func newMemoryLimit(mib int, group int64) *memoryLimit {
	m := &memoryLimit{stop: make(chan struct{})}
	if os.Getenv("GOMEMLIMIT") != "" {
		return m
	}
	m.least = int64(mib) << 20
	if group > 0 {
		// The programs that are started and what the kernel keeps for the group need the rest.
		usual := group / 4 * 3
		m.most = group / 5 * 4
		if m.least <= 0 || m.least > usual {
			m.least = usual
		}
	}
	return m
}

// cgroupMemory is the limit of this process's control group, 0 for none.
func cgroupMemory() int64 {
	n, _ := outside.CgroupMemory("/")
	return n
}

// Start sets the limit and goes on doing so until Close.
func (m *memoryLimit) Start() {
	if m.least <= 0 {
		return
	}
	m.set(0)
	m.done.Go(func() {
		ticker := time.NewTicker(memoryCheck)
		defer ticker.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			select {
			case <-ticker.C:
				metrics.Read(live)
				m.set(int64(live[0].Value.Uint64()))
			case <-m.stop:
				return
			}
		}
	})
}

// set sets the limit where live bytes were alive at the end of the last collection:
// a quarter more than that is room enough for new ones.
func (m *memoryLimit) set(live int64) {
	limit := max(m.least, live+live/4+m.least/4)
	if m.most > 0 {
		limit = min(limit, m.most)
	}
	debug.SetMemoryLimit(limit)
}

// Close waits for the end.
func (m *memoryLimit) Close() {
	close(m.stop)
	m.done.Wait()
}
