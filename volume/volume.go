// Package volume describes storage volumes: their configuration, their performance,
// health and usage, and the Backend that every vendor's folder implements. It knows
// no vendor.
package volume

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrUnsupported says that a backend does not report this: no series, no failure.
var ErrUnsupported = errors.New("not supported by this backend")

// ErrNoSample says that nothing could be measured yet, as with the first of two
// counters. It is no failure.
var ErrNoSample = errors.New("no sample yet")

// Performance holds the six figures of a volume. A nil figure is one that the
// backend does not report, or a latency of an interval without operations.
type Performance struct {
	IOPSRead         *float64 `json:"iops_read,omitempty"`      // operations per second
	IOPSWrite        *float64 `json:"iops_write,omitempty"`     // operations per second
	BytesRead        *float64 `json:"io_bytes_read,omitempty"`  // bytes per second
	BytesWrite       *float64 `json:"io_bytes_write,omitempty"` // bytes per second
	LatencyReadUsec  *float64 `json:"io_usec_read,omitempty"`   // microseconds per operation
	LatencyWriteUsec *float64 `json:"io_usec_write,omitempty"`  // microseconds per operation
}

// Status is a volume's state of health.
type Status string

// The states of health, from best to worst; Unknown means not checked yet.
const (
	Healthy     Status = "healthy"     // the last check was good and the vendor says so
	Degraded    Status = "degraded"    // served, but something is wrong
	Unavailable Status = "unavailable" // it cannot be determined
	Offline     Status = "offline"     // not accessible
	Unknown     Status = "unknown"     // not checked yet
)

// Statuses lists every state, in the order in which they are shown.
var Statuses = []Status{Healthy, Degraded, Offline, Unavailable, Unknown}

// UnmarshalText refuses a word that is no state, so that one from a store never
// becomes a label.
func (s *Status) UnmarshalText(text []byte) error {
	if !slices.Contains(Statuses, Status(text)) {
		return fmt.Errorf("%.40q is no state of health", text)
	}
	*s = Status(text)
	return nil
}

// Health is the outcome of one health check.
type Health struct {
	Status Status `json:"status"`
	// Info says in words an operator can act on why the status is not
	// healthy; empty when there is nothing to say.
	Info     string            `json:"status_info,omitempty"`
	Backend  string            `json:"backend"`
	Metadata map[string]string `json:"metadata,omitempty"`
	// ReadOnly is whether the volume is mounted read-only; nil where there is
	// no mount to ask.
	ReadOnly *bool `json:"read_only,omitempty"`
	// Silent is whether nothing answered, so that it is the management rather than
	// the volume that is known to be away.
	Silent bool `json:"silent,omitempty"`
}

// Usage is how full a volume is. Nil is "not reported".
type Usage struct {
	CapacityBytes  *uint64 `json:"capacity_bytes,omitempty"`
	UsedBytes      *uint64 `json:"used_bytes,omitempty"`      // capacity less what is free, root's reserve included
	AvailableBytes *uint64 `json:"available_bytes,omitempty"` // to ordinary users
	Inodes         *uint64 `json:"inodes,omitempty"`
	InodesUsed     *uint64 `json:"inodes_used,omitempty"`
}

// Left is what is left of a size; zero where more is used, nil where either is not
// known.
func Left(size, used *uint64) *uint64 {
	if size == nil || used == nil {
		return nil
	}
	return new(*size - min(*used, *size))
}

// Tighter is whether a usage leaves less room than another. Of several limits that hold
// at once, the tightest counts, in whatever order they are listed. What is not known
// comes last.
func (u Usage) Tighter(than Usage) bool {
	return cmp.Or(
		leastFirst(u.AvailableBytes, than.AvailableBytes), leastFirst(u.CapacityBytes, than.CapacityBytes), mostFirst(u.UsedBytes, than.UsedBytes),
		leastFirst(Left(u.Inodes, u.InodesUsed), Left(than.Inodes, than.InodesUsed)), leastFirst(u.Inodes, than.Inodes), mostFirst(u.InodesUsed, than.InodesUsed),
	) < 0
}

// mostFirst orders numbers; nil comes last.
func mostFirst(a, b *uint64) int {
	if a == nil || b == nil {
		return leastFirst(a, b)
	}
	return leastFirst(b, a)
}

// leastFirst orders numbers; nil comes last.
func leastFirst(a, b *uint64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(*a, *b)
}

// Result is one volume's part of an observation.
type Result[T any] struct {
	Value T
	// SampledAt is when the value was measured; zero means now.
	SampledAt time.Time
	// Err is the volume's own error; ErrUnsupported and ErrNoSample are no
	// failures.
	Err error
}

// Intervals is how often a backend's figures change at all; zero means as
// often as asked. A volume is not observed more often.
type Intervals struct {
	Performance, Health, Usage time.Duration
}

// Backend is what is asked in one go: one appliance with its volumes, or one
// mount. The maps are keyed by volume name. An error is about all volumes; a
// failing volume is a Result with Err. A failing volume's health is a Health
// value, not an error. Every method obeys ctx's deadline.
type Backend interface {
	Performance(ctx context.Context) (map[string]Result[Performance], error)
	Health(ctx context.Context) (map[string]Result[Health], error)
	Usage(ctx context.Context) (map[string]Result[Usage], error)
	Intervals() Intervals
	// Close logs out and ends connections.
	Close() error
}
