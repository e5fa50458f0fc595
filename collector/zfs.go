package collector

import (
	"context"
	"errors"

	"storage_exporter/cache"
	"storage_exporter/zpool"
)

// zfsCollector shows the host's pools.
type zfsCollector struct {
	pools poolList
	all   zfsFamilies
}

// poolList is the pools, as *zpool.Pools has them.
type poolList interface {
	Get(ctx context.Context) (cache.Snapshot[[]zpool.Pool], error)
}

// NewZFS makes the collector of the host's pools; its name is "zfs".
func NewZFS(pools *zpool.Pools) *Collector { return newCollector(newZFSCollector(pools)) }

func newZFSCollector(pools poolList) *zfsCollector {
	return &zfsCollector{pools: pools, all: newZFSFamilies()}
}

func (c *zfsCollector) name() string { return "zfs" }

func (c *zfsCollector) families() []*family { return c.all.list() }

func (c *zfsCollector) read(ctx context.Context) ([]part, bool) {
	snap, err := c.pools.Get(ctx)
	if err != nil {
		return nil, errors.Is(err, cache.ErrClosed) || errors.Is(err, cache.ErrNothing)
	}
	pools := *snap.Value
	if len(pools) == 0 {
		return nil, true
	}
	parts := make([]part, 0, len(pools)+1)
	parts = append(parts, part{id: "zfs", version: snap.Revision, emit: func(s sink) {
		s.add(c.all.lastObserved, float64(snap.ObservedAt.UnixMilli())/1e3)
	}})
	for i := range pools {
		p := &pools[i]
		parts = append(parts, part{id: "pool " + p.Name, version: snap.Revision, emit: func(s sink) { c.all.emit(s, p) }})
	}
	return parts, true
}
