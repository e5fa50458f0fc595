package vast

import (
	"context"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// Usage is the cluster's physical space. A view has the size of its quota and
// what is used of that; without a hard limit, it has all of the cluster's space.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	if b.ofViews() {
		return b.viewUsage(ctx)
	}
	clusters := b.ask(ctx)
	return volume.Each(b.volumes, func(_ string, o options) (volume.Usage, time.Time, error) {
		c := clusters[o.cluster]
		if c.err != nil {
			return volume.Usage{}, c.at, c.err
		}
		return some(c.usage(), c.at)
	}), nil
}

func (c *cluster) usage() volume.Usage {
	size, used := c.Physical.Amount(), c.PhysicalUsed.Amount()
	return volume.Usage{CapacityBytes: size, UsedBytes: used, AvailableBytes: volume.Left(size, used), InodesUsed: c.InodesUsed.Amount()}
}

func (b *backend) viewUsage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	all, listed, err := b.list(ctx)
	if err != nil {
		return nil, err
	}
	clusters := b.ask(ctx)
	limits, limited, err := b.quotas.Get(ctx)
	if err != nil && !rest.Refused(err) { // a volume's size must not change while they cannot be asked
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Usage, time.Time, error) {
		v, err := all.find(o)
		if err != nil {
			return volume.Usage{}, listed, err
		}
		of := limits.of(v)
		if len(of) > 0 && of[0].Hard.Value > 0 {
			return some(of[0].usage(), limited)
		}
		c := clusters[o.cluster]
		if c.err != nil {
			return volume.Usage{}, c.at, c.err
		}
		u := c.usage()
		u.UsedBytes, u.InodesUsed = v.Logical.Amount(), nil
		if len(of) > 0 {
			u.Inodes, u.InodesUsed = of[0].inodes(), of[0].UsedInodes.Amount()
		}
		at := c.at
		if u.UsedBytes != nil && listed.Before(at) {
			at = listed
		}
		return some(u, at)
	}), nil
}

func (q *quota) usage() volume.Usage {
	size, used := q.Hard.Amount(), q.Used.Amount()
	return volume.Usage{
		CapacityBytes: size, UsedBytes: used, AvailableBytes: volume.Left(size, used), Inodes: q.inodes(), InodesUsed: q.UsedInodes.Amount(),
	}
}

// inodes is the limit; nil for none.
func (q *quota) inodes() *uint64 {
	if q.HardInodes.Value == 0 {
		return nil
	}
	return q.HardInodes.Amount()
}

// some is an error where there is no figure.
func some(u volume.Usage, at time.Time) (volume.Usage, time.Time, error) {
	if u == (volume.Usage{}) {
		return u, at, rest.Nonsense("there are no sizes in the answer")
	}
	return u, at, nil
}
