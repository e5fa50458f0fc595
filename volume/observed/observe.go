package observed

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"storage_exporter/cache"
	"storage_exporter/internal/outside"
	"storage_exporter/volume"
)

// errNotReported says that a Backend left a volume out.
var errNotReported = errors.New("the backend did not report this volume")

// rounds are the observations of one source.
type rounds struct {
	group *group

	mu       sync.Mutex // guards outcomes
	outcomes []error    // of the volumes, set when a round returns; nil before
}

// ask lends the Backend to f, unless it was closed.
func (r *rounds) ask(f func(volume.Backend) error) error {
	r.group.use.RLock()
	defer r.group.use.RUnlock()
	if r.group.closed {
		return cache.ErrClosed
	}
	return f(r.group.backend)
}

func (r *rounds) performance(ctx context.Context, round *cache.Round) error {
	return figures(ctx, r, volume.Backend.Performance, func(v *Volume, p volume.Result[volume.Performance]) {
		if p.Err != nil {
			v.Performance.Fail(round, p.Err)
			return
		}
		v.Performance.Put(round, &PerfMetric{VolumeName: v.Name, Metric: p.Value}, p.SampledAt)
	})
}

func (r *rounds) usage(ctx context.Context, round *cache.Round) error {
	return figures(ctx, r, volume.Backend.Usage, func(v *Volume, u volume.Result[volume.Usage]) {
		if u.Err != nil {
			v.usagePut.Fail(round, u.Err)
			return
		}
		v.usagePut.Put(round, &u.Value, u.SampledAt)
	})
}

// figures asks the Backend for performance or usage, and stores each volume's part.
func figures[T any](ctx context.Context, r *rounds, get func(volume.Backend, context.Context) (map[string]volume.Result[T], error),
	store func(*Volume, volume.Result[T]),
) error {
	r.outcome(nil)
	return r.ask(func(b volume.Backend) error {
		results, err := get(b, ctx)
		err = quiet(err)
		errs := make([]error, len(r.group.volumes))
		for i, v := range r.group.volumes {
			result := resultOf(results, err, v.Name)
			errs[i] = result.Err
			store(v, result)
		}
		r.outcome(errs)
		return whole(err, errs)
	})
}

// silent is the error of a health check that has not ended in time.
type silent string

func (s silent) Error() string { return string(s) }

func (silent) Unwrap() error { return context.DeadlineExceeded }

// withMargin ends a moment before ctx, so that a Backend which obeys its deadline can
// still say what had no answer.
func withMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/50))
}

// health stores a value for every volume, also when nothing answers. At the deadline
// it does not wait for the Backend to return.
func (r *rounds) health(ctx context.Context, round *cache.Round) error {
	return r.ask(func(b volume.Backend) error {
		begun, said := time.Now(), make(chan struct{})
		inTime := context.AfterFunc(ctx, func() {
			defer close(said)
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				_ = r.putHealth(round, nil, silent(fmt.Sprintf("%s: health: no answer within %v", r.group.name(), time.Since(begun).Round(100*time.Millisecond))))
			}
		})
		within, cancel := withMargin(ctx)
		defer cancel()
		results, err := b.Health(within)
		err = quiet(err)
		late := !inTime()
		if late {
			<-said
		}
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return ctx.Err() // we are stopping: that says nothing about the volumes
		case late && err != nil:
			return err // what it means is said
		}
		return r.putHealth(round, results, err)
	})
}

func (r *rounds) putHealth(round *cache.Round, results map[string]volume.Result[volume.Health], err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	for _, v := range r.group.volumes {
		result := resultOf(results, err, v.Name)
		switch {
		case errors.Is(result.Err, cache.ErrNothing), errors.Is(result.Err, context.Canceled):
			v.healthPut.Fail(round, result.Err)
			continue
		case result.Err != nil:
			status, info := volume.Diagnose(result.Err)
			result = volume.Result[volume.Health]{Value: volume.Health{Status: status, Info: info, Silent: status == volume.Offline}}
		}
		shown := printable(result.Value)
		shown.Backend = v.Backend
		v.healthPut.Put(round, &shown, result.SampledAt)
	}
	if errors.Is(err, cache.ErrNothing) {
		return err
	}
	return nil
}

// printable is a volume's health in words that can be shown: the kernel, a daemon or an
// appliance has said them.
func printable(h volume.Health) volume.Health {
	h.Info = outside.Printable(h.Info)
	h.Metadata = maps.Clone(h.Metadata)
	for name, value := range h.Metadata {
		h.Metadata[name] = outside.Printable(value)
	}
	return h
}

// resultOf is one volume's part of what a Backend returned.
func resultOf[T any](results map[string]volume.Result[T], err error, name string) volume.Result[T] {
	if err != nil {
		return volume.Result[T]{Err: err}
	}
	result, ok := results[name]
	if !ok {
		result.Err = errNotReported
	}
	result.Err = quiet(result.Err)
	return result
}

// quiet marks the errors that are no failure, for the cache: that nothing can be
// measured.
func quiet(err error) error {
	if errors.Is(err, volume.ErrUnsupported) || errors.Is(err, volume.ErrNoSample) {
		return fmt.Errorf("%w: %w", err, cache.ErrNothing)
	}
	return err
}

// whole is the error of a round as a whole: the Backend's own, or the first
// failure where no volume has anything to show.
func whole(err error, errs []error) error {
	if err != nil {
		return err
	}
	var first error
	for _, err := range errs {
		switch {
		case err == nil:
			return nil
		case first == nil || errors.Is(first, cache.ErrNothing):
			first = err
		}
	}
	return first
}

func (r *rounds) outcome(errs []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes = errs
}

// done counts a performance observation for each of its volumes. A round that
// did not return in time has no outcomes: it failed for all.
func (r *rounds) done(err error, elapsed time.Duration) {
	r.mu.Lock()
	outcomes := r.outcomes
	r.outcomes = nil
	r.mu.Unlock()
	for i, v := range r.group.volumes {
		if outcomes == nil {
			v.watch.observed(err, elapsed)
			continue
		}
		v.watch.observed(outcomes[i], elapsed)
	}
}
