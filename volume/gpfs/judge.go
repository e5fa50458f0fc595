package gpfs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	longestInfo  = 500 // characters
	longestFact  = 300
	fewBytesLeft = 0.02 // of the capacity: full
)

// findings are what is wrong with a volume: the worst counts, all are shown.
type findings struct{ volume.Verdict }

// judge is the health of a volume; an error where its file system is not there.
func (o *observed) judge(v volumeOptions) (volume.Health, error) {
	fs, known := o.filesystems[v.filesystem]
	states := o.monitored.filesystems[v.filesystem]
	if len(states) == 0 && !known {
		switch {
		case o.filesystemsErr == nil:
			return volume.Health{}, rest.Absent("file system %q", rest.Clean(v.filesystem, 100))
		case errors.Is(o.filesystemsErr, rest.ErrNotFound):
			return volume.Health{}, o.filesystemsErr
		}
	}
	var found findings
	found.filesystem(v.filesystem, states)
	if known {
		found.mount(v, fs, states, o.loaded[v.filesystem])
	}
	found.disks(o.disks[v.filesystem])
	found.daemons(o.daemons)
	found.nodes(o.nodes)
	found.space(o.pools[v.filesystem])
	if o.nodesErr != nil {
		found.Note("the nodes are not known: %v", o.nodesErr)
	}
	if o.filesystemsErr != nil {
		found.Note("where it is mounted is not known: %v", o.filesystemsErr)
	}
	return rest.Judged(found.Verdict, longestInfo, o.metadata(v, fs, states)), nil
}

// filesystem is about what each node says of the file system.
func (f *findings) filesystem(name string, states []state) {
	var down, unknown int
	for _, s := range states {
		switch {
		case s.down():
			down++
		case s.word() == "UNKNOWN":
			unknown++
		}
	}
	status := volume.Degraded
	switch {
	case len(states) == 0:
		f.Worsen(volume.Unavailable, "no health state is reported for file system %s: check that the health monitor (mmhealth) runs", name)
		return
	case down == len(states):
		status = volume.Offline
	case unknown == len(states):
		status = volume.Unavailable
	}
	for _, g := range group(states, reporter) {
		f.Worsen(status, "file system %s is %s on %s%s", name, g.word, g.who, g.because)
	}
}

// mount is about where the file system is mounted. The GUI renews that list seldom:
// against a state of now, or a load that was measured, it alone decides nothing.
func (f *findings) mount(v volumeOptions, fs filesystem, states []state, loaded bool) {
	m := fs.Mount
	switch {
	case len(m.ReadWrite) > 0:
	case len(m.ReadOnly) > 0 && !v.readOnly:
		f.Worsen(volume.Degraded, "it is mounted read-only on all nodes: %s", names(texts(m.ReadOnly)))
	case len(m.ReadOnly) > 0 || len(m.Internally) > 0:
	case m.ReadWrite != nil && !strings.EqualFold(m.Status.String(), "mounted"):
		f.nowhere(states, loaded)
	}
}

// nowhere is about a file system that is on no node's list of mounts.
func (f *findings) nowhere(states []state, loaded bool) {
	var against []string
	var well []string
	for _, s := range states {
		if word := s.word(); word == "HEALTHY" || word == "TIPS" {
			well = append(well, s.ReportingNode.String())
		}
	}
	if len(well) > 0 {
		slices.Sort(well)
		against = append(against, "its health is good on "+names(slices.Compact(well)))
	}
	if loaded {
		against = append(against, "reads or writes are measured")
	}
	if len(against) == 0 {
		f.Worsen(volume.Offline, "it is not mounted on any node: mount it with mmmount")
		return
	}
	f.Worsen(volume.Degraded, "the GUI's list of mounts has it on no node, but %s: check it with mmlsmount", strings.Join(against, " and "))
}

func (f *findings) disks(states []state) {
	for _, g := range group(states, entity) {
		f.Worsen(volume.Degraded, "disk %s is %s%s", g.who, g.word, g.because)
	}
}

// daemons is about GPFS and the nodes. A node is DEGRADED for whatever is wrong
// on it, which need not be about volumes.
func (f *findings) daemons(states []state) {
	var bad []state
	for _, s := range states {
		node := strings.EqualFold(s.Component.String(), "NODE")
		if node && (s.word() == "DEGRADED" || s.word() == "UNKNOWN") {
			continue
		}
		bad = append(bad, s)
	}
	for _, g := range group(bad, reporter) {
		f.Worsen(volume.Degraded, "%s is %s on %s%s", g.component, g.word, g.who, g.because)
	}
}

// nodes is about the daemon's own word on each node.
func (f *findings) nodes(nodes []node) {
	var inactive []string
	var down int
	for _, n := range nodes {
		word := strings.ToLower(n.Status.GPFSState.String())
		switch word {
		case "active":
			continue
		case "down", "arbitrating":
			down++
		case "":
			word = "not told"
		}
		inactive = append(inactive, n.Name.String()+" ("+word+")")
	}
	switch {
	case len(inactive) == 0:
	case down == len(nodes):
		f.Worsen(volume.Offline, "GPFS is not active on any of %s: start it with mmstartup, or bring back a quorum", plural(len(nodes), "node", "nodes"))
	default:
		f.Worsen(volume.Degraded, "GPFS is not active on %d of %s: %s", len(inactive), plural(len(nodes), "node", "nodes"), names(inactive))
	}
}

// space is about what runs out. A file system whose metadata is full takes no more
// files, however much room there is for data.
func (f *findings) space(pools []pool) {
	for _, kind := range []struct {
		name string
		of   func(pool) (total, free rest.Int)
	}{
		{"data", func(p pool) (rest.Int, rest.Int) { return p.TotalData, p.FreeData }},
		{"metadata", func(p pool) (rest.Int, rest.Int) { return p.TotalMeta, p.FreeMeta }},
	} {
		if total, free, ok := space(pools, kind.of); ok && float64(free) < fewBytesLeft*float64(total) {
			f.Worsen(volume.Degraded, "its %s is full (%.1f %% left): delete files or add disks", kind.name, 100*float64(free)/float64(total))
		}
	}
}

// alike are states that are not well, of one component and word and with the same
// reasons.
type alike struct {
	component, word string
	who             string // the nodes, or the disks
	because         string // in brackets; empty for no reasons
}

// group sums up the states that are not well: one entry for each kind.
func group(states []state, who func(state) rest.Text) []alike {
	members := map[alike][]string{}
	for _, s := range states {
		if s.well() {
			continue
		}
		key := alike{component: strings.ToUpper(s.Component.String()), word: s.word()}
		if reasons := s.reasons(); reasons != "" {
			key.because = " (" + reasons + ")"
		}
		members[key] = append(members[key], who(s).String())
	}
	kinds := make([]alike, 0, len(members))
	for key, list := range members {
		slices.Sort(list)
		key.who = names(slices.Compact(list))
		kinds = append(kinds, key)
	}
	slices.SortFunc(kinds, func(a, b alike) int {
		return cmp.Or(cmp.Compare(a.component, b.component), cmp.Compare(a.word, b.word), cmp.Compare(a.because, b.because))
	})
	return kinds
}

func reporter(s state) rest.Text { return s.ReportingNode }

func entity(s state) rest.Text { return s.EntityName }

func texts(list []rest.Text) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.String()
	}
	return out
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
