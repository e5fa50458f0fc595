package cachestore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The bounds of a Ledger.
const (
	// MaxLedgerValue bounds what is appended or swapped, in bytes.
	MaxLedgerValue = 64 << 10
	// MaxMember bounds the name of a member, in bytes.
	MaxMember = 256
	// MaxMembers bounds a set: of more, those that were marked last are kept.
	MaxMembers = 50_000
	// MaxNewest is how many entries of a stream are read in one call at most.
	MaxNewest = 256
	// StreamLife is how long a stream is kept after its last entry, in Redis.
	StreamLife = 30 * 24 * time.Hour
)

var (
	// ErrLedgerValue says that a value is above MaxLedgerValue.
	ErrLedgerValue = errors.New("value is larger than 64 KiB")
	// ErrMember says that the name of a member is empty or above MaxMember.
	ErrMember = errors.New("name is not 1 to 256 bytes")
	// ErrID says that a text is no id of an entry of a stream.
	ErrID = errors.New("no id of an entry, which is two numbers with a dash")
	// ErrNoValue is the error of an entry that this exporter did not write.
	ErrNoValue = errors.New("entry has no value")
)

// Ledger is the part of a Store that replicas agree by: streams of what happened, sets
// of who was there, and values that are changed by comparison. Each call is about one
// key, so that it works in a cluster. A stream, a set and a value cannot share a key.
type Ledger interface {
	// Append adds value to a stream, of which about most entries are kept, and
	// returns the entry's id. Later entries have greater ids.
	Append(ctx context.Context, stream string, most int, value []byte) (id string, err error)
	// Newest returns up to n entries of a stream, MaxNewest at most, the newest
	// first: those before the one with that id, or all where before is empty.
	Newest(ctx context.Context, stream, before string, n int) ([]Appended, error)
	// Mark notes that member is there now, by the store's clock, and drops the
	// members that were last marked longer than keep ago. The set lives for keep.
	Mark(ctx context.Context, set, member string, keep time.Duration) error
	// Marked returns up to n members of a set, MaxMembers at most, those that were
	// marked last first.
	Marked(ctx context.Context, set string, n int) ([]Member, error)
	// Swap puts next under key for ttl if the value there is old; an old of nil
	// stands for no value. current is what is there now, nil if nothing is. What
	// File keeps, it writes soon.
	Swap(ctx context.Context, key string, old, next []byte, ttl time.Duration) (swapped bool, current []byte, err error)
}

// Appended is an entry of a stream.
type Appended struct {
	ID    string
	Value []byte
	// Err is this entry's own error, such as a value that is too large.
	Err error
}

// Member is a member of a set.
type Member struct {
	Name string
	// Age is how long ago it was marked, by the store's clock; never below zero.
	Age time.Duration
	// Err is this member's own error; then it has no name.
	Err error
}

// entryID is the id of an entry: the milliseconds of its time, and a number.
type entryID struct{ ms, seq uint64 }

func (id entryID) String() string { return fmt.Sprintf("%d-%d", id.ms, id.seq) }

// before is the greatest id that is less.
func (id entryID) before() entryID {
	switch {
	case id.seq > 0:
		return entryID{id.ms, id.seq - 1}
	case id.ms > 0:
		return entryID{id.ms - 1, math.MaxUint64}
	}
	return id // no entry has the id 0-0
}

func (id entryID) less(other entryID) bool {
	return id.ms < other.ms || id.ms == other.ms && id.seq < other.seq
}

func parseID(text string) (entryID, error) {
	before, after, _ := strings.Cut(text, "-")
	ms, err := strconv.ParseUint(before, 10, 64)
	if err != nil {
		return entryID{}, ErrID
	}
	seq, err := strconv.ParseUint(after, 10, 64)
	if err != nil {
		return entryID{}, ErrID
	}
	return entryID{ms, seq}, nil
}

// lastBefore is the greatest id that Newest may return.
func lastBefore(before string) (entryID, error) {
	if before == "" {
		return entryID{math.MaxUint64, math.MaxUint64}, nil
	}
	id, err := parseID(before)
	return id.before(), err
}

// checkLedger is what every Ledger checks before it puts something.
func checkLedger(value []byte, ttl time.Duration) error {
	switch {
	case len(value) > MaxLedgerValue:
		return ErrLedgerValue
	case ttl <= 0:
		return ErrTTL
	}
	return nil
}

func checkMember(name string, keep time.Duration) error {
	if name == "" || len(name) > MaxMember {
		return ErrMember
	}
	return checkLedger(nil, keep)
}

// isLedgerError says whether the error of a Ledger's call is about its key or its
// caller, not about the store.
func isLedgerError(op string, err error) bool {
	switch op {
	case "append", "newest", "mark", "marked", "swap":
		return IsKeyError(err) || errors.Is(err, ErrLedgerValue) || errors.Is(err, ErrMember) || errors.Is(err, ErrID)
	}
	return false
}
