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
	return kind(host, rules{fstypes: []string{"xfs"}, requireMount: true, ignored: []string{"lock_file_path"}})
}

// NFS is a directory on a mounted NFS export.
func NFS(host *mount.Host) volume.Kind {
	return kind(host, rules{fstypes: []string{"nfs", "nfs4"}, requireMount: true})
}

// rules is where the backends differ.
type rules struct {
	fstypes      []string // none is any
	requireMount bool     // unless the volume says otherwise
	ignored      []string // options of the storage proxy
}

func kind(host *mount.Host, r rules) volume.Kind {
	return volume.Kind{
		Mounted:  true,
		Identify: mount.Bare(r.ignored...),
		New: func(volumes []volume.Config, _ *slog.Logger) (volume.Backend, error) {
			return newBackend(host, r, volumes), nil
		},
	}
}

// backend observes one path for all of its volumes.
type backend struct{ mount.Volumes }

func newBackend(host *mount.Host, r rules, volumes []volume.Config) *backend {
	return &backend{mount.NewVolumes(host, volumes, r.requireMount, r.fstypes...)}
}

// Performance takes one reading of the kernel's counters and compares it with the
// one before.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	m, rates, at, err := b.Point.Rates(ctx)
	return b.Rated(m, rates, at, err), nil
}

// Health asks the mount whether it answers.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	state := b.Point.Look(ctx)
	return volume.Each(b.Wants, func(_ string, want mount.Want) (volume.Health, time.Time, error) {
		h := state.Health(want)
		if h.Metadata["fstype"] == "xfs" {
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
