package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// memoryLimit keeps Go's soft limit of memory at what is configured, or above what
// is alive where that is more: below it, the garbage collector would run without end.
type memoryLimit struct {
	least int64 // bytes
	stop  chan struct{}
	done  sync.WaitGroup
}

// memoryCheck is how often what is alive is compared with the limit.
const memoryCheck = 10 * time.Second

// newMemoryLimit is of mib mebibytes. Without a limit, or where GOMEMLIMIT gives one,
// it does nothing.
func newMemoryLimit(mib int) *memoryLimit {
	m := &memoryLimit{stop: make(chan struct{})}
	if os.Getenv("GOMEMLIMIT") == "" {
		m.least = int64(mib) << 20
	}
	return m
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
	debug.SetMemoryLimit(max(m.least, live+live/4+m.least/4))
}

// Close waits for the end.
func (m *memoryLimit) Close() {
	close(m.stop)
	m.done.Wait()
}
