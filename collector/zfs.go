package collector

import (
	"context"
	"errors"

	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

// zfsCollector shows the host's pools.
type zfsCollector struct {
	pools  poolList
	drives func() *smart.Lookup
	all    zfsFamilies
}

// poolList is the pools, as *zpool.Pools has them.
type poolList interface {
	Get(ctx context.Context) (cache.Snapshot[[]zpool.Pool], error)
}

// NewZFS makes the collector of the host's pools; its name is "zfs". drives is as of
// NewEnclosures.
func NewZFS(pools *zpool.Pools, drives func() *smart.Lookup) *exposition.Collector {
	return exposition.NewCollector(newZFSCollector(pools, drives))
}

func newZFSCollector(pools poolList, drives func() *smart.Lookup) *zfsCollector {
	return &zfsCollector{pools: pools, drives: drives, all: newZFSFamilies()}
}

func (c *zfsCollector) Name() string { return "zfs" }

func (c *zfsCollector) Families() exposition.Families { return c.all.list }

func (c *zfsCollector) Read(ctx context.Context) ([]exposition.Part, bool) {
	snap, err := c.pools.Get(ctx)
	if err != nil {
		return nil, errors.Is(err, cache.ErrClosed) || errors.Is(err, cache.ErrNothing)
	}
	pools := *snap.Value
	if len(pools) == 0 {
		return nil, true
	}
	parts := make([]exposition.Part, 0, len(pools)+1)
	parts = append(parts, exposition.Part{ID: "zfs", Version: snap.Revision, Emit: func(s exposition.Sink) {
		s.Add(c.all.lastObserved, float64(snap.ObservedAt.UnixMilli())/1e3)
	}})
	type version struct {
		revision uint64
		lookup   *smart.Lookup
	}
	v := version{snap.Revision, c.drives()}
	for i := range pools {
		p := &pools[i]
		parts = append(parts, exposition.Part{ID: "pool " + p.Name, Version: v, Emit: func(s exposition.Sink) { c.all.emit(s, p, v.lookup) }})
	}
	return parts, true
}
