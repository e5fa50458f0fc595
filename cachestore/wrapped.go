package cachestore

import (
	"context"
	"time"
)

// ops are the calls of a store. A Changed is a get.
var ops = []string{"get", "set", "claim", "release", "ping", "append", "newest", "mark", "marked", "swap"}

// wrapped is a store whose calls go through around, but for Close. That makes each
// call once at most; op is its name, one of ops, and keys are what it is about.
type wrapped struct {
	Store
	around func(ctx context.Context, op string, keys []string, call func(context.Context) error) error
	// part, if set, is the outcome for around of a read that went well as a whole.
	part func(keys []string, items []Item) error
}

// ofNodes is a store whose keys lie on several nodes, some of which may be lost while
// the others answer.
type ofNodes interface {
	// nodeOf is where a key lies, as far as is known without asking.
	nodeOf(key string) string
}

func (w *wrapped) nodeOf(key string) string {
	if s, ok := w.Store.(ofNodes); ok {
		return s.nodeOf(key)
	}
	return ""
}

// read is a Get or a Changed.
func (w *wrapped) read(ctx context.Context, keys []string, call func(context.Context) ([]Item, error)) (items []Item, err error) {
	around := w.around(ctx, "get", keys, func(ctx context.Context) error {
		if items, err = call(ctx); err == nil && w.part != nil {
			return w.part(keys, items)
		}
		return err
	})
	if err == nil && items == nil { // not called
		err = around
	}
	return items, err
}

func (w *wrapped) Get(ctx context.Context, keys ...string) ([]Item, error) {
	return w.read(ctx, keys, func(ctx context.Context) ([]Item, error) { return w.Store.Get(ctx, keys...) })
}

func (w *wrapped) Changed(ctx context.Context, known ...Known) ([]Item, error) {
	keys := make([]string, len(known))
	for i, k := range known {
		keys[i] = k.Key
	}
	return w.read(ctx, keys, func(ctx context.Context) ([]Item, error) { return w.Store.Changed(ctx, known...) })
}

func (w *wrapped) Set(ctx context.Context, items ...SetItem) error {
	keys := make([]string, len(items))
	for i, it := range items {
		keys[i] = it.Key
	}
	return w.around(ctx, "set", keys, func(ctx context.Context) error { return w.Store.Set(ctx, items...) })
}

func (w *wrapped) Claim(ctx context.Context, key, holder string, ttl time.Duration) (held bool, err error) {
	err = w.around(ctx, "claim", []string{key}, func(ctx context.Context) error {
		held, err = w.Store.Claim(ctx, key, holder, ttl)
		return err
	})
	return held, err
}

func (w *wrapped) Release(ctx context.Context, key, holder string) error {
	return w.around(ctx, "release", []string{key}, func(ctx context.Context) error { return w.Store.Release(ctx, key, holder) })
}

func (w *wrapped) Ping(ctx context.Context) error { return w.around(ctx, "ping", nil, w.Store.Ping) }

func (w *wrapped) Append(ctx context.Context, stream string, most int, value []byte) (id string, err error) {
	err = w.around(ctx, "append", []string{stream}, func(ctx context.Context) error {
		id, err = w.Store.Append(ctx, stream, most, value)
		return err
	})
	return id, err
}

func (w *wrapped) Newest(ctx context.Context, stream, before string, n int) (entries []Appended, err error) {
	err = w.around(ctx, "newest", []string{stream}, func(ctx context.Context) error {
		entries, err = w.Store.Newest(ctx, stream, before, n)
		return err
	})
	return entries, err
}

func (w *wrapped) Mark(ctx context.Context, set, member string, keep time.Duration) error {
	return w.around(ctx, "mark", []string{set}, func(ctx context.Context) error { return w.Store.Mark(ctx, set, member, keep) })
}

func (w *wrapped) Marked(ctx context.Context, set string, n int) (members []Member, err error) {
	err = w.around(ctx, "marked", []string{set}, func(ctx context.Context) error {
		members, err = w.Store.Marked(ctx, set, n)
		return err
	})
	return members, err
}

func (w *wrapped) Swap(ctx context.Context, key string, old, next []byte, ttl time.Duration) (swapped bool, current []byte, err error) {
	err = w.around(ctx, "swap", []string{key}, func(ctx context.Context) error {
		swapped, current, err = w.Store.Swap(ctx, key, old, next, ttl)
		return err
	})
	return swapped, current, err
}
