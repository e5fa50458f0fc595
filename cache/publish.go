package cache

import (
	"context"
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
