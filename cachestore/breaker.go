package cachestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"
)

// BreakerConfig is what a Breaker is made of. Zeros mean the defaults.
type BreakerConfig struct {
	Logger *slog.Logger
	// Failures in a row that open the breaker; 2.
	Failures int
	// OpenFor is how long the store is left alone; 5 s.
	OpenFor time.Duration
	// Patience is how long a call must have waited for its failure to count
	// when the caller's own deadline ended it; 100 ms. A shorter wait says
	// nothing about the store. A longer one is what the breaker saves, even
	// where the store's own timeout is longer.
	Patience time.Duration
}

// breaker keeps a dead or hung store from costing every caller a timeout.
type breaker struct {
	store    Store
	logger   *slog.Logger
	patience time.Duration
	circuit  *gobreaker.CircuitBreaker[any]
	reason   error // what failed last; under the circuit's lock
}

// errImpatient marks a call that its caller's deadline ended too early: it says
// nothing about the store.
var errImpatient = errors.New("the caller did not wait")

// NewBreaker wraps a store. Lost connections and timeouts (ErrUnavailable)
// open it; then every call but Close returns ErrOpen at once, until one call
// is let through as a probe. An error that the store answers with does not
// open it, and a cancelled caller is not counted.
func NewBreaker(store Store, cfg BreakerConfig) Store {
	failures, openFor := cmp.Or(cfg.Failures, 2), cmp.Or(cfg.OpenFor, 5*time.Second)
	b := &breaker{store: store, logger: cfg.Logger, patience: cmp.Or(cfg.Patience, 100*time.Millisecond)}
	if b.logger == nil {
		b.logger = slog.New(slog.DiscardHandler)
	}
	b.circuit = gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Timeout:     openFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= failures },
		IsSuccessful: func(err error) bool {
			b.reason = err
			return !errors.Is(err, ErrUnavailable)
		},
		IsExcluded: func(err error) bool {
			return errors.Is(err, context.Canceled) || errors.Is(err, errImpatient) ||
				errors.Is(err, ErrBusy) || errors.Is(err, ErrClosed)
		},
		OnStateChange: func(_ string, from, to gobreaker.State) { b.log(from, to, openFor) },
	})
	return b
}

// log says when the store was lost and when it is back, not each probe.
func (b *breaker) log(from, to gobreaker.State, openFor time.Duration) {
	switch {
	case from == gobreaker.StateClosed && to == gobreaker.StateOpen:
		b.logger.Warn("cache store is unavailable, going on without it",
			"err", b.reason, "retry_seconds", openFor.Seconds())
	case to == gobreaker.StateClosed:
		b.logger.Info("cache store is available again")
	}
}

// do runs one call through the circuit.
func do[T any](ctx context.Context, b *breaker, call func() (T, error)) (T, error) {
	result, err := b.circuit.Execute(func() (any, error) {
		start := time.Now()
		result, err := call()
		if err != nil && ctx.Err() != nil && time.Since(start) < b.patience {
			err = fmt.Errorf("%w: %w", errImpatient, err)
		}
		return result, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		err = ErrOpen
	}
	value, _ := result.(T)
	return value, err
}

func (b *breaker) Get(ctx context.Context, keys ...string) ([]Item, error) {
	return do(ctx, b, func() ([]Item, error) { return b.store.Get(ctx, keys...) })
}

func (b *breaker) Changed(ctx context.Context, known ...Known) ([]Item, error) {
	return do(ctx, b, func() ([]Item, error) { return b.store.Changed(ctx, known...) })
}

func (b *breaker) Set(ctx context.Context, items ...SetItem) error {
	_, err := do(ctx, b, func() (any, error) { return nil, b.store.Set(ctx, items...) })
	return err
}

func (b *breaker) Claim(ctx context.Context, key, holder string, ttl time.Duration) (bool, error) {
	return do(ctx, b, func() (bool, error) { return b.store.Claim(ctx, key, holder, ttl) })
}

func (b *breaker) Release(ctx context.Context, key, holder string) error {
	_, err := do(ctx, b, func() (any, error) { return nil, b.store.Release(ctx, key, holder) })
	return err
}

func (b *breaker) Ping(ctx context.Context) error {
	_, err := do(ctx, b, func() (any, error) { return nil, b.store.Ping(ctx) })
	return err
}

// Close closes the store whatever the state.
func (b *breaker) Close() error { return b.store.Close() }
