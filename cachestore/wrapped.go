package cachestore

import (
	"context"
	"time"
)

// wrapped is a store whose calls go through around, but for Close. That makes each
// call once at most; op is its name: get, set, claim, release or ping.
type wrapped struct {
	Store
	around func(ctx context.Context, op string, call func(context.Context) error) error
}

func (w *wrapped) Get(ctx context.Context, keys ...string) (items []Item, err error) {
	err = w.around(ctx, "get", func(ctx context.Context) error {
		items, err = w.Store.Get(ctx, keys...)
		return err
	})
	return items, err
}

func (w *wrapped) Changed(ctx context.Context, known ...Known) (items []Item, err error) {
	err = w.around(ctx, "get", func(ctx context.Context) error {
		items, err = w.Store.Changed(ctx, known...)
		return err
	})
	return items, err
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
