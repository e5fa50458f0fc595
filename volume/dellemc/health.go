package dellemc

import (
	"context"
	"errors"
	"sync"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// observed is what the cluster says at one moment; what has an error is missing.
type observed struct {
	statistics statistics
	cluster    cluster
	pools      []diskPool
	events     []event

	statisticsErr, clusterErr, poolsErr, eventsErr error
}

// Health is the cluster's, with its nodes, disk pools and open events. Cost: four
// calls, and one more for each thousand events.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	var o observed
	o.statistics, _, o.statisticsErr = b.statistics.Get(ctx)
	// An account that may not read one thing may read the others; any other failure
	// is a failure.
	if o.statisticsErr != nil && !errors.Is(o.statisticsErr, rest.ErrForbidden) {
		return nil, o.statisticsErr
	}
	var wg sync.WaitGroup
	wg.Go(func() { o.cluster, _, o.clusterErr = b.cluster.Get(ctx) })
	wg.Go(func() { o.pools, _, o.poolsErr = b.pools.Get(ctx) })
	wg.Go(func() { o.events, _, o.eventsErr = b.events.Get(ctx) })
	wg.Wait()
	if o.statisticsErr != nil && o.clusterErr != nil {
		return nil, o.statisticsErr
	}
	judged := o.judge()
	return rest.Each(b.volumes, func(_ string, v volumeOptions) (volume.Health, time.Time, error) {
		return volume.Health{Status: judged.status, Info: judged.info(), Metadata: o.metadata(v)}, time.Time{}, nil
	}), nil
}
