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

// wrongView is what is wrong, or that nothing is.
type wrongView struct {
	Headline string
	Calm     string // all is well, with the counts; empty where something is wrong
	Problems []problem
	MoreHref string // to all problems; empty where they are shown
	More     int
}

// wrongOf shows few problems of a list, or all that may be shown; total is how many there
// are, and href where all are shown.
func wrongOf(list []problem, total int, all bool, href string) wrongView {
	most := fewProblems
	if all {
		most = maxProblems
	}
	v := wrongView{Headline: plural(total, "thing is wrong", "things are wrong"), Problems: list[:min(len(list), most)]}
	if v.More = total - len(v.Problems); v.More > 0 && !all {
		v.MoreHref = href
	}
	return v
}

// problemsOf finds what is wrong, the worst first.
func problemsOf(o *overview.Overview, p places, drive driveLinks) []problem {
	var list []problem
	// Then all that is known of a drive is what its enclosure says.
	unseen := o.Errors["drives"] != ""
	for _, part := range slices.Sorted(maps.Keys(o.Errors)) {
		if why := o.Errors[part]; why != overview.ErrNotObserved.Error() {
			list = append(list, problem{State: warning.as("not known", "?"), Name: "the " + text(part), Place: "all of them", Reason: sentence(why)})
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
			list = append(list, problemsOfSlot(&e.Slots[j], p.of(e.ID, e.Slots[j].Slot), drive, unseen)...)
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

func problemsOfSlot(s *overview.Slot, place string, drive driveLinks, unseen bool) (list []problem) {
	lit := is(s.Fault)
	says := "The fault light is on"
	if !lit && s.Status.Bad() {
		lit, says = true, "The enclosure calls the slot "+string(s.Status)
	}
	each := func(d *overview.Drive) {
		x := problemOfDrive(d, place, drive)
		if unseen {
			x.State = asleep // no fault of the drive's
		}
		if lit && x.State.wrong() {
			if is(s.Fault) {
				x.Reason += " Its fault light is on."
			} else {
				x.Reason += " " + says + "."
			}
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
		x := problem{State: warning.as("fault light", "W"), Kind: fleet.Slot, Name: "slot " + text(s.Slot), Place: place, Href: "#enclosures"}
		if !is(s.Fault) {
			x.State = warning.as(string(s.Status), "W")
		}
		switch {
		case s.Drive != nil:
			x.Reason = fmt.Sprintf("%s, though %s is %s.", says, cmp.Or(text(s.Drive.Device), "the drive"), stateOfDrive(s.Drive).Word)
			x.Href = drive.to(s.Drive.Device)
		case s.Populated == nil:
			x.Reason = says + ". Whether there is a drive in it is not known."
		case *s.Populated:
			x.Reason, x.Do = says+", and the system does not see the drive in it.", "Pull it and put it back; if it stays so, replace it."
		default:
			x.Reason = says + ", and the slot is empty."
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
	if d.Outdated() {
		x.Reason += " What is shown is its last report."
	}
	return x
}
