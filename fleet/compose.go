package fleet

import (
	"cmp"
	"slices"

	"storage_exporter/internal/outside"
	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart/assess"
	"storage_exporter/volume"
)

// compose makes a digest of an overview.
func compose(o *overview.Overview) *Digest {
	d := &Digest{}
	d.count(&o.Counts)
	for i := range o.Volumes {
		v := &o.Volumes[i]
		d.add(Trouble{Volume, v.Name, verdictOfVolume(v.Status), cmp.Or(v.Info, string(v.Status)), v.Backend})
	}
	for i := range o.Pools {
		p := &o.Pools[i]
		d.add(Trouble{Pool, p.Name, verdictOfPool(p.State), cmp.Or(p.Status, p.State), ""})
	}
	for i := range o.Enclosures {
		d.addEnclosure(&o.Enclosures[i])
	}
	for i := range o.Outside {
		d.addDrive(&o.Outside[i], "")
	}
	for i := range o.Proxies {
		p := &o.Proxies[i]
		d.add(Trouble{Proxy, p.Name, verdictOfProxy(p.Status), p.Reason, ""})
	}
	slices.SortStableFunc(d.Worst, func(a, b Trouble) int {
		return cmp.Or(cmp.Compare(rank(a.Verdict), rank(b.Verdict)), cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)))
	})
	return d
}

func (d *Digest) add(t Trouble) {
	if rank(t.Verdict) < len(ranks) {
		t.Name, t.Place = outside.TextUpTo(t.Name, maxText), outside.TextUpTo(t.Place, maxText)
		d.Worst = append(d.Worst, t)
	}
}

func (d *Digest) addEnclosure(e *overview.Enclosure) {
	for i := range e.Slots {
		s := &e.Slots[i]
		place := e.ID + "/" + s.Slot
		if s.Fault != nil && *s.Fault {
			d.add(Trouble{Slot, cmp.Or(s.Name, s.Slot), assess.Warning, "the fault light is on", place})
		}
		if s.Drive != nil {
			d.addDrive(s.Drive, place)
		}
		for j := range s.More {
			d.addDrive(&s.More[j], place)
		}
	}
}

func (d *Digest) addDrive(of *overview.Drive, place string) {
	if of.NotMonitored {
		return
	}
	reason := cmp.Or(of.Error, string(of.Trouble))
	if len(of.Assessment.Reasons) > 0 {
		reason = of.Assessment.Reasons[0].Text
	}
	verdict := of.Assessment.Verdict
	if of.Outdated() {
		verdict = assess.Unknown
	}
	d.add(Trouble{Drive, of.Device, verdict, reason, place})
}

// count takes over what the overview has counted.
func (d *Digest) count(c *overview.Counts) {
	if c.Drives != nil {
		by := c.Drives.ByVerdict
		d.Counts.Drives = &DriveCounts{c.Drives.Total, by[assess.OK], by[assess.Warning], by[assess.Failing], by[assess.Unknown]}
	}
	d.Counts.Slots = c.Slots
	if c.Pools != nil {
		by := c.Pools.ByState
		p := &PoolCounts{Total: c.Pools.Total, Online: by["ONLINE"], Degraded: by["DEGRADED"], Faulted: by["FAULTED"]}
		p.Other = p.Total - p.Online - p.Degraded - p.Faulted
		d.Counts.Pools = p
	}
	if c.Volumes != nil {
		by := c.Volumes.ByStatus
		d.Counts.Volumes = &VolumeCounts{
			c.Volumes.Total, by[volume.Healthy], by[volume.Degraded], by[volume.Offline], by[volume.Unavailable], by[volume.Unknown],
		}
	}
	if c.Proxies != nil {
		by := c.Proxies.ByStatus
		d.Counts.Proxies = &ProxyCounts{c.Proxies.Total, by[proxy.Healthy], by[proxy.Unhealthy], by[proxy.Unknown]}
	}
}

func verdictOfProxy(s proxy.Status) assess.Verdict {
	switch s {
	case proxy.Healthy:
		return assess.OK
	case proxy.Unhealthy:
		return assess.Failing
	}
	return assess.Unknown
}

func verdictOfVolume(s volume.Status) assess.Verdict {
	switch s {
	case volume.Healthy:
		return assess.OK
	case volume.Degraded, volume.Unavailable:
		return assess.Warning
	case volume.Offline:
		return assess.Failing
	}
	return assess.Unknown
}

func verdictOfPool(state string) assess.Verdict {
	switch state {
	case "ONLINE":
		return assess.OK
	case "DEGRADED":
		return assess.Warning
	}
	return assess.Failing
}
