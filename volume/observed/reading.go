package observed

import (
	"context"
	"sync"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
)

// Reading is what is known of one volume: the snapshot of its Backend, which all hosts
// share, joined with that of the mount on this host where one is required. It is
// joined when it is read, so that one host's mount is nobody else's.
type Reading[T any] struct {
	own   *cache.Entry[T]
	mount *cache.Entry[volume.Mounted] // nil where none is required
	join  func(own cache.Result[T], mount cache.Result[volume.Mounted]) cache.Result[T]
}

// Get reads it, and observes what is missing until ctx ends.
func (r *Reading[T]) Get(ctx context.Context) (cache.Snapshot[T], error) {
	result := GetAll(ctx, []*Reading[T]{r})[0]
	return result.Snapshot, result.Err
}

// Peek is what this process has: it asks neither the store nor a source.
func (r *Reading[T]) Peek() cache.Result[T] {
	if r.mount == nil {
		return r.own.Peek()
	}
	return r.join(r.own.Peek(), r.mount.Peek())
}

// Last is the newest snapshot of the volume's Backend that this process has made or
// read, even one that is too old to be served; false when there is none.
func (r *Reading[T]) Last() (cache.Snapshot[T], bool) { return r.own.Last() }

// complete is whether each part was known once.
func (r *Reading[T]) complete() bool {
	_, own := r.own.Last()
	if r.mount == nil {
		return own
	}
	_, mount := r.mount.Last()
	return own && mount
}

// onChange registers a function that is called, one call after the other, when a part
// has a new snapshot. mine is whether this process has made the one that says who looks
// after the volume: of what is joined, that is the mount's.
func (r *Reading[T]) onChange(f func(result cache.Result[T], mine bool)) {
	var changing sync.Mutex
	changed := func(mine bool) {
		changing.Lock()
		defer changing.Unlock()
		f(r.Peek(), mine)
	}
	if r.mount == nil {
		r.own.OnChange(func(s cache.Snapshot[T]) { f(cache.Result[T]{Snapshot: s}, s.Mine) })
		return
	}
	r.own.OnChange(func(cache.Snapshot[T]) { changed(false) })
	r.mount.OnChange(func(s cache.Snapshot[volume.Mounted]) { changed(s.Mine) })
}

// GetAll reads many at once, in their order. Waiting for one costs the others no time.
func GetAll[T any](ctx context.Context, readings []*Reading[T]) []cache.Result[T] {
	own := make([]*cache.Entry[T], len(readings))
	var mounts []*cache.Entry[volume.Mounted]
	for i, r := range readings {
		own[i] = r.own
		if r.mount != nil {
			mounts = append(mounts, r.mount)
		}
	}
	var seen []cache.Result[volume.Mounted]
	var looking sync.WaitGroup
	if len(mounts) > 0 {
		looking.Go(func() { seen = cache.GetAll(ctx, mounts) })
	}
	results := cache.GetAll(ctx, own)
	looking.Wait()
	for i, r := range readings {
		if r.mount != nil {
			results[i], seen = r.join(results[i], seen[0]), seen[1:]
		}
	}
	return results
}

// Shown is the health that a reading came to, as all show it: a volume that was never
// checked, or of which nothing is alive, is unknown, and info says why. at is when it
// was checked, in UTC; nil: it was not.
func Shown(r cache.Result[volume.Health]) (status volume.Status, info string, at *time.Time) {
	if r.Err != nil {
		return volume.Unknown, r.Err.Error(), nil
	}
	return r.Snapshot.Value.Status, r.Snapshot.Value.Info, new(r.Snapshot.ObservedAt.UTC())
}
