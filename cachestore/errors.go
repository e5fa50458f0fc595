package cachestore

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrUnavailable says that the store could not be reached or did not
	// answer in time. It opens a Breaker; an error that the store answers with
	// does not.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrBusy says that all connections to the store are in use. It says
	// nothing about the store itself.
	ErrBusy = errors.New("all connections to the store are in use")
	// ErrOpen says that the breaker is open: the store was not asked.
	ErrOpen = errors.New("store is not asked after repeated failures")
	// ErrNoExpiry is the error of a key that never expires: this exporter did
	// not write it, and how old its value is cannot be known.
	ErrNoExpiry = errors.New("key has no expiry")
	// ErrFull says that a store in memory has reached its limits.
	ErrFull = errors.New("store is full")
	// ErrInUse says that another process has the cache file open.
	ErrInUse = errors.New("in use by another process")
	// ErrTTL says that a lifetime is not above zero.
	ErrTTL = errors.New("ttl is not above zero")
)

// ofKey is what went wrong with one key of several.
type ofKey struct {
	key string
	error
}

func (e *ofKey) Unwrap() error { return e.error }

// notSet says that some of several items were not set, as their node of a cluster is
// out of reach. The store as a whole is not, so it is not ErrUnavailable.
type notSet struct {
	failed, of int
	cause      error
}

func (e *notSet) Error() string {
	return fmt.Sprintf("%d of %d items not set: %v", e.failed, e.of, e.cause)
}

// causeOf is what is wrong, for who says so and looks after it.
func causeOf(err error) error {
	var some *notSet
	if errors.As(err, &some) {
		return some.cause
	}
	return err
}

// refusals are the errors of the items that a Set could not put.
type refusals []error

func (r *refusals) add(key string, err error) {
	if err != nil {
		*r = append(*r, &ofKey{key, fmt.Errorf("%s: %w", key, err)})
	}
}

// err is one error for all refusals among n items. The store's own error goes
// before one of the caller's making.
func (r refusals) err(n int) error {
	if len(r) == 0 {
		return nil
	}
	err := r[0]
	for _, e := range r {
		if !errors.Is(e, ErrTooLarge) && !errors.Is(e, ErrTTL) {
			err = e
			break
		}
	}
	switch {
	case n == 1:
		return err
	case len(r) < n && errors.Is(err, ErrUnavailable):
		return &notSet{len(r), n, err}
	default:
		return fmt.Errorf("%d of %d items not set: %w", len(r), n, err)
	}
}
