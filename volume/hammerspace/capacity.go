package hammerspace

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// fetchCapacity is the cluster's space. Where the short way is not open to the
// account, or has no figures, the statistics of the local site do.
func (b *anvil) fetchCapacity(ctx context.Context) (space, error) {
	s, at, err := b.state.Get(ctx)
	if err == nil && s.Capacity.complete() {
		s.Capacity.at = at
		return s.Capacity, nil
	}
	if err != nil && !rest.Refused(err) {
		return space{}, err
	}
	sites, _, err := b.sites.Get(ctx)
	if err != nil {
		return space{}, err
	}
	here, err := local(sites)
	if err != nil {
		return space{}, err
	}
	return b.client.recorded(ctx, here)
}

// local is the site that was asked: the one of that type, or the only one.
func local(sites []site) (site, error) {
	here := slices.DeleteFunc(slices.Clone(sites), func(s site) bool { return !strings.EqualFold(s.Type.String(), "LOCAL") })
	switch {
	case len(here) == 1:
		return here[0], nil
	case len(sites) == 1:
		return sites[0], nil
	}
	return site{}, rest.Nonsense("of %d sites, %d are said to be the local one", len(sites), len(here))
}

// recorded is the newest complete row of a site's statistics, which has one for
// every five minutes; the last is often empty.
func (c *client) recorded(ctx context.Context, s site) (space, error) {
	return rest.Fetch(ctx, c.rest, rest.Request{
		Path:  "/metrics/capacity/CLUSTER/" + url.PathEscape(s.UOID.UUID.String()),
		Query: url.Values{"precedingDuration": {"1h"}, "intervalDuration": {"5m"}},
	}, recordedOf)
}

func recordedOf(answer *rest.Answer) (space, error) {
	var said struct {
		Series []struct {
			Rows []struct {
				Time rest.Time
				space
			}
		}
	}
	if err := answer.Decode(&said); err != nil {
		return space{}, err
	}
	var newest space
	var at time.Time
	for _, series := range said.Series {
		for _, row := range series.Rows {
			same := row.Time.Equal(at) && newest.complete()
			if row.complete() && (row.Time.After(at) || !newest.complete() || same && row.usage().Tighter(newest.usage())) {
				newest, at = row.space, row.Time.Time
			}
		}
	}
	if !newest.complete() {
		return space{}, rest.Nonsense("the cluster does not report its capacity")
	}
	newest.at = answer.SampledAt(at)
	return newest, nil
}

func (s space) usage() volume.Usage {
	return volume.Usage{CapacityBytes: s.Total.Amount(), UsedBytes: s.Used.Amount(), AvailableBytes: s.Free.Amount()}
}

func (s space) complete() bool {
	return s.Total.Amount() != nil && s.Used.Amount() != nil && s.Free.Amount() != nil
}

// Usage is that of the cluster, or of the volume's share. A share without a limit
// has all of the cluster's space.
func (b *anvil) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	if _, _, err := b.state.Get(ctx); shutOut(ctx, err) {
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Usage, time.Time, error) {
		if o.share == "" {
			return b.whole(ctx)
		}
		all, at, err := b.exports.Get(ctx)
		if err != nil {
			return volume.Usage{}, at, err
		}
		s, err := all.named(o.share)
		if err != nil {
			return volume.Usage{}, at, err
		}
		u := s.usage()
		if positive(s.Limit) != nil {
			return u, at, nil
		}
		whole, wholeAt, err := b.whole(ctx)
		u.CapacityBytes, u.AvailableBytes = whole.CapacityBytes, whole.AvailableBytes
		if wholeAt.Before(at) {
			at = wholeAt
		}
		return u, at, err
	}), nil
}

func (b *anvil) whole(ctx context.Context) (volume.Usage, time.Time, error) {
	s, at, err := b.capacity.Get(ctx)
	if !s.at.IsZero() {
		at = s.at
	}
	return s.usage(), at, err
}

func positive(i rest.Int) *uint64 {
	if i.Value == 0 {
		return nil
	}
	return i.Amount()
}
