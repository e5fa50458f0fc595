package netapp

import (
	"context"
	"time"

	"storage_exporter/volume"
)

// Usage is the volume's size and what is used of it. A volume that is offline has
// only a size.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	volumes, at, err := b.volumes.Get(ctx)
	if err != nil {
		return nil, err
	}
	return volume.Each(b.objects, func(_ string, o object) (volume.Usage, time.Time, error) {
		v, err := volumes.find(o)
		if err != nil {
			return volume.Usage{}, at, err
		}
		u := volume.Usage{
			CapacityBytes: v.Space.Size.Amount(), UsedBytes: v.Space.Used.Amount(), AvailableBytes: v.Space.Available.Amount(),
			Inodes: v.Files.Maximum.Amount(), InodesUsed: v.Files.Used.Amount(),
		}
		if u == (volume.Usage{}) {
			return u, at, volume.ErrNoSample
		}
		return u, at, nil
	}), nil
}
