package cephfs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rates"
)

// backend observes one path for all of its volumes.
type backend struct {
	mount.Volumes
	kernel    *debugfs
	fuse      *fuse
	meter     *rates.Meter
	uncounted *mount.Uncounted
}

func newBackend(host *mount.Host, opts options, volumes []volume.Config, logger *slog.Logger) *backend {
	v := mount.NewVolumes(host, volumes, true, kernelType, fuseType, otherFuse)
	return &backend{
		Volumes: v, kernel: newDebugfs(host, opts.debugfs), fuse: newFuse(host, opts.socket), meter: rates.NewMeter(v.Interval, rates.CostsWindow),
		uncounted: mount.NewUncounted("cephfs", v.Path, logger),
	}
}

// Performance takes one reading of the client's counters and compares it with
// the one before.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	return b.Counted(ctx, isCeph, b.uncounted, b.rates), nil
}

func (b *backend) rates(ctx context.Context, m mount.Mount, table mount.Table) (volume.Performance, time.Time, error) {
	var s rates.Sample
	var err error
	if m.FSType == kernelType {
		s, err = b.kernel.sample(ctx, b.Point, m)
	} else {
		s, err = b.fuse.sample(ctx, m, table)
	}
	if err != nil {
		return volume.Performance{}, time.Time{}, err
	}
	s.At = time.Now()
	return b.meter.Next(s)
}

// Health asks the mount, and by it the metadata servers and the monitors.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	p := b.probe(ctx)
	uncounted := b.uncounted.Why()
	return volume.Each(b.Wants, func(_ string, want mount.Want) (volume.Health, time.Time, error) {
		h := p.health(want)
		if uncounted != "" && h.Metadata != nil {
			h.Metadata["performance"] = uncounted
		}
		return h, time.Time{}, nil
	}), nil
}

// Usage asks how full the volume is: by its quota, where it has one.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	state := b.Point.Look(ctx)
	var asked attributes
	var failed error
	if state.Err == nil && isCeph(state.Mount) {
		asked, failed = b.attributes(ctx, quotaBytes, quotaFiles, recursiveBytes, recursiveFiles, recursiveDirs)
	}
	return volume.Each(b.Wants, func(_ string, want mount.Want) (volume.Usage, time.Time, error) {
		u, err := state.Usage(want)
		if err == nil && failed != nil {
			err = fmt.Errorf("look at %s: %w", b.Path, failed)
		}
		if err != nil {
			return volume.Usage{}, time.Time{}, err
		}
		return asked.limit(u), time.Time{}, nil
	}), nil
}

func isCeph(m mount.Mount) bool {
	return m.FSType == kernelType || m.FSType == fuseType || m.FSType == otherFuse
}
