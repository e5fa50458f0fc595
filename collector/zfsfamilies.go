package collector

import (
	"cmp"

	"storage_exporter/collector/exposition"
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

// zfsFamilies are the families of pools and their vdevs. A vdev's label path is
// the name of what has no path, such as a group.
type zfsFamilies struct {
	list exposition.Families // all of them

	vdevInfo, vdevState, vdevErrors, vdevSlowIOs *exposition.Family

	poolState, dataErrors *exposition.Family

	scanState, scanProgress, scanErrors, scanEnd *exposition.Family

	lastObserved *exposition.Family
}

func newZFSFamilies() zfsFamilies {
	var all exposition.Families
	f := zfsFamilies{
		vdevInfo: all.Gauge("jbod_zfs_vdev_info",
			"Always 1: a vdev by its guid, what it is for, and the drive it is on; the device is empty for a group, a file and a missing disk.",
			"device", "pool", "vdev", "role", "path"),
		vdevState: all.Gauge("jbod_zfs_vdev_state",
			"Always 1: the vdev's state (ONLINE, DEGRADED, FAULTED, OFFLINE, REMOVED, UNAVAIL; AVAIL or INUSE for a spare that waits or works in another pool).",
			"pool", "vdev", "path", "device", "state"),
		vdevErrors: all.Gauge("jbod_zfs_vdev_errors",
			"Errors since the last import or zpool clear, hence no counter, by kind (read, write, checksum); those of a group are beyond its redundancy.",
			"pool", "vdev", "path", "device", "kind"),
		vdevSlowIOs: all.Gauge("jbod_zfs_vdev_slow_ios",
			"I/Os that took longer than zio_slow_io_ms, since the last import or zpool clear, hence no counter.",
			"pool", "vdev", "path", "device"),

		poolState: all.Gauge("jbod_zfs_pool_state",
			"Always 1: the pool's state (ONLINE, DEGRADED, FAULTED, OFFLINE, REMOVED, UNAVAIL, SUSPENDED).", "pool", "state"),
		dataErrors: all.Gauge("jbod_zfs_pool_data_errors",
			"Known errors of data that redundancy could not repair.", "pool"),

		scanState: all.Gauge("jbod_zfs_pool_scan_state",
			"Always 1: what the current or the last scan is (scrub, resilver, error_scrub), and how far (scanning, paused, finished, canceled); absent if there was none.",
			"pool", "function", "state"),
		scanProgress: all.Gauge("jbod_zfs_pool_scan_progress_ratio",
			"How much of the scan is done, from 0 to 1; absent when none runs or is paused.", "pool", "function"),
		scanErrors: all.Gauge("jbod_zfs_pool_scan_errors",
			"Errors that the scan found and could not repair.", "pool", "function"),
		scanEnd: all.Gauge("jbod_zfs_pool_scan_end_timestamp_seconds",
			"Unix seconds of the end of the last scan, finished or canceled; absent while one runs.", "pool", "function"),

		lastObserved: all.Gauge("jbod_zfs_last_observed_timestamp_seconds",
			"Unix seconds of the background observation that the pools come from."),
	}
	f.list = all
	return f
}

// emit sends a pool's series, with the drives' labels. What zpool did not report has
// none.
func (f *zfsFamilies) emit(s exposition.Sink, p *zpool.Pool, drives *smart.Lookup) {
	add := func(fam *exposition.Family, n *uint64, labels ...string) {
		if n != nil {
			s.Add(fam, float64(*n), labels...)
		}
	}
	s.Add(f.poolState, 1, p.Name, p.State)
	add(f.dataErrors, p.DataErrors, p.Name)
	if scan := p.Scan; scan != nil {
		function := string(scan.Function)
		s.Add(f.scanState, 1, p.Name, function, string(scan.State))
		if scan.Done != nil {
			s.Add(f.scanProgress, *scan.Done, p.Name, function)
		}
		add(f.scanErrors, scan.Errors, p.Name, function)
		if !scan.EndTime.IsZero() {
			s.Add(f.scanEnd, float64(scan.EndTime.Unix()), p.Name, function)
		}
	}
	for i := range p.Vdevs {
		v := &p.Vdevs[i]
		path, device := cmp.Or(v.Path, v.Name), drives.LabelOf(v.Names()...)
		s.Add(f.vdevInfo, 1, device, p.Name, v.ID, string(v.Role), path)
		if v.State != "" {
			s.Add(f.vdevState, 1, p.Name, v.ID, path, device, v.State)
		}
		add(f.vdevErrors, v.ReadErrors, p.Name, v.ID, path, device, "read")
		add(f.vdevErrors, v.WriteErrors, p.Name, v.ID, path, device, "write")
		add(f.vdevErrors, v.ChecksumErrors, p.Name, v.ID, path, device, "checksum")
		add(f.vdevSlowIOs, v.SlowIOs, p.Name, v.ID, path, device)
	}
}
