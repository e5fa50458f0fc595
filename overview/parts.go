package overview

import (
	"slices"
	"time"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/zpool"
)

// Parts is what an overview is made of. A part with an error is not known.
type Parts struct {
	At         time.Time   // the wall clock, for display
	Drives     []Monitored // all monitored drives, labels unique
	DrivesErr  error       // why the monitored set is not known
	Enclosures cache.Result[[]enclosure.Enclosure]
	Pools      cache.Result[[]zpool.Pool]
	Volumes    []VolumePart // in the order to show; nil: none can be configured
	Proxies    []ProxyPart  // in the order to show; nil: there are none
}

// Monitored is one drive of the monitored set.
type Monitored struct {
	Label string
	// Paths are the labels of all devices that lead to the drive, its own among
	// them; Names all others that it is found by. Both are as smart.Drive has them.
	Paths, Names []string
	Identity     block.Identity // as the system knows it
	Report       cache.Result[report.Report]
	Assessment   assess.Result
	Trouble      smart.Trouble
}

// about is what is known of a snapshot, whatever its value.
type about struct {
	age        *time.Duration
	observedAt *time.Time
	lookup     cache.Lookup
	mine       bool
}

func aboutOf[T any](r *cache.Result[T]) about {
	s := &r.Snapshot
	return about{&s.Age, &s.ObservedAt, s.Lookup, s.Mine}
}

// each yields all snapshots of the parts. One that is not known is all zeros.
func (in *Parts) each(yield func(about) bool) {
	if !yield(aboutOf(&in.Enclosures)) || !yield(aboutOf(&in.Pools)) {
		return
	}
	for i := range in.Drives {
		if !yield(aboutOf(&in.Drives[i].Report)) {
			return
		}
	}
	for i := range in.Volumes {
		v := &in.Volumes[i]
		if !yield(aboutOf(&v.Health)) || !yield(aboutOf(&v.Performance)) || !yield(aboutOf(&v.Usage)) {
			return
		}
	}
	for i := range in.Proxies {
		if !yield(in.Proxies[i].about()) {
			return
		}
	}
}

// age is that of the oldest part.
func (in *Parts) age() (age time.Duration) {
	for a := range in.each {
		age = max(age, *a.age)
	}
	return age
}

// lookup is that of the worst part. A part that is not known has none.
func (in *Parts) lookup() (worst cache.Lookup) {
	for a := range in.each {
		worst = max(worst, a.lookup)
	}
	return worst
}

// mine says whether this process has observed any of the parts.
func (in *Parts) mine() bool {
	for a := range in.each {
		if a.mine {
			return true
		}
	}
	return false
}

// timeless is the same parts without times and ages.
func (in Parts) timeless() Parts {
	in.At, in.Drives, in.Volumes, in.Proxies = time.Time{}, slices.Clone(in.Drives), slices.Clone(in.Volumes), slices.Clone(in.Proxies)
	for a := range in.each {
		*a.age, *a.observedAt = 0, time.Time{}
	}
	return in
}

// known is the list that was read, or none.
func known[T any](r cache.Result[[]T]) []T {
	if r.Err != nil || r.Snapshot.Value == nil {
		return nil
	}
	return *r.Snapshot.Value
}

// lookupDrives finds the drives by their places in the list.
func (in *Parts) lookupDrives() *smart.Lookup {
	named := make([]smart.Named, len(in.Drives))
	for i := range in.Drives {
		m := &in.Drives[i]
		named[i] = smart.Named{Label: m.Label, Names: slices.Concat(m.Paths, m.Names), Identities: []block.Identity{m.Identity}}
		if r := m.Report.Snapshot.Value; r != nil {
			named[i].Identities = append(named[i].Identities, r.Identity())
		}
	}
	return smart.NewLookup(named)
}
