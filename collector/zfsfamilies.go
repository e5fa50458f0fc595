package collector

import (
	"cmp"

	"storage_exporter/zpool"
)

// zfsFamilies are the families of pools and their vdevs. A vdev's label path is
// the name of what has no path, such as a group.
type zfsFamilies struct {
	vdevInfo, vdevState, vdevErrors, vdevSlowIOs *family

	poolState, dataErrors *family

	scanState, scanProgress, scanErrors, scanEnd *family

	lastObserved *family
}

func newZFSFamilies() zfsFamilies {
	return zfsFamilies{
		vdevInfo: gauge("jbod_zfs_vdev_info",
			"Always 1: a vdev by its guid, what it is for, and the drive it is on; the device is empty for a group, a file and a missing disk.",
			"device", "pool", "vdev", "role", "path"),
		vdevState: gauge("jbod_zfs_vdev_state",
			"Always 1: the vdev's state (ONLINE, DEGRADED, FAULTED, OFFLINE, REMOVED, UNAVAIL; AVAIL or INUSE for a spare that waits or works in another pool).",
			"pool", "vdev", "path", "device", "state"),
		vdevErrors: gauge("jbod_zfs_vdev_errors",
			"Errors since the last import or zpool clear, hence no counter, by kind (read, write, checksum); those of a group are beyond its redundancy.",
			"pool", "vdev", "path", "device", "kind"),
		vdevSlowIOs: gauge("jbod_zfs_vdev_slow_ios",
			"I/Os that took longer than zio_slow_io_ms, since the last import or zpool clear, hence no counter.",
			"pool", "vdev", "path", "device"),

		poolState: gauge("jbod_zfs_pool_state",
			"Always 1: the pool's state (ONLINE, DEGRADED, FAULTED, OFFLINE, REMOVED, UNAVAIL, SUSPENDED).", "pool", "state"),
		dataErrors: gauge("jbod_zfs_pool_data_errors",
			"Known errors of data that redundancy could not repair.", "pool"),

		scanState: gauge("jbod_zfs_pool_scan_state",
			"Always 1: what the current or the last scan is (scrub, resilver, error_scrub), and how far (scanning, paused, finished, canceled); absent if there was none.",
			"pool", "function", "state"),
		scanProgress: gauge("jbod_zfs_pool_scan_progress_ratio",
			"How much of the scan is done, from 0 to 1; absent when none runs or is paused.", "pool", "function"),
		scanErrors: gauge("jbod_zfs_pool_scan_errors",
			"Errors that the scan found and could not repair.", "pool", "function"),
		scanEnd: gauge("jbod_zfs_pool_scan_end_timestamp_seconds",
			"Unix seconds of the end of the last scan, finished or canceled; absent while one runs.", "pool", "function"),

		lastObserved: gauge("jbod_zfs_last_observed_timestamp_seconds",
			"Unix seconds of the background observation that the pools come from."),
	}
}

func (f *zfsFamilies) list() []*family {
	return []*family{
		f.vdevInfo, f.vdevState, f.vdevErrors, f.vdevSlowIOs, f.poolState, f.dataErrors,
		f.scanState, f.scanProgress, f.scanErrors, f.scanEnd, f.lastObserved,
	}
}

// emit sends a pool's series. What zpool did not tell has none.
func (f *zfsFamilies) emit(s sink, p *zpool.Pool) {
	add := func(fam *family, n *uint64, labels ...string) {
		if n != nil {
			s.add(fam, float64(*n), labels...)
		}
	}
	s.add(f.poolState, 1, p.Name, p.State)
	add(f.dataErrors, p.DataErrors, p.Name)
	if scan := p.Scan; scan != nil {
		function := string(scan.Function)
		s.add(f.scanState, 1, p.Name, function, string(scan.State))
		if scan.Done != nil {
			s.add(f.scanProgress, *scan.Done, p.Name, function)
		}
		add(f.scanErrors, scan.Errors, p.Name, function)
		if !scan.EndTime.IsZero() {
			s.add(f.scanEnd, float64(scan.EndTime.Unix()), p.Name, function)
		}
	}
	for i := range p.Vdevs {
		v := &p.Vdevs[i]
		if !v.Leaf && !v.HasGUID() {
			continue // a group that has but a name
		}
		path := cmp.Or(v.Path, v.Name)
		s.add(f.vdevInfo, 1, v.Device, p.Name, v.ID, string(v.Role), path)
		if v.State != "" {
			s.add(f.vdevState, 1, p.Name, v.ID, path, v.Device, v.State)
		}
		add(f.vdevErrors, v.ReadErrors, p.Name, v.ID, path, v.Device, "read")
		add(f.vdevErrors, v.WriteErrors, p.Name, v.ID, path, v.Device, "write")
		add(f.vdevErrors, v.ChecksumErrors, p.Name, v.ID, path, v.Device, "checksum")
		add(f.vdevSlowIOs, v.SlowIOs, p.Name, v.ID, path, v.Device)
	}
}
