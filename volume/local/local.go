// Package local has the backends for what is mounted on this host: vfs (any
// directory), xfs and nfs. They only ever read.
package local

import (
	"context"
	"log/slog"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// VFS is any directory of the host. Nothing needs to be mounted there.
func VFS(host *mount.Host) volume.Kind { return kind(host, rules{}) }

// XFS is a directory on an XFS file system of its own.
func XFS(host *mount.Host) volume.Kind {
	return kind(host, rules{fstypes: []string{"xfs"}, requireMount: true})
}

// NFS is a directory on a mounted NFS export.
func NFS(host *mount.Host) volume.Kind {
	return kind(host, rules{fstypes: []string{"nfs", "nfs4"}, requireMount: true})
}

// rules is where the backends differ.
type rules struct {
	fstypes      []string // none is any
	requireMount bool     // unless the volume says otherwise
}

func kind(host *mount.Host, r rules) volume.Kind {
	return volume.Kind{
		Mounted:  true,
		Identify: mount.Identify,
		New: func(volumes []volume.Config, _ *slog.Logger) (volume.Backend, error) {
			return newBackend(host, r, volumes), nil
		},
	}
}

// backend observes one path for all of its volumes.
type backend struct {
	path    string
	point   *mount.Point
	volumes map[string]mount.Want
}

func newBackend(host *mount.Host, r rules, volumes []volume.Config) *backend {
	interval := volumes[0].PerformanceInterval
	b := &backend{path: volumes[0].Path, point: host.NewPoint(volumes[0].Path, interval), volumes: map[string]mount.Want{}}
	for _, cfg := range volumes {
		b.volumes[cfg.Name] = mount.WantOf(cfg, r.requireMount, r.fstypes...)
	}
	return b
}

// Performance takes one reading of the kernel's counters and compares it with the
// one before.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	m, rates, at, err := b.point.Rates(ctx)
	return each(b, func(want mount.Want) (volume.Performance, time.Time, error) {
		if m.Point != "" {
			if wrong := want.Check(b.path, m); wrong != nil {
				return volume.Performance{}, at, wrong
			}
		}
		return rates, at, err
	}), nil
}

// Health asks the mount whether it answers.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	state := b.point.Look(ctx)
	return each(b, func(want mount.Want) (volume.Health, time.Time, error) {
		h := state.Health(want)
		if state.Mount.FSType == "xfs" {
			h.Metadata["project_quota"] = onOff(state.Mount.HasOption("prjquota", "pquota"))
		}
		return h, time.Time{}, nil
	}), nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// Usage asks how full the file system is.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	state := b.point.Look(ctx)
	return each(b, func(want mount.Want) (volume.Usage, time.Time, error) {
		u, err := state.Usage(want)
		return u, time.Time{}, err
	}), nil
}

// Intervals are zero: the kernel's figures are always of now.
func (b *backend) Intervals() volume.Intervals { return volume.Intervals{} }

// Close has nothing to give back.
func (b *backend) Close() error { return nil }

// each makes a result for each of the volumes.
func each[T any](b *backend, f func(mount.Want) (T, time.Time, error)) map[string]volume.Result[T] {
	results := make(map[string]volume.Result[T], len(b.volumes))
	for name, want := range b.volumes {
		value, at, err := f(want)
		results[name] = volume.Result[T]{Value: value, SampledAt: at, Err: err}
	}
	return results
}
