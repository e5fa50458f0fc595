package purestorage

import (
	"context"
	"time"

	"storage_exporter/volume"
)

// Usage is the size that was provisioned and what was written into it. A file
// system without a limit has the array's capacity.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	files, at, err := b.files.Get(ctx)
	if err != nil {
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Usage, time.Time, error) {
		f, err := find(files, o)
		if err != nil {
			return volume.Usage{}, at, err
		}
		u := f.usage(o.physical)
		if u.CapacityBytes != nil {
			return u, at, nil
		}
		whole, _, err := b.space.Get(ctx)
		u.CapacityBytes = whole.Capacity.Amount()
		return u, at, err
	}), nil
}

// usage is the file system's own; one without a limit has no capacity. physical: used
// is what lies on flash.
func (f fileSystem) usage(physical bool) volume.Usage {
	u := volume.Usage{UsedBytes: f.Space.Virtual.Amount()}
	if physical {
		u.UsedBytes = f.Space.physical()
	}
	if f.Provisioned.Value != 0 {
		u.CapacityBytes = f.Provisioned.Amount()
		u.AvailableBytes = volume.Left(u.CapacityBytes, f.Space.Virtual.Amount())
	}
	return u
}

// physical is what lies on flash.
func (s space) physical() *uint64 {
	if s.Total.Valid {
		return s.Total.Amount()
	}
	return s.Physical.Amount()
}
