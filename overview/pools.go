package overview

import (
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

// members finds the vdevs on each drive, in the pools' order.
func (in *Parts) members() map[string][]zpool.Member {
	members := make(map[string][]zpool.Member)
	pools := in.zpools()
	for i := range pools {
		for j := range pools[i].Vdevs {
			v := &pools[i].Vdevs[j]
			for _, device := range v.Devices {
				name := kernelName(device)
				members[name] = append(members[name], zpool.Member{Pool: &pools[i], Vdev: v})
			}
		}
	}
	return members
}

// seat is what a vdev's drive is called, and where it sits. A name that both a
// monitored drive and a shelf's record of another one have is the monitored
// drive's.
type seat struct {
	device          string
	verdict         smart.Verdict
	enclosure, slot string
}

func (b *builder) pools() []Pool {
	list := make([]Pool, 0, len(b.in.zpools()))
	for _, p := range b.in.zpools() {
		out := Pool{
			Name: p.Name, GUID: p.GUID, State: p.State, Status: p.Status, Action: p.Action, Scan: p.Scan, DataErrors: p.DataErrors,
			Vdevs: make([]Vdev, 0, len(p.Vdevs)),
		}
		for i := range p.Vdevs {
			out.Vdevs = append(out.Vdevs, vdev(&p.Vdevs[i], b.seats))
		}
		list = append(list, out)
	}
	return list
}

func vdev(v *zpool.Vdev, seats map[string]seat) Vdev {
	out := Vdev{
		ID: v.ID, Name: v.Name, Type: v.Type, Role: v.Role, Parent: v.Parent, State: v.State, NotPresent: v.NotPresent, Note: v.Note,
		ReadErrors: v.ReadErrors, WriteErrors: v.WriteErrors, ChecksumErrors: v.ChecksumErrors,
	}
	if v.Device == "" {
		return out
	}
	out.Device = v.Device
	if s, ok := seats[kernelName(v.Device)]; ok {
		out.Device, out.Verdict, out.Enclosure, out.Slot = s.device, s.verdict, s.enclosure, s.slot
	}
	return out
}
