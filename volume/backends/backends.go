// Package backends is the one table of the volume backends.
package backends

import (
	"storage_exporter/volume"
	"storage_exporter/volume/cephfs"
	"storage_exporter/volume/ddn"
	"storage_exporter/volume/dellemc"
	"storage_exporter/volume/gpfs"
	"storage_exporter/volume/hammerspace"
	"storage_exporter/volume/local"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/netapp"
	"storage_exporter/volume/purestorage"
	"storage_exporter/volume/vast"
	"storage_exporter/volume/weka"
)

// Table is the backends by the name that a volume's `backend` says. The host is
// what mounts are asked through.
func Table(host *mount.Host) map[string]volume.Kind {
	return map[string]volume.Kind{
		"cephfs":           cephfs.Kind(host),
		"dellemc-onefs":    mount.Beside(host, dellemc.Kind(nil)),
		"exascaler":        ddn.EXAScaler(host),
		"gpfs":             mount.Beside(host, gpfs.Kind(nil), "gpfs"),
		"hammerspace":      hammerspace.Anvil(host, nil),
		"hammerspace-base": hammerspace.Base(host),
		"netapp":           mount.Beside(host, netapp.Kind(nil)),
		"nfs":              local.NFS(host),
		"purestorage":      mount.Beside(host, purestorage.Kind(nil)),
		"spectrumscale":    mount.Beside(host, gpfs.Kind(nil), "gpfs"),
		"vast":             mount.Beside(host, vast.Kind(nil)),
		"vfs":              local.VFS(host),
		"weka":             mount.Beside(host, weka.Kind(nil), "wekafs"),
		"xfs":              local.XFS(host),
	}
}
