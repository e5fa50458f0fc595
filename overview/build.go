package overview

import (
	"cmp"
	"math"
	"slices"
	"time"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/zpool"
)

// notAssessed is for a drive of which there is no report.
var notAssessed = assess.Drive(nil, nil)

// Build makes the overview of the parts. The same parts make the same overview.
// It shares memory with them.
func Build(in Parts) *Overview {
	o := &Overview{BuiltAt: in.At.UTC().Round(0)}
	o.Stale = in.lookup() != cache.Hit
	b := builder{in: in, lookup: in.lookupDrives(), seats: make(map[int]seat), looseSeats: make(map[string]seat)}
	b.placed = place(b.lookup, known(in.Enclosures))
	b.findMembers()
	o.note("drives", in.DrivesErr)
	o.note("enclosures", in.Enclosures.Err)
	o.note("pools", in.Pools.Err)
	if in.Enclosures.Err == nil {
		o.Enclosures = b.enclosures()
	}
	if in.DrivesErr == nil {
		o.Outside = b.outside()
	}
	if in.Pools.Err == nil {
		o.Pools = b.pools()
	}
	if in.Volumes != nil {
		o.Volumes = make([]Volume, len(in.Volumes))
	}
	for i := range in.Volumes {
		o.Volumes[i] = in.Volumes[i].describe()
	}
	for i := range in.Proxies {
		o.Proxies = append(o.Proxies, in.Proxies[i].describe())
	}
	o.Counts = o.Count()
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

// builder holds what is looked up while an overview is made.
type builder struct {
	in     Parts
	lookup *smart.Lookup
	placed [][][]int // as place has it
	// The vdevs on each drive, in the pools' order. loose has those whose name is no
	// monitored drive's, by the name.
	members map[int][]zpool.Member
	loose   map[string][]zpool.Member
	// The seats of the drives by the same two keys, filled as the drives are described.
	seats      map[int]seat
	looseSeats map[string]seat
}

func (b *builder) enclosures() []Enclosure {
	enclosures := known(b.in.Enclosures)
	list := make([]Enclosure, len(enclosures))
	for i, e := range enclosures {
		list[i] = Enclosure{ID: e.ID, Vendor: e.Vendor, Model: e.Model, Revision: e.Revision, Slots: make([]Slot, len(e.Slots))}
		for j := range e.Slots {
			s := &e.Slots[j]
			list[i].Slots[j] = b.slot(b.placed[i][j], seat{enclosure: e.ID, slot: s.Slot}, s)
		}
	}
	return list
}

// outside describes the drives that no slot has; enclosures has seated the others.
func (b *builder) outside() []Drive {
	list := []Drive{}
	for i := range b.in.Drives {
		if _, seated := b.seats[i]; !seated {
			list = append(list, b.drive(i, nil, seat{}))
		}
	}
	return list
}

// slot describes a slot with the drives in it.
func (b *builder) slot(drives []int, where seat, s *enclosure.Slot) Slot {
	out := Slot{Slot: s.Slot, Status: s.Status, Populated: s.Populated, Fault: s.Fault, Locate: s.Locate, Power: s.Power}
	if s.Name != s.Slot {
		out.Name = s.Name
	}
	for n, i := range drives {
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
	if names := b.names(i, s); len(names) > 1 {
		d.Paths = names
	}
	where.device, where.verdict = m.Label, d.Assessment.Verdict
	b.seats[i] = where
	d.Pools = memberships(b.members[i], b.sit(b.unowned(s), where))
	return d
}

// unowned are the names by which a slot knows its drive and no monitored drive is
// found.
func (b *builder) unowned(s *enclosure.Slot) (names []string) {
	if s == nil {
		return nil
	}
	for _, name := range s.Names() {
		if _, taken := b.lookup.Named(name); !taken {
			names = append(names, name)
		}
	}
	return names
}

// sit gives the names a seat, unless they have one, and returns the vdevs on them.
func (b *builder) sit(names []string, where seat) (members []zpool.Member) {
	for _, name := range names {
		name = smart.NodeLabel(name)
		if _, known := b.looseSeats[name]; !known {
			b.looseSeats[name] = where
			members = append(members, b.loose[name]...)
		}
	}
	return members
}

// report takes over what the report says.
func (d *Drive) report(snap cache.Snapshot[report.Report]) {
	r := snap.Value
	d.Model, d.Serial, d.WWN = cmp.Or(r.ModelName, d.Model), cmp.Or(r.SerialNumber, d.Serial), cmp.Or(r.WWN, d.WWN)
	d.Protocol, d.CapacityBytes, d.PowerMode = r.Device.Protocol, r.CapacityBytes, r.PowerMode
	if t, ok := r.Temperatures["current"]; ok {
		d.TemperatureCelsius = &t
	}
	figures := assess.FiguresOf(r)
	d.TemperatureLimit, d.PowerOnSeconds, d.WearPercent, d.Errors = figures.TemperatureLimit, r.PowerOnSeconds, figures.WearPercent, figures.Errors
	if !r.NotRead {
		d.ObservedAt, d.AgeSeconds = shownTimes(snap.ObservedAt, snap.Age)
	}
}

// shownTimes are a snapshot's time, and its age in seconds to a tenth.
func shownTimes(observedAt time.Time, age time.Duration) (at *time.Time, seconds *float64) {
	return new(observedAt.UTC()), new(math.Round(age.Seconds()*10) / 10)
}

// unmonitored describes a drive by what its enclosure reports. Pools know drives by
// name only: a name that a monitored drive has now is not this one's any more.
func (b *builder) unmonitored(s *enclosure.Slot, where seat) *Drive {
	d := &Drive{
		Device: smart.NodeLabel(s.Device), Model: s.Model, Serial: s.Serial, WWN: s.WWN, NotMonitored: b.in.DrivesErr == nil,
		Assessment: notAssessed,
	}
	if len(s.Devices) > 1 {
		d.Paths = s.Devices
	}
	where.device = d.Device
	d.Pools = memberships(b.sit(b.unowned(s), where))
	return d
}

// memberships are the places in pools of a drive with these vdevs, each once.
func memberships(members ...[]zpool.Member) []Membership {
	var list []Membership
	var seen []*zpool.Vdev
	for _, m := range slices.Concat(members...) {
		if slices.Contains(seen, m.Vdev) {
			continue
		}
		seen = append(seen, m.Vdev)
		list = append(list, Membership{Pool: m.Pool.Name, Vdev: m.Vdev.Top, Role: m.Vdev.Role, State: m.Vdev.State})
	}
	return list
}
