package cache

import "errors"

var (
	// ErrNothing says that an observation went well but has nothing to report
	// yet, or never will. It is no failure and never replaces a snapshot.
	ErrNothing = errors.New("nothing to report")
	// ErrNoSnapshot says that there is no snapshot alive and none came in time.
	ErrNoSnapshot = errors.New("no snapshot")
	// ErrStuck says that an earlier observation outlived its timeout and has
	// not returned, so that no other is started.
	ErrStuck = errors.New("an observation is stuck")
	// ErrTimeout says that an observation outlived its timeout.
	ErrTimeout = errors.New("observation timed out")
	// ErrClosed says that the source was taken away.
	ErrClosed = errors.New("no longer observed")

	// errNotDue says that the source was asked a moment ago, so that a reader
	// gets what was learned then.
	errNotDue = errors.New("not due")
)
