package gpfs

import (
	"strings"

	"storage_exporter/internal/few"
	"storage_exporter/volume/rest"
)

// state is what the health monitor of a node says about one thing: an entity of a
// component, such as the file system fs1 of FILESYSTEM, or the disk nsd01 of DISK
// that belongs to fs1.
type state struct {
	Component, EntityName, EntityType rest.Text
	ParentName, ReportingNode, State  rest.Text
	Reasons                           []rest.Text
	Events                            []rest.Text // the older spelling of Reasons
}

// word is the state, in capitals; UNKNOWN where there is none.
func (s state) word() string {
	if s.State == "" {
		return "UNKNOWN"
	}
	return strings.ToUpper(s.State.String())
}

// well is whether there is nothing to do: TIPS are hints, CHECKING passes, and
// DISABLED is on purpose.
func (s state) well() bool {
	switch s.word() {
	case "HEALTHY", "TIPS", "CHECKING", "DISABLED":
		return true
	}
	return false
}

// down is whether it does not work: DEPEND is down because something that it
// needs is.
func (s state) down() bool {
	switch s.word() {
	case "FAILED", "DEPEND":
		return true
	}
	return false
}

// reasons are the names of the events behind it.
func (s state) reasons() string {
	var names []string
	for _, r := range append(s.Reasons, s.Events...) {
		if r != "" {
			names = append(names, r.String())
		}
	}
	return strings.Join(names, ", ")
}

// monitored is what the health monitors say, by what it is about.
type monitored struct {
	filesystems map[string][]state // one for each node that reports it
	disks       map[string][]state // by file system
	daemons     []state            // of the nodes and of GPFS on them
	elsewhere   []state            // not well, of components that carry no volume
}

func sortStates(states []state) monitored {
	m := monitored{filesystems: map[string][]state{}, disks: map[string][]state{}}
	for _, s := range states {
		switch component := strings.ToUpper(s.Component.String()); {
		case component == "FILESYSTEM":
			// The same component speaks of the node as a whole, too.
			if entity := strings.ToUpper(s.EntityType.String()); entity == "FILESYSTEM" || entity == "" {
				m.filesystems[s.EntityName.String()] = append(m.filesystems[s.EntityName.String()], s)
			}
		case component == "DISK":
			m.disks[s.ParentName.String()] = append(m.disks[s.ParentName.String()], s)
		case component == "GPFS" || component == "NODE":
			m.daemons = append(m.daemons, s)
		case !s.well():
			m.elsewhere = append(m.elsewhere, s)
		}
	}
	return m
}

// names is a list that stays short however long it is.
func names(list []string) string {
	const most = 8
	return few.Of(list, most, " and ")
}
