package cachestore

import "errors"

var (
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrUnavailable says that the store could not be reached or did not
	// answer in time. It is what opens a Breaker; an error that the store
	// answers with is none of these.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrBusy says that all connections to the store are in use. It tells
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
