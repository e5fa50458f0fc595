package dellemc

import (
	"context"
	"errors"
	"slices"
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

	statisticsAt, clusterAt time.Time
}

// Health is the cluster's, with its nodes, disk pools and open events. Cost: four
// calls, and one more for each thousand events.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	var o observed
	var at [4]time.Time
	o.statistics, at[0], o.statisticsErr = b.statistics.Get(ctx)
	if o.statisticsErr != nil && !ofOneCall(o.statisticsErr) {
		return nil, o.statisticsErr
	}
	var wg sync.WaitGroup
	wg.Go(func() { o.cluster, at[1], o.clusterErr = b.cluster.Get(ctx) })
	wg.Go(func() { o.pools, at[2], o.poolsErr = b.pools.Get(ctx) })
	wg.Go(func() { o.events, at[3], o.eventsErr = b.events.Get(ctx) })
	wg.Wait()
	if o.statisticsErr != nil && o.clusterErr != nil {
		return nil, o.statisticsErr
	}
	o.statisticsAt, o.clusterAt = at[0], at[1]
	if o.statistics.values[keyHealth].Value == healthDown && at[1].Before(at[0]) { // it may have been well before
		if now, err := b.fetchCluster(ctx); err == nil {
			o.cluster, o.clusterErr, o.clusterAt = now, nil, time.Now()
		}
	}
	judged := o.judge()
	return volume.Each(b.volumes, func(_ string, v options) (volume.Health, time.Time, error) {
		return rest.Judged(judged.Verdict, longestInfo, o.metadata(v.volumeOptions)), first(at[:]), nil
	}), nil
}

// ofOneCall is whether an error leaves hope for other calls: a cluster that has lost
// its quorum may have no statistics, and an account that may not read one thing may
// read the others.
func ofOneCall(err error) bool {
	return slices.ContainsFunc([]error{rest.ErrForbidden, rest.ErrNotFound, rest.ErrRejected, rest.ErrServer, rest.ErrBadAnswer},
		func(kind error) bool { return errors.Is(err, kind) })
}

// first is the earliest of the times that are known.
func first(times []time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}
