package cachestore

import (
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
	// when it was the caller's own deadline that ended it; 100 ms. Less tells
	// nothing about the store. More is what the breaker exists to save, even
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

// errImpatient marks a call that its caller's deadline ended too early to
// tell anything.
var errImpatient = errors.New("the caller did not wait")

// NewBreaker wraps a store. Lost connections and timeouts (ErrUnavailable)
// open it; then every call but Close returns ErrOpen at once, until one call
// is let through as a probe. An error that the store answers with does not
// open it, and a cancelled caller is not counted.
func NewBreaker(store Store, cfg BreakerConfig) Store {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Failures <= 0 {
		cfg.Failures = 2
	}
	if cfg.OpenFor <= 0 {
		cfg.OpenFor = 5 * time.Second
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 100 * time.Millisecond
	}
	b := &breaker{store: store, logger: cfg.Logger, patience: cfg.Patience}
	b.circuit = gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Timeout: cfg.OpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return int(c.ConsecutiveFailures) >= cfg.Failures
		},
		IsSuccessful: func(err error) bool {
			b.reason = err
			return !errors.Is(err, ErrUnavailable)
		},
		IsExcluded: func(err error) bool {
			return errors.Is(err, context.Canceled) || errors.Is(err, errImpatient) ||
				errors.Is(err, ErrBusy) || errors.Is(err, ErrClosed)
		},
		OnStateChange: func(_ string, from, to gobreaker.State) { b.log(from, to, cfg.OpenFor) },
	})
	return b
}

// log tells when the store was lost and when it is back, not each probe.
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
func (b *breaker) do(ctx context.Context, call func() (any, error)) (any, error) {
	result, err := b.circuit.Execute(func() (any, error) {
		start := time.Now()
		result, err := call()
		if err != nil && ctx.Err() != nil && time.Since(start) < b.patience {
			err = fmt.Errorf("%w: %w", errImpatient, err)
		}
		return result, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return nil, ErrOpen
	}
	return result, err
}

func (b *breaker) Get(ctx context.Context, keys ...string) ([]Item, error) {
	result, err := b.do(ctx, func() (any, error) { return b.store.Get(ctx, keys...) })
	if err != nil {
		return nil, err
	}
	return result.([]Item), nil
}

func (b *breaker) Changed(ctx context.Context, known ...Known) ([]Item, error) {
	result, err := b.do(ctx, func() (any, error) { return b.store.Changed(ctx, known...) })
	if err != nil {
		return nil, err
	}
	return result.([]Item), nil
}

func (b *breaker) Set(ctx context.Context, items ...SetItem) error {
	_, err := b.do(ctx, func() (any, error) { return nil, b.store.Set(ctx, items...) })
	return err
}

func (b *breaker) Claim(ctx context.Context, key, holder string, ttl time.Duration) (bool, error) {
	result, err := b.do(ctx, func() (any, error) { return b.store.Claim(ctx, key, holder, ttl) })
	if err != nil {
		return false, err
	}
	return result.(bool), nil
}

func (b *breaker) Release(ctx context.Context, key, holder string) error {
	_, err := b.do(ctx, func() (any, error) { return nil, b.store.Release(ctx, key, holder) })
	return err
}

func (b *breaker) Ping(ctx context.Context) error {
	_, err := b.do(ctx, func() (any, error) { return nil, b.store.Ping(ctx) })
	return err
}

// Close closes the store whatever the state.
func (b *breaker) Close() error { return b.store.Close() }
