package collector

import (
	"storage_exporter/collector/exposition"
	"storage_exporter/volume/observed"
)

// volumeFamilies are the families of a storage volume's snapshots. Their names
// and labels are given: dashboards and rules build on them.
type volumeFamilies struct {
	list exposition.Families // all of them

	info *exposition.Family

	iopsRead, iopsWrite       *exposition.Family
	bytesRead, bytesWrite     *exposition.Family
	latencyRead, latencyWrite *exposition.Family
	lastUpdated               *exposition.Family

	healthStatus, healthLastChecked, readOnly *exposition.Family

	capacity, used, available, inodes, inodesUsed *exposition.Family

	observations, durations, transitions *exposition.Family
}

func newVolumeFamilies() volumeFamilies {
	var all exposition.Families
	f := volumeFamilies{
		info: all.Gauge("backendai_storage_volume_info",
			"Always 1: a storage volume as it is configured.", "volume", "backend", "path", "fsprefix"),

		iopsRead: all.Gauge("backendai_storage_volume_iops_read",
			"Read operations per second, mean of the last observed interval.", "volume"),
		iopsWrite: all.Gauge("backendai_storage_volume_iops_write",
			"Write operations per second, mean of the last observed interval.", "volume"),
		bytesRead: all.Gauge("backendai_storage_volume_throughput_bytes_read",
			"Bytes read per second, mean of the last observed interval.", "volume"),
		bytesWrite: all.Gauge("backendai_storage_volume_throughput_bytes_write",
			"Bytes written per second, mean of the last observed interval.", "volume"),
		latencyRead: all.Gauge("backendai_storage_volume_latency_usec_read",
			"Microseconds per read operation, mean of the last observed interval; absent if there was none.", "volume"),
		latencyWrite: all.Gauge("backendai_storage_volume_latency_usec_write",
			"Microseconds per write operation, mean of the last observed interval; absent if there was none.", "volume"),
		lastUpdated: all.Gauge("backendai_storage_volume_metric_last_updated_timestamp",
			"Unix seconds of the background observation that the volume's performance figures come from.", "volume"),

		healthStatus: all.Gauge("backendai_storage_volume_health_status",
			"State of health at the last background check: 1 for the state that the volume is in, 0 for the others.", "volume", "status"),
		healthLastChecked: all.Gauge("backendai_storage_volume_health_last_checked_timestamp_seconds",
			"Unix seconds of the background check that the state of health comes from.", "volume"),
		readOnly: all.Gauge("backendai_storage_volume_read_only",
			"Whether the volume is mounted read-only (1) or not (0).", "volume"),

		capacity: all.Gauge("backendai_storage_volume_capacity_bytes",
			"Size of the volume in bytes, as last observed in the background.", "volume"),
		used: all.Gauge("backendai_storage_volume_used_bytes",
			"Bytes of the volume that are not free; what is reserved for root counts as free.", "volume"),
		available: all.Gauge("backendai_storage_volume_available_bytes",
			"Bytes of the volume that ordinary users may still fill.", "volume"),
		inodes: all.Gauge("backendai_storage_volume_inodes",
			"Inodes that the volume has room for.", "volume"),
		inodesUsed: all.Gauge("backendai_storage_volume_inodes_used",
			"Inodes of the volume that are in use.", "volume"),

		observations: all.Counter("backendai_storage_volume_stats_observe_total",
			"Performance observations of the volume by this process; success includes those that had no sample yet.", "volume", "status"),
		durations: all.Histogram("backendai_storage_volume_stats_observe_duration_seconds",
			"Length of the performance observations that covered the volume, in seconds.", observed.DurationBounds[:], "volume"),
		transitions: all.Counter("backendai_storage_volume_health_transitions_total",
			"Changes of the volume's health that this process saw, by the new status.", "volume", "status"),
	}
	f.list = all
	return f
}
