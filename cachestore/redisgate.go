package cachestore

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	gateFailures = 2
	gateOpenFor  = 5 * time.Second
)

// errShut says that a node was not asked after repeated failures.
var errShut = errors.New("left alone after repeated failures")

// nodeGate is what a Breaker is to a store, for one node of a cluster: when
// the node hangs, its keys fail at once and those of the others are not held
// up. It is a redis.Limiter. The library asks it again for the handshake
// within a call, so more than one call must get through as a probe.
type nodeGate struct {
	address string

	mu       sync.Mutex // guards the fields below
	failures int
	closed   time.Time // until when nothing gets through
}

// Allow says whether the node may be asked.
func (g *nodeGate) Allow() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().Before(g.closed) {
		return fmt.Errorf("cluster node %s: %w: %w", g.address, ErrUnavailable, errShut)
	}
	return nil
}

// ReportResult counts what the library says about a call that was allowed.
func (g *nodeGate) ReportResult(result error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case result == nil || isReply(result):
		g.failures, g.closed = 0, time.Time{}
	case isLost(result):
		g.failures++
		if g.failures >= gateFailures {
			g.closed = time.Now().Add(gateOpenFor)
		}
	}
}
