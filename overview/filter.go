package overview

import (
	"slices"

	"storage_exporter/smart/assess"
)

// Filter is what to show of an overview. What is empty filters nothing.
type Filter struct {
	Enclosures []string // ids
	Verdicts   []assess.Verdict
}

// Empty says that the filter leaves everything as it is.
func (f Filter) Empty() bool { return len(f.Enclosures) == 0 && len(f.Verdicts) == 0 }

// HasEnclosure says whether there is an enclosure of this id.
func (o *Overview) HasEnclosure(id string) bool {
	return slices.ContainsFunc(o.Enclosures, func(e Enclosure) bool { return e.ID == id })
}

// Filter is the part of the overview that passes: the named enclosures, of them the
// slots and drives with one of the verdicts, and whole pools that have such a drive.
// No volume and no proxy passes. The counts are of what is shown. The overview stays as it is;
// the two share memory.
func (o *Overview) Filter(f Filter) *Overview {
	if f.Empty() {
		return o
	}
	out := *o
	out.Outside, out.Enclosures, out.Volumes, out.Proxies = nil, nil, nil, nil
	for i := range o.Enclosures {
		e := o.Enclosures[i]
		if len(f.Enclosures) > 0 && !slices.Contains(f.Enclosures, e.ID) {
			continue
		}
		e.Slots = f.slots(e.Slots)
		if len(f.Verdicts) == 0 || len(e.Slots) > 0 {
			out.Enclosures = append(out.Enclosures, e)
		}
	}
	if out.Enclosures == nil && o.Enclosures != nil {
		out.Enclosures = []Enclosure{}
	}
	if o.Outside != nil {
		out.Outside = []Drive{}
	}
	if len(f.Enclosures) == 0 {
		out.Outside = append(out.Outside, f.drives(o.Outside)...)
	}
	out.Pools = out.poolsShown()
	out.Counts = out.Count()
	return &out
}

func (f Filter) passes(d *Drive) bool {
	return len(f.Verdicts) == 0 || slices.Contains(f.Verdicts, d.Assessment.Verdict)
}

// slots are those with a drive that passes; all where drives are not filtered.
func (f Filter) slots(slots []Slot) []Slot {
	if len(f.Verdicts) == 0 {
		return slots
	}
	shown := []Slot{}
	for _, s := range slots {
		if s.Drive != nil && !f.passes(s.Drive) {
			s.Drive = nil
		}
		s.More = f.drives(s.More)
		if s.Drive == nil && len(s.More) > 0 {
			s.Drive, s.More = &s.More[0], s.More[1:]
		}
		if s.Drive != nil {
			shown = append(shown, s)
		}
	}
	return shown
}

func (f Filter) drives(drives []Drive) []Drive {
	var shown []Drive
	for i := range drives {
		if f.passes(&drives[i]) {
			shown = append(shown, drives[i])
		}
	}
	return shown
}

// poolsShown are the pools that have one of the drives shown.
func (o *Overview) poolsShown() []Pool {
	if o.Pools == nil {
		return nil
	}
	names := make(map[string]bool)
	for d := range o.Each {
		for _, m := range d.Pools {
			names[m.Pool] = true
		}
	}
	shown := []Pool{}
	for _, p := range o.Pools {
		if names[p.Name] {
			shown = append(shown, p)
		}
	}
	return shown
}
