package web

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"storage_exporter/overview"
)

// countsOf are the tiles of an overview, each with a link to its list: drives is that of
// the drives.
func countsOf(o *overview.Overview, drives string) (list []count) {
	if d := o.Counts.Drives; d != nil && d.Total+d.NotMonitored > 0 {
		list = append(list, count{grouped(float64(d.Total)), nouns(d.Total, "drive", "drives"), talliedDrives(o), drives})
	}
	if s := o.Counts.Slots; s != nil && len(o.Enclosures) > 0 {
		says := []string{plural(s.Total, "slot", "slots"), grouped(float64(s.Empty)) + " empty"}
		if s.Fault > 0 {
			says = append(says, plural(s.Fault, "fault", "faults"))
		}
		list = append(list, count{grouped(float64(len(o.Enclosures))), nouns(len(o.Enclosures), "enclosure", "enclosures"), strings.Join(says, " · "), "#enclosures"})
	}
	if p := o.Counts.Pools; p != nil && p.Total > 0 {
		list = append(list, count{grouped(float64(p.Total)), nouns(p.Total, "pool", "pools"), tallied(func(s string) state {
			return stateOfPool(s).as(strings.ToLower(text(s)), "")
		}, p.ByState), "#pools"})
	}
	if v := o.Counts.Volumes; v != nil && v.Total > 0 {
		list = append(list, count{grouped(float64(v.Total)), nouns(v.Total, "volume", "volumes"), tallied(stateOfVolume, v.ByStatus), "#volumes"})
	}
	if p := o.Counts.Proxies; p != nil && p.Total > 0 {
		list = append(list, count{grouped(float64(p.Total)), nouns(p.Total, "proxy", "proxies"), tallied(stateOfProxy, p.ByStatus), "#proxies"})
	}
	return list
}

func nouns(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// tallied says how many have which state, those that are well first.
func tallied[S cmp.Ordered](of func(S) state, by map[S]int) string {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(by)), func(s S) bool { return by[s] == 0 })
	slices.SortStableFunc(keys, func(a, b S) int { return cmp.Compare(of(b).rank, of(a).rank) })
	var parts []string
	for _, s := range keys[:min(len(keys), 6)] {
		parts = append(parts, grouped(float64(by[s]))+" "+of(s).Word)
	}
	return strings.Join(parts, " · ")
}

// talliedDrives is the same of the monitored drives.
func talliedDrives(o *overview.Overview) string {
	by := make(map[string]int)
	o.Each(func(d *overview.Drive) bool {
		if !d.NotMonitored {
			by[stateOfDrive(d).Class]++
		}
		return true
	})
	var parts []string
	for _, s := range []state{ok, asleep, warning, failing, unknown} {
		if n := by[s.Class]; n > 0 || s == ok {
			parts = append(parts, grouped(float64(n))+" "+s.Word)
		}
	}
	return strings.Join(parts, " · ")
}
