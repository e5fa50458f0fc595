package proxy

import (
	"cmp"
	"fmt"
	"slices"

	"storage_exporter/cache"
	"storage_exporter/volume"
)

// reading is the proxy as a snapshot, or the lack of one, has it.
func (p *polled) reading(r cache.Result[snapshot]) Reading {
	if r.Err == nil {
		return Reading{Proxy: p.show(r.Snapshot), Age: r.Snapshot.Age, Lookup: r.Snapshot.Lookup, Revision: r.Snapshot.Revision, Mine: r.Snapshot.Mine}
	}
	unknown := p.blank()
	unknown.Status, unknown.Reason = Unknown, r.Err.Error()
	if last, ok := p.entry.Last(); ok { // expired
		unknown.showVolumes(last.Value, true)
	}
	return Reading{Proxy: unknown, Lookup: cache.Miss, Err: r.Err}
}

// show is what a snapshot says. What the store holds may be anything.
func (p *polled) show(snap cache.Snapshot[snapshot]) *Proxy {
	if s := p.newest.Load(); s != nil && s.revision == snap.Revision {
		return s.proxy
	}
	s, out := snap.Value, p.blank()
	at := snap.ObservedAt.UTC()
	out.Status, out.Reason, out.LastCheckedAt = cmp.Or(s.Status, Unknown), s.Reason, &at
	if slices.Contains(Shapes, s.Shape) {
		out.Shape, out.Says, out.Version, out.Checks = s.Shape, s.Says, s.Version, s.Checks
	}
	out.showVolumes(s, s.Carried != nil)
	return out
}

func (p *polled) blank() *Proxy {
	return &Proxy{Name: p.cfg.Name, URL: p.cfg.URL, Metrics: p.cfg.Metrics, Volumes: []Volume{}}
}

// showVolumes takes over the volumes. Of those that the proxy does not name now no
// state is known.
func (p *Proxy) showVolumes(s *snapshot, silent bool) {
	p.VolumesAt, p.VolumesReason, p.LeftOut = s.VolumesAt, s.VolumesReason, s.LeftOut
	for i := range s.Volumes[:min(len(s.Volumes), maxVolumes)] {
		v := s.Volumes[i].Volume
		v.Status = cmp.Or(v.Status, volume.Unknown)
		if silent {
			v.Status, v.Info = volume.Unknown, fmt.Sprintf("the proxy does not say; last known as %s", v.Status)
		}
		p.Volumes = append(p.Volumes, v)
	}
}

// news takes a new snapshot and reports whether a state has changed, of the proxy or one
// of its volumes. It logs a change of the proxy's.
func (p *polled) news(snap cache.Snapshot[snapshot]) (changed bool) {
	before, now := p.newest.Load(), p.show(snap)
	p.newest.Store(&shown{snap.Revision, now})
	if before == nil {
		if now.Status == Unhealthy {
			p.log.Warn("proxy is not healthy", "reason", now.Reason)
		}
		return true
	}
	was := before.proxy
	return was.Status != now.Status || !slices.EqualFunc(was.Volumes, now.Volumes, func(a, b Volume) bool { return a.Name == b.Name && a.Status == b.Status })
}
