package rest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Memo keeps a fact that changes seldom, or that several observations need at the
// same time. The first caller fetches it, the others wait.
type Memo[T any] struct {
	every, longest time.Duration
	fetch          func(context.Context) (T, error)

	held *share // what last takes

	turn chan struct{} // holds the right to the fields below
	have bool
	last T
	at   time.Time // when last was fetched
	err  error     // of the newest fetch
	next time.Time // no fetch before
}

// NewMemo makes an empty memo that fetches at most once in the time every. When a
// fetch fails, or its caller's time is over, the last value serves until it is older
// than longest; with zero it does not. A failure is kept for a tenth of every; 403
// and 404 are kept for all of it.
//
// What all memos keep is bounded. When that is too much, the largest forgets its fact
// and fails instead.
func NewMemo[T any](every, longest time.Duration, fetch func(context.Context) (T, error)) *Memo[T] {
	held := memos.add(func(error) {}) // Get finds out
	m := &Memo[T]{every: every, longest: longest, fetch: fetch, held: held, turn: make(chan struct{}, 1)}
	runtime.AddCleanup(m, (*share).close, held)
	return m
}

// memos is one for the process, as together is.
var memos = newBudget(maxHeld)

// maxHeld bounds what all memos keep, in bytes.
const maxHeld = 6 << 20

var errHeld = &Error{Kind: ErrBadAnswer, text: fmt.Sprintf("what the appliances answer takes more than %d MiB together, and this answer the most", maxHeld>>20)}

// Within bounds a fetch, so that what is only good to know takes nothing from the time
// of what is needed.
func Within[T any](limit time.Duration, fetch func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return fetch(ctx)
	}
}

// Get returns the fact and when it was fetched. Nobody may change what the value
// points to.
func (m *Memo[T]) Get(ctx context.Context) (value T, at time.Time, err error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return value, at, ctx.Err()
	}
	if m.have && m.held.isLost() {
		var nothing T
		m.last, m.have, m.err = nothing, false, errHeld
	}
	if now := time.Now(); !now.Before(m.next) {
		fresh, err := m.fetch(ctx)
		if err == nil && m.held.set(sizeOf(fresh)) != nil {
			err = errHeld
		}
		switch {
		case err == nil:
			m.last, m.at, m.have, m.err = fresh, time.Now(), true, nil
			m.next = m.at.Add(m.every)
		case ctx.Err() != nil: // says nothing to those who wait
			if m.have && time.Since(m.at) <= m.longest {
				return m.last, m.at, nil
			}
			return value, at, err
		default:
			m.err = err
			m.next = time.Now().Add(m.every / 10)
			if errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) {
				m.next = time.Now().Add(m.every)
			}
		}
	}
	if m.err != nil && (!m.have || time.Since(m.at) > m.longest) {
		return value, at, m.err
	}
	return m.last, m.at, nil
}
