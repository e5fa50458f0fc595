// Package cachestore keeps bytes under keys with a lifetime: in memory, in a
// file, or in Redis. It knows nothing of what the bytes mean.
package cachestore

import (
	"context"
	"errors"
	"time"
)

// MaxValueSize bounds a value, in bytes. Set refuses more with ErrTooLarge and
// Get treats a larger value as an error of its key.
const MaxValueSize = 16 << 20

// ErrTooLarge says that a value is above MaxValueSize, or what the caller allows.
var ErrTooLarge = errors.New("value is larger than 16 MiB, or than its reader allows")

// Item is what Get found under one key.
type Item struct {
	// Value is nil when there is no such key. It may be shared with the store
	// and with other readers: nobody may change it.
	Value []byte
	// TTL is the remaining life; 0 when Value is nil.
	TTL time.Duration
	// Err is this key's own error, such as a value of the wrong type.
	Err error
}

// Known is a key and what the caller knows of it.
type Known struct {
	Key string
	// Until is when the value that the caller has expires; zero when it has none.
	Until time.Time
	// Most bounds the value, in bytes: a larger one is an error of its key. 0 stands
	// for MaxValueSize.
	Most int
}

func (k Known) most() int {
	if k.Most > 0 && k.Most < MaxValueSize {
		return k.Most
	}
	return MaxValueSize
}

// has says whether a value that lives for another ttl is the one the caller
// has. Two values that were put at the same moment count as one.
func (k Known) has(now time.Time, ttl time.Duration) bool {
	const slack = 100 * time.Millisecond // an answer may take as long to arrive
	return !k.Until.IsZero() && ttl > 0 && now.Add(ttl).Sub(k.Until).Abs() <= slack
}

// SetItem is what Set puts under one key.
type SetItem struct {
	Key string
	// Value must not be changed afterwards.
	Value []byte
	// TTL is above zero.
	TTL time.Duration
	// Irreplaceable marks what cannot be observed again when it is lost, such
	// as the report of a drive that sleeps.
	Irreplaceable bool
}

// Store keeps bytes with a lifetime. Every method may be called from many
// goroutines. A context without a deadline gets the store's own short one.
type Store interface {
	// Get returns an Item for each key, in the order of keys, in one round
	// trip. A missing key is no error. The error is about the store as a
	// whole: then there are no items.
	Get(ctx context.Context, keys ...string) ([]Item, error)
	// Changed is a cheap Get for a caller who knows most of the values: an item
	// whose value expires when the caller's does has its TTL, but no Value. It
	// takes a second round trip for what is new.
	Changed(ctx context.Context, known ...Known) ([]Item, error)
	// Set puts each item, in one round trip. An item that is refused costs the
	// others nothing. The error joins what was refused, or is about the store as
	// a whole.
	Set(ctx context.Context, items ...SetItem) error
	// Claim takes key for holder unless another holder has it, and reports
	// whether holder has it now. Claiming again renews the claim for ttl.
	Claim(ctx context.Context, key, holder string, ttl time.Duration) (bool, error)
	// Release gives a claim up; it does nothing when the claim is not
	// holder's (any more).
	Release(ctx context.Context, key, holder string) error
	// Ping asks whether the store can be reached.
	Ping(ctx context.Context) error
	// Close ends the store's connections and goroutines, and flushes what is
	// to be kept.
	Close() error

	Ledger
}
