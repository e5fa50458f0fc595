package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"storage_exporter/fleet"
	"storage_exporter/overview"
)

// fewProblems is how many are shown where not all are asked for, and maxProblems how
// many ever.
const fewProblems, maxProblems = 10, 2000

// problem is one thing that is wrong.
type problem struct {
	State  state
	Kind   fleet.Kind
	Name   string
	Href   string // empty where there is no page
	Place  string
	Reason string
	Do     string // empty where there is no clear answer
}

// problemsOf finds what is wrong, the worst first.
func problemsOf(o *overview.Overview, p places, drive driveLinks) []problem {
	var list []problem
	for _, part := range slices.Sorted(maps.Keys(o.Errors)) {
		if why := o.Errors[part]; why != overview.ErrNotObserved.Error() {
			list = append(list, problem{State: warning.as("not known", "?"), Name: "the " + text(part), Place: "all of them", Reason: "They are not known: " + text(why) + "."})
		}
	}
	for i := range o.Volumes {
		list = append(list, problemOfVolume(&o.Volumes[i]))
	}
	for i := range o.Pools {
		list = append(list, problemOfPool(&o.Pools[i], o, p))
	}
	for i := range o.Enclosures {
		e := &o.Enclosures[i]
		for j := range e.Slots {
			list = append(list, problemsOfSlot(&e.Slots[j], p.of(e.ID, e.Slots[j].Slot), drive)...)
		}
	}
	for i := range o.Outside {
		list = append(list, problemOfDrive(&o.Outside[i], "in no enclosure", drive))
	}
	for i := range o.Proxies {
		x := &o.Proxies[i]
		list = append(list, problem{State: stateOfProxy(x.Status), Kind: fleet.Proxy, Name: text(x.Name), Place: "proxy", Href: "#proxies", Reason: sentence(cmp.Or(x.Reason, "not polled yet"))})
	}
	list = slices.DeleteFunc(list, func(x problem) bool { return !x.State.wrong() })
	slices.SortStableFunc(list, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.State.rank, b.State.rank), cmp.Compare(slices.Index(fleet.Kinds, a.Kind), slices.Index(fleet.Kinds, b.Kind)))
	})
	return list
}

func problemOfVolume(v *overview.Volume) problem {
	return problem{
		State: stateOfVolume(v.Status), Kind: fleet.Volume, Name: text(v.Name), Href: "#volumes", Place: joined(", ", "volume", text(v.Backend)),
		Reason: sentence(cmp.Or(v.Info, "no reason was given")),
	}
}

func problemsOfSlot(s *overview.Slot, place string, drive driveLinks) (list []problem) {
	lit := is(s.Fault)
	each := func(d *overview.Drive) {
		x := problemOfDrive(d, place, drive)
		if lit && x.State.wrong() {
			x.Reason += " Its fault light is on."
			lit = false
		}
		list = append(list, x)
	}
	if s.Drive != nil {
		each(s.Drive)
	}
	for i := range s.More {
		each(&s.More[i])
	}
	if lit {
		x := problem{State: warning.as("fault light", "W"), Kind: fleet.Slot, Name: "slot " + text(s.Slot), Place: place, Href: "#enclosures", Reason: "The fault light is on, and the slot is empty."}
		if s.Drive != nil {
			x.Reason = fmt.Sprintf("The fault light is on, though %s is %s.", cmp.Or(text(s.Drive.Device), "the drive"), stateOfDrive(s.Drive).Word)
			x.Href = drive.to(s.Drive.Device)
		}
		list = append(list, x)
	}
	return list
}

func problemOfDrive(d *overview.Drive, place string, drive driveLinks) problem {
	s := stateOfDrive(d)
	if d.NotMonitored {
		s = asleep // known by its enclosure only, which is no fault
	}
	x := problem{State: s, Kind: fleet.Drive, Name: joined(" · ", text(d.Device), text(d.Serial)), Place: joined(" · ", place, poolsOf(d))}
	x.Href = drive.to(d.Device)
	trouble, troubled := troubleWords[d.Trouble]
	switch reasons := d.Assessment.Reasons; {
	case len(reasons) > 0:
		x.Reason, x.Do = explain(reasons[0])
		if more := len(reasons) - 1; more > 0 {
			x.Reason += " " + plural(more, "more reason", "more reasons") + "."
		}
	case troubled:
		x.Reason, x.Do = trouble.why, trouble.do
	default:
		x.Reason = sentence(cmp.Or(d.Error, "nothing is known of its health"))
	}
	if troubled && s == ok { // an older report still stands
		x.State, x.Reason, x.Do = unknown.as("no new report", "?"), trouble.why+" What is shown is its last report.", trouble.do
	}
	return x
}
