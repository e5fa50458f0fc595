package fleet

import (
	"storage_exporter/overview"
	"storage_exporter/smart/assess"
)

// Counts are how many a node has; nil: it is not known.
type Counts struct {
	Drives  *DriveCounts         `json:"drives,omitempty"`
	Slots   *overview.SlotCounts `json:"slots,omitempty"`
	Pools   *PoolCounts          `json:"pools,omitempty"`
	Volumes *VolumeCounts        `json:"volumes,omitempty"`
	Proxies *ProxyCounts         `json:"proxies,omitempty"`
}

// DriveCounts count the monitored drives by their verdict.
type DriveCounts struct {
	Total   int `json:"total"`
	OK      int `json:"ok"`
	Warning int `json:"warning"`
	Failing int `json:"failing"`
	Unknown int `json:"unknown"`
}

// PoolCounts count the ZFS pools by their state. Other is any that is not named here,
// such as UNAVAIL.
type PoolCounts struct {
	Total    int `json:"total"`
	Online   int `json:"online"`
	Degraded int `json:"degraded"`
	Faulted  int `json:"faulted"`
	Other    int `json:"other"`
}

// VolumeCounts count the volumes by their state.
type VolumeCounts struct {
	Total       int `json:"total"`
	Healthy     int `json:"healthy"`
	Degraded    int `json:"degraded"`
	Offline     int `json:"offline"`
	Unavailable int `json:"unavailable"`
	Unknown     int `json:"unknown"`
}

// ProxyCounts count the proxies that are polled by their state.
type ProxyCounts struct {
	Total     int `json:"total"`
	Healthy   int `json:"healthy"`
	Unhealthy int `json:"unhealthy"`
	Unknown   int `json:"unknown"`
}

// all are the counts that are known.
func (c *Counts) all() []*int {
	all := make([]*int, 0, 24)
	if d := c.Drives; d != nil {
		all = append(all, &d.Total, &d.OK, &d.Warning, &d.Failing, &d.Unknown)
	}
	if s := c.Slots; s != nil {
		all = append(all, &s.Total, &s.Populated, &s.Empty, &s.Fault)
	}
	if p := c.Pools; p != nil {
		all = append(all, &p.Total, &p.Online, &p.Degraded, &p.Faulted, &p.Other)
	}
	if v := c.Volumes; v != nil {
		all = append(all, &v.Total, &v.Healthy, &v.Degraded, &v.Offline, &v.Unavailable, &v.Unknown)
	}
	if p := c.Proxies; p != nil {
		all = append(all, &p.Total, &p.Healthy, &p.Unhealthy, &p.Unknown)
	}
	return all
}

// add counts what another node has too. What neither knows stays unknown.
func (c *Counts) add(more *Counts) {
	provide(&c.Drives, more.Drives)
	provide(&c.Slots, more.Slots)
	provide(&c.Pools, more.Pools)
	provide(&c.Volumes, more.Volumes)
	provide(&c.Proxies, more.Proxies)
	only := Counts{} // what both know, so that the two lists match
	match(&only.Drives, c.Drives, more.Drives)
	match(&only.Slots, c.Slots, more.Slots)
	match(&only.Pools, c.Pools, more.Pools)
	match(&only.Volumes, c.Volumes, more.Volumes)
	match(&only.Proxies, c.Proxies, more.Proxies)
	sums := only.all()
	for i, n := range more.all() {
		*sums[i] += *n
	}
}

func match[T any](to **T, sum, more *T) {
	if more != nil {
		*to = sum
	}
}

func provide[T any](to **T, from *T) {
	if *to == nil && from != nil {
		*to = new(T)
	}
}

// has says whether a drive has the verdict.
func (c *Counts) has(v assess.Verdict) bool {
	d := c.Drives
	if d == nil {
		return false
	}
	return map[assess.Verdict]int{assess.OK: d.OK, assess.Warning: d.Warning, assess.Failing: d.Failing, assess.Unknown: d.Unknown}[v] > 0
}
