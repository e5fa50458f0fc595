package overview

import (
	"cmp"
	"math"
	"slices"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/zpool"
)

// Parts is what an overview is made of. A part with an error is not known.
type Parts struct {
	At         time.Time   // the wall clock, for display
	Drives     []Monitored // all monitored drives, labels unique
	Enclosures cache.Result[[]enclosure.Enclosure]
	Pools      cache.Result[[]zpool.Pool]
}

// Monitored is one drive of the monitored set.
type Monitored struct {
	Label string
	// Paths are the labels of all names of the drive, its own among them, as
	// smart.Drive has them. Those that the kernel's names make are the same.
	Paths      []string
	Identity   block.Identity // as the system tells it
	Report     cache.Result[smart.Report]
	Assessment smart.Assessment
	Trouble    smart.Trouble
}

// notAssessed is for a drive of which there is no report.
var notAssessed = smart.Assess(nil, nil)

// Build makes the overview of the parts. The same parts make the same overview.
// It shares memory with them.
func Build(in Parts) *Overview {
	o := &Overview{BuiltAt: in.At.UTC().Round(0), Outside: []Drive{}}
	o.Stale = in.lookup() != cache.Hit
	b := builder{in: in, members: in.members(), place: place(in.Drives, in.shelves()), seats: make(map[string]seat)}
	o.note("enclosures", in.Enclosures.Err)
	o.note("pools", in.Pools.Err)
	if in.Enclosures.Err == nil {
		o.Enclosures = b.enclosures()
	}
	for i := range in.Drives {
		if _, placed := b.place.of[i]; !placed {
			o.Outside = append(o.Outside, b.drive(i, nil, seat{}))
		}
	}
	if in.Pools.Err == nil {
		o.Pools = b.pools()
	}
	o.Counts = o.count()
	return o
}

func (o *Overview) note(part string, err error) {
	if err == nil {
		return
	}
	if o.Errors == nil {
		o.Errors = make(map[string]string)
	}
	o.Errors[part] = err.Error()
}

// age is that of the oldest part.
func (in *Parts) age() time.Duration {
	age := max(in.Enclosures.Snapshot.Age, in.Pools.Snapshot.Age)
	for i := range in.Drives {
		age = max(age, in.Drives[i].Report.Snapshot.Age)
	}
	return age
}

// lookup is that of the worst part. A part that is not known has none.
func (in *Parts) lookup() cache.Lookup {
	worst := max(in.Enclosures.Snapshot.Lookup, in.Pools.Snapshot.Lookup)
	for i := range in.Drives {
		worst = max(worst, in.Drives[i].Report.Snapshot.Lookup)
	}
	return worst
}

func (in *Parts) shelves() []enclosure.Enclosure {
	if in.Enclosures.Err != nil || in.Enclosures.Snapshot.Value == nil {
		return nil
	}
	return *in.Enclosures.Snapshot.Value
}

func (in *Parts) zpools() []zpool.Pool {
	if in.Pools.Err != nil || in.Pools.Snapshot.Value == nil {
		return nil
	}
	return *in.Pools.Snapshot.Value
}

// builder holds what is looked up while an overview is made.
type builder struct {
	in      Parts
	members map[string][]zpool.Member // by kernel name
	place   placement
	seats   map[string]seat // by kernel name, filled as the drives are described
}

func (b *builder) enclosures() []Enclosure {
	list := make([]Enclosure, 0, len(b.in.shelves()))
	for i, shelf := range b.in.shelves() {
		e := Enclosure{ID: shelf.ID, Vendor: shelf.Vendor, Model: shelf.Model, Revision: shelf.Revision, Slots: make([]Slot, 0, len(shelf.Slots))}
		for j := range shelf.Slots {
			e.Slots = append(e.Slots, b.slot(bay{i, j}, seat{enclosure: shelf.ID, slot: shelf.Slots[j].Slot}, &shelf.Slots[j]))
		}
		list = append(list, e)
	}
	return list
}

func (b *builder) slot(at bay, where seat, s *enclosure.Slot) Slot {
	out := Slot{Slot: s.Slot, Status: s.Status, Populated: s.Populated, Fault: s.Fault, Locate: s.Locate, Power: s.Power}
	if s.Name != s.Slot {
		out.Name = s.Name
	}
	for n, i := range b.place.in[at] {
		d := b.drive(i, s, where)
		if n == 0 {
			out.Drive = &d
		} else {
			out.More = append(out.More, d)
		}
	}
	if out.Drive == nil && (s.Device != "" || s.WWN != "" || s.Serial != "") {
		out.Drive = b.unmonitored(s, where)
	}
	return out
}

// drive describes a monitored drive, which sits in s if that is not nil.
func (b *builder) drive(i int, s *enclosure.Slot, where seat) Drive {
	m := &b.in.Drives[i]
	d := Drive{
		Device: m.Label, Model: m.Identity.Model, Serial: m.Identity.Serial, WWN: m.Identity.WWN,
		Assessment: m.Assessment, Trouble: m.Trouble,
	}
	if m.Report.Err != nil {
		d.Error = m.Report.Err.Error()
	} else if m.Report.Snapshot.Value != nil {
		d.report(m.Report.Snapshot)
	}
	names := b.place.names(i, m, s)
	if len(names) > 1 {
		d.Paths = names
	}
	d.Pools = b.memberships(names)
	where.device, where.verdict = m.Label, d.Assessment.Verdict
	for _, name := range names {
		if owner, taken := b.place.byName[name]; !taken || owner == i {
			b.seats[name] = where
		}
	}
	return d
}

// report takes over what the report tells.
func (d *Drive) report(snap cache.Snapshot[smart.Report]) {
	r := snap.Value
	d.Model, d.Serial, d.WWN = cmp.Or(r.ModelName, d.Model), cmp.Or(r.SerialNumber, d.Serial), cmp.Or(r.WWN, d.WWN)
	d.Protocol, d.CapacityBytes, d.PowerMode = r.Device.Protocol, r.CapacityBytes, r.PowerMode
	if t, ok := r.Temperatures["current"]; ok {
		d.TemperatureCelsius = &t
	}
	at, age := snap.ObservedAt.UTC(), math.Round(snap.Age.Seconds()*10)/10
	d.ObservedAt, d.AgeSeconds = &at, &age
}

// unmonitored describes a drive by what its shelf tells. Pools know drives by
// name only: a name that a monitored drive has now is not this one's any more.
func (b *builder) unmonitored(s *enclosure.Slot, where seat) *Drive {
	d := &Drive{
		Device: s.Device, Model: s.Model, Serial: s.Serial, WWN: s.WWN, NotMonitored: true,
		Assessment: notAssessed,
	}
	if len(s.Devices) > 1 {
		d.Paths = s.Devices
	}
	where.device = s.Device
	var names []string
	for _, name := range slotNames(s) {
		_, taken := b.place.byName[name]
		_, known := b.seats[name]
		if !taken && !known {
			names = append(names, name)
			b.seats[name] = where
		}
	}
	d.Pools = b.memberships(names)
	return d
}

// memberships are the places in pools of the drive with these names, each once.
func (b *builder) memberships(names []string) []Membership {
	var list []Membership
	var seen []*zpool.Vdev
	for _, name := range names {
		for _, m := range b.members[name] {
			if slices.Contains(seen, m.Vdev) {
				continue
			}
			seen = append(seen, m.Vdev)
			list = append(list, Membership{Pool: m.Pool.Name, Vdev: m.Vdev.Top, Role: m.Vdev.Role, State: m.Vdev.State})
		}
	}
	return list
}
