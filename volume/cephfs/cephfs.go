// Package cephfs has the backend of CephFS: a directory on a file system that the
// kernel's client or ceph-fuse has mounted. It asks the mount, what the client
// counts, and nothing else of the cluster. It only ever reads.
package cephfs

import (
	"log/slog"
	"path"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// The types of a mount: of the kernel's client, and of ceph-fuse by two names.
const (
	kernelType = "ceph"
	fuseType   = "fuse.ceph-fuse"
	otherFuse  = "fuse.ceph"
)

// Kind is a directory on a mounted CephFS.
func Kind(host *mount.Host) volume.Kind {
	return mount.Client(read, func(opts options, volumes []volume.Config, logger *slog.Logger) volume.Backend {
		return newBackend(host, opts, volumes, logger)
	})
}

// options are a volume's own; empty is the usual place.
type options struct {
	debugfs string // directory of the kernel's clients
	socket  string // admin socket of the ceph-fuse
}

func read(cfg volume.Config) (options, []string, error) {
	o := volume.ReadOptions(cfg)
	opts := options{debugfs: o.StringOr("ceph_debugfs_path", ""), socket: o.StringOr("ceph_admin_socket", "")}
	if opts.debugfs != "" && !path.IsAbs(opts.debugfs) {
		o.Wrong("ceph_debugfs_path", `must be an absolute path, such as "/sys/kernel/debug/ceph"`)
	}
	if opts.socket != "" && !path.IsAbs(opts.socket) {
		o.Wrong("ceph_admin_socket", `must be an absolute path, such as "/var/run/ceph/ceph-client.admin.asok"`)
	}
	return opts, []string{opts.debugfs, opts.socket}, o.Err()
}
