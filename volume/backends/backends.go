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
	"storage_exporter/volume/weka"
)

// Table is the backends by the name that a volume's `backend` says. The host is
// what the mounted ones are asked through.
func Table(host *mount.Host) map[string]volume.Kind {
	return map[string]volume.Kind{
		"cephfs":           cephfs.Kind(host),
		"exascaler":        ddn.EXAScaler(host),
		"dellemc-onefs":    dellemc.Kind(nil),
		"gpfs":             gpfs.Kind(nil),
		"netapp":           netapp.Kind(nil),
		"hammerspace":      hammerspace.Anvil(host, nil),
		"hammerspace-base": hammerspace.Base(host),
		"nfs":              local.NFS(host),
		"purestorage":      purestorage.Kind(nil),
		"spectrumscale":    gpfs.Kind(nil),
		"vfs":              local.VFS(host),
		"weka":             weka.Kind(nil),
		"xfs":              local.XFS(host),
	}
}
