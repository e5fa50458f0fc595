package cache

import (
	"context"
	"encoding/json"
	"time"

	"storage_exporter/cachestore"
)

// Publication is a value that lies in the store for readers in other processes.
// No entry of this process reads it.
type Publication struct {
	Key, Origin string
	ObservedAt  time.Time     // the wall clock, for display
	Age         time.Duration // of the value's oldest part
	TTL         time.Duration // above zero
}

// Publish puts the value into the store as a snapshot. It obeys ctx and takes no
// longer than a call of the store may.
func Publish[T any](ctx context.Context, c *Cache, p Publication, value *T) error {
	raw, _, err := c.seal(p.Origin, p.ObservedAt, p.Age, p.TTL, value)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.StoreTimeout)
	defer cancel()
	return c.cfg.Store.Set(ctx, cachestore.SetItem{Key: p.Key, Value: raw, TTL: p.TTL})
}

// Published is what another process has published under a key: the value's own JSON, of
// at most that many bytes, and how old it is by the store's clock. raw is nil where
// there is nothing.
func Published(ctx context.Context, c *Cache, key, origin string, most int) (raw json.RawMessage, age time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.StoreTimeout)
	defer cancel()
	items, err := c.cfg.Store.Changed(ctx, cachestore.Known{Key: key, Most: most})
	if err == nil {
		err = items[0].Err
	}
	if err != nil || items[0].Value == nil {
		return nil, 0, err
	}
	env, err := open(items[0], origin)
	if err != nil {
		return nil, 0, err
	}
	return env.Value, time.Duration(env.AgeMS+env.TTLMS)*time.Millisecond - items[0].TTL, nil
}
