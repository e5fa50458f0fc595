package cachestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
)

// BreakerConfig is what a breaker is made of. Zeros mean the defaults.
type BreakerConfig struct {
	// OpenFor is how long the store is left alone; 5 s.
	OpenFor time.Duration
}

const (
	// maxFailures in a row open a breaker.
	maxFailures = 2
	// patience is how long a call must have waited for its failure to count when the
	// caller's own deadline ended it. A shorter wait says nothing about the store. A
	// longer one is what the breaker saves, even where the store's own timeout is
	// longer.
	patience = 100 * time.Millisecond
)

// breaker keeps a dead or hung store from costing every caller a timeout.
type breaker struct {
	circuit *gobreaker.CircuitBreaker[any]
}

// errImpatient marks a call that its caller's deadline ended too early: it says
// nothing about the store.
var errImpatient = errors.New("the caller did not wait")

// NewBreaker wraps a store. Lost connections and timeouts (ErrUnavailable)
// open it; then every call but Close returns ErrOpen at once, until one call
// is let through as a probe. An error that the store answers with does not
// open it, and a cancelled caller is not counted, nor what the gate of a lost node
// refuses: that costs nothing, and the other nodes answer.
func NewBreaker(store Store, cfg BreakerConfig) Store {
	openFor := cmp.Or(cfg.OpenFor, 5*time.Second)
	b := &breaker{}
	b.circuit = gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Timeout:      openFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= maxFailures },
		IsSuccessful: func(err error) bool { return !errors.Is(err, ErrUnavailable) },
		IsExcluded: func(err error) bool {
			return errors.Is(err, context.Canceled) || errors.Is(err, errImpatient) ||
				errors.Is(err, ErrBusy) || errors.Is(err, ErrClosed) || errors.Is(err, errShut)
		},
	})
	return &wrapped{Store: store, around: b.do}
}

// do runs one call through the circuit.
func (b *breaker) do(ctx context.Context, _ string, _ []string, call func(context.Context) error) error {
	_, err := b.circuit.Execute(func() (any, error) {
		start := time.Now()
		err := call(ctx)
		if err != nil && ctx.Err() != nil && time.Since(start) < patience {
			err = fmt.Errorf("%w: %w", errImpatient, err)
		}
		return nil, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return ErrOpen
	}
	return err
}
