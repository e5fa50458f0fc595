package cachestore

import (
	"context"
	"time"
)

// ops are the calls of a store. A Changed is a get.
var ops = []string{"get", "set", "claim", "release", "ping", "append", "newest", "mark", "marked", "swap"}

// wrapped is a store whose calls go through around, but for Close. That makes each
// call once at most; op is its name, one of ops.
type wrapped struct {
	Store
	around func(ctx context.Context, op string, call func(context.Context) error) error
	// part, if set, is the outcome for around of a read that went well as a whole.
	part func([]Item) error
}

// read is a Get or a Changed.
func (w *wrapped) read(ctx context.Context, call func(context.Context) ([]Item, error)) (items []Item, err error) {
	around := w.around(ctx, "get", func(ctx context.Context) error {
		if items, err = call(ctx); err == nil && w.part != nil {
			return w.part(items)
		}
		return err
	})
	if err == nil && items == nil { // not called
		err = around
	}
	return items, err
}

func (w *wrapped) Get(ctx context.Context, keys ...string) ([]Item, error) {
	return w.read(ctx, func(ctx context.Context) ([]Item, error) { return w.Store.Get(ctx, keys...) })
}

func (w *wrapped) Changed(ctx context.Context, known ...Known) ([]Item, error) {
	return w.read(ctx, func(ctx context.Context) ([]Item, error) { return w.Store.Changed(ctx, known...) })
}

func (w *wrapped) Set(ctx context.Context, items ...SetItem) error {
	return w.around(ctx, "set", func(ctx context.Context) error { return w.Store.Set(ctx, items...) })
}

func (w *wrapped) Claim(ctx context.Context, key, holder string, ttl time.Duration) (held bool, err error) {
	err = w.around(ctx, "claim", func(ctx context.Context) error {
		held, err = w.Store.Claim(ctx, key, holder, ttl)
		return err
	})
	return held, err
}

func (w *wrapped) Release(ctx context.Context, key, holder string) error {
	return w.around(ctx, "release", func(ctx context.Context) error { return w.Store.Release(ctx, key, holder) })
}

func (w *wrapped) Ping(ctx context.Context) error { return w.around(ctx, "ping", w.Store.Ping) }

func (w *wrapped) Append(ctx context.Context, stream string, most int, value []byte) (id string, err error) {
	err = w.around(ctx, "append", func(ctx context.Context) error {
		id, err = w.Store.Append(ctx, stream, most, value)
		return err
	})
	return id, err
}

func (w *wrapped) Newest(ctx context.Context, stream, before string, n int) (entries []Appended, err error) {
	err = w.around(ctx, "newest", func(ctx context.Context) error {
		entries, err = w.Store.Newest(ctx, stream, before, n)
		return err
	})
	return entries, err
}

func (w *wrapped) Mark(ctx context.Context, set, member string, keep time.Duration) error {
	return w.around(ctx, "mark", func(ctx context.Context) error { return w.Store.Mark(ctx, set, member, keep) })
}

func (w *wrapped) Marked(ctx context.Context, set string, n int) (members []Member, err error) {
	err = w.around(ctx, "marked", func(ctx context.Context) error {
		members, err = w.Store.Marked(ctx, set, n)
		return err
	})
	return members, err
}

func (w *wrapped) Swap(ctx context.Context, key string, old, next []byte, ttl time.Duration) (swapped bool, current []byte, err error) {
	err = w.around(ctx, "swap", func(ctx context.Context) error {
		swapped, current, err = w.Store.Swap(ctx, key, old, next, ttl)
		return err
	})
	return swapped, current, err
}
