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

// refusals are the errors of the items that a Set could not put.
type refusals []error

func (r *refusals) add(key string, err error) {
	if err != nil {
		*r = append(*r, fmt.Errorf("%s: %w", key, err))
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
		// A node of a cluster is out of reach. The store as a whole is not.
		return fmt.Errorf("%d of %d items not set: %s", len(r), n, err.Error())
	default:
		return fmt.Errorf("%d of %d items not set: %w", len(r), n, err)
	}
}
