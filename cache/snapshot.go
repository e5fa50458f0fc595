package cache

import "time"

// Lookup says how a snapshot was found, in the words of the X-Cache header.
type Lookup int

// From best to worst, so that the lookup of a whole is the largest of its parts.
const (
	Hit   Lookup = iota // put within the interval and a grace
	Stale               // put longer ago, still alive; a refresh has been started
	Miss                // nothing was there: observed for this reader
)

// String returns HIT, STALE or MISS.
func (l Lookup) String() string {
	switch l {
	case Hit:
		return "HIT"
	case Stale:
		return "STALE"
	default:
		return "MISS"
	}
}

// Snapshot is what one observation learned, as a reader gets it.
type Snapshot[T any] struct {
	// Value is shared by all readers: nobody may change it.
	Value *T
	// ObservedAt is the observer's wall clock, for display only: hosts'
	// clocks differ. Never compute an age from it.
	ObservedAt time.Time
	// Age is how long ago the value was sampled, by the store's clock or this
	// process's monotonic clock.
	Age time.Duration
	// Lookup says how the snapshot was found.
	Lookup Lookup
	// Revision changes with every new snapshot of the entry, and only then,
	// so that what was made of a value can be remembered. Unique within the
	// process, above zero.
	Revision uint64
	// Mine says that this process has put the snapshot; otherwise it was read from
	// the store.
	Mine bool
}

// Result is one entry's part of GetAll: a snapshot, or why there is none.
type Result[T any] struct {
	Snapshot Snapshot[T]
	Err      error
}
