package collector

import "storage_exporter/volume/observed"

// volumeFamilies are the families of a storage volume's snapshots. Their names
// and labels are given: dashboards and rules build on them.
type volumeFamilies struct {
	info *family

	iopsRead, iopsWrite       *family
	bytesRead, bytesWrite     *family
	latencyRead, latencyWrite *family
	lastUpdated               *family

	healthStatus, healthLastChecked, readOnly *family

	capacity, used, available, inodes, inodesUsed *family

	observations, durations, transitions *family
}

func newVolumeFamilies() volumeFamilies {
	return volumeFamilies{
		info: gauge("backendai_storage_volume_info",
			"Always 1: a storage volume as it is configured.", "volume", "backend", "path", "fsprefix"),

		iopsRead: gauge("backendai_storage_volume_iops_read",
			"Read operations per second, mean of the last observed interval.", "volume"),
		iopsWrite: gauge("backendai_storage_volume_iops_write",
			"Write operations per second, mean of the last observed interval.", "volume"),
		bytesRead: gauge("backendai_storage_volume_throughput_bytes_read",
			"Bytes read per second, mean of the last observed interval.", "volume"),
		bytesWrite: gauge("backendai_storage_volume_throughput_bytes_write",
			"Bytes written per second, mean of the last observed interval.", "volume"),
		latencyRead: gauge("backendai_storage_volume_latency_usec_read",
			"Microseconds per read operation, mean of the last observed interval; absent if there was none.", "volume"),
		latencyWrite: gauge("backendai_storage_volume_latency_usec_write",
			"Microseconds per write operation, mean of the last observed interval; absent if there was none.", "volume"),
		lastUpdated: gauge("backendai_storage_volume_metric_last_updated_timestamp",
			"Unix seconds of the background observation that the volume's performance figures come from.", "volume"),

		healthStatus: gauge("backendai_storage_volume_health_status",
			"State of health at the last background check: 1 for the state that the volume is in, 0 for the others.", "volume", "status"),
		healthLastChecked: gauge("backendai_storage_volume_health_last_checked_timestamp_seconds",
			"Unix seconds of the background check that the state of health comes from.", "volume"),
		readOnly: gauge("backendai_storage_volume_read_only",
			"Whether the volume is mounted read-only (1) or not (0).", "volume"),

		capacity: gauge("backendai_storage_volume_capacity_bytes",
			"Size of the volume in bytes, as last observed in the background.", "volume"),
		used: gauge("backendai_storage_volume_used_bytes",
			"Bytes of the volume that are not free; what is reserved for root counts as free.", "volume"),
		available: gauge("backendai_storage_volume_available_bytes",
			"Bytes of the volume that ordinary users may still fill.", "volume"),
		inodes: gauge("backendai_storage_volume_inodes",
			"Inodes that the volume has room for.", "volume"),
		inodesUsed: gauge("backendai_storage_volume_inodes_used",
			"Inodes of the volume that are in use.", "volume"),

		observations: counter("backendai_storage_volume_stats_observe_total",
			"Performance observations of the volume by this process; success includes those that had no sample yet.", "volume", "status"),
		durations: histogram("backendai_storage_volume_stats_observe_duration_seconds",
			"Length of the performance observations that covered the volume, in seconds.", observed.DurationBounds[:], "volume"),
		transitions: counter("backendai_storage_volume_health_transitions_total",
			"Changes of the volume's health that this process saw, by the new status.", "volume", "status"),
	}
}

func (f *volumeFamilies) list() []*family {
	return []*family{
		f.info,
		f.iopsRead, f.iopsWrite, f.bytesRead, f.bytesWrite, f.latencyRead, f.latencyWrite, f.lastUpdated,
		f.healthStatus, f.healthLastChecked, f.readOnly,
		f.capacity, f.used, f.available, f.inodes, f.inodesUsed,
		f.observations, f.durations, f.transitions,
	}
}
