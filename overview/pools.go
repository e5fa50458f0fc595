package overview

import (
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/zpool"
)

// findMembers finds the vdevs on each drive, in the pools' order.
func (b *builder) findMembers() {
	b.members, b.loose = make(map[int][]zpool.Member), make(map[string][]zpool.Member)
	pools := known(b.in.Pools)
	for i := range pools {
		for j := range pools[i].Vdevs {
			v := &pools[i].Vdevs[j]
			for _, name := range v.Devices {
				m := zpool.Member{Pool: &pools[i], Vdev: v}
				if drive, ok := b.lookup.Named(name); ok {
					b.members[drive] = append(b.members[drive], m)
				} else {
					name = smart.NodeLabel(name)
					b.loose[name] = append(b.loose[name], m)
				}
			}
		}
	}
}

// seat is what a vdev's drive is called, and where it sits. A name may be both a
// monitored drive's and, in an enclosure's record, another's: then it is the
// monitored drive's.
type seat struct {
	device          string
	verdict         assess.Verdict
	enclosure, slot string
}

func (b *builder) pools() []Pool {
	list := make([]Pool, 0, len(known(b.in.Pools)))
	for _, p := range known(b.in.Pools) {
		out := Pool{
			Name: p.Name, GUID: p.GUID, State: p.State, Status: p.Status, Action: p.Action, Scan: p.Scan, DataErrors: p.DataErrors,
			Vdevs: make([]Vdev, 0, len(p.Vdevs)),
		}
		for i := range p.Vdevs {
			out.Vdevs = append(out.Vdevs, b.vdev(&p.Vdevs[i]))
		}
		list = append(list, out)
	}
	return list
}

func (b *builder) vdev(v *zpool.Vdev) Vdev {
	out := Vdev{
		ID: v.ID, Name: v.Name, Type: v.Type, Role: v.Role, Parent: v.Parent, State: v.State, NotPresent: v.NotPresent, Note: v.Note,
		ReadErrors: v.ReadErrors, WriteErrors: v.WriteErrors, ChecksumErrors: v.ChecksumErrors,
	}
	if v.Device == "" {
		return out
	}
	out.Device = b.lookup.LabelOf(v.Names()...)
	s, ok := b.looseSeats[out.Device]
	if drive, monitored := b.lookup.Named(v.Names()...); monitored {
		s, ok = b.seats[drive]
	}
	if ok {
		out.Device, out.Verdict, out.Enclosure, out.Slot = s.device, s.verdict, s.enclosure, s.slot
	}
	return out
}
