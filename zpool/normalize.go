package zpool

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The states that the parsers decide by. zpool's other words are as they are.
const (
	online  = "ONLINE"
	unavail = "UNAVAIL"
	removed = "REMOVED"
	inUse   = "INUSE"
	avail   = "AVAIL"
)

// The types of vdevs that the parsers decide by.
const (
	typeDisk    = "disk"
	typeFile    = "file"
	typeMissing = "missing"
	typeDspare  = "dspare"
)

var (
	groupTypes = []string{"root", "mirror", "raidz", "draid", "replacing", "spare"}
	// groupName takes mirror-0, raidz2-1, draid2:8d:84c:2s-0.
	groupName = regexp.MustCompile(`^(mirror|raidz|draid|replacing|spare)\d?(:[0-9dcs:]+)?-\d+$`)
	// dspareName takes draid2-0-1.
	dspareName = regexp.MustCompile(`^draid\d-\d+-\d+$`)
	ghostName  = regexp.MustCompile(`^(hole|indirect)-\d+$`)
)

func isGroup(typ string) bool { return slices.Contains(groupTypes, typ) }

// leafType is the type of a vdev that is no group, by what the text form shows.
func leafType(v *Vdev) string {
	switch {
	case dspareName.MatchString(v.Name):
		return typeDspare
	case v.Path == "" && digits(v.Name):
		return typeMissing
	case strings.HasPrefix(v.Path, "/") && !strings.HasPrefix(v.Path, "/dev/"):
		return typeFile
	}
	return typeDisk
}

// normalize brings what the two forms have in common into one shape.
func normalize(pools []Pool) ([]Pool, error) {
	seen := make(map[string]bool)
	for i := range pools {
		p := &pools[i]
		if p.Name == "" || p.State == "" || seen[p.Name] {
			return nil, fmt.Errorf("%w: a pool without a name or state, or twice", ErrBadOutput)
		}
		seen[p.Name] = true
		p.State = normalState(p.State)
		p.Status, p.Action = oneLine(p.Status), oneLine(p.Action)
		// What was removed from the pool, but for the number of its place.
		p.Vdevs = slices.DeleteFunc(p.Vdevs, func(v Vdev) bool {
			return v.Type == "hole" || v.Type == "indirect" || ghostName.MatchString(v.Name)
		})
		for j := range p.Vdevs {
			normalizeVdev(&p.Vdevs[j])
		}
		p.Vdevs = joinSpares(p.Vdevs)
		distinguish(p.Vdevs)
		if p.Vdevs == nil {
			p.Vdevs = []Vdev{}
		}
	}
	return pools, nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func normalizeVdev(v *Vdev) {
	v.State = normalState(v.State)
	v.ID = cmp.Or(v.ID, v.Path, v.Name)
	switch v.Type {
	// What it is for in place of what it is.
	case "", "log", "l2cache", "spare":
		if v.Leaf {
			v.Type = leafType(v)
		}
	}
	if v.State == avail || v.State == inUse {
		v.ReadErrors, v.WriteErrors, v.ChecksumErrors, v.SlowIOs = nil, nil, nil, nil
	}
}

// normalState makes one word of those that zpool's forms and versions have for
// one state.
func normalState(s string) string {
	switch s {
	case "HEALTHY":
		return online
	case "CANT_OPEN":
		return unavail
	case "CLOSED":
		return "OFFLINE"
	}
	return s
}

// joinSpares leaves out of the list of spares those in use in the pool itself:
// they stand in the group that they help out, with the same guid.
func joinSpares(vdevs []Vdev) []Vdev {
	listed := make(map[string]bool)
	for i := range vdevs {
		if v := &vdevs[i]; v.Role == Spare && v.State == inUse {
			listed[v.ID] = true
		}
	}
	found := make(map[string]bool)
	for i := range vdevs {
		if v := &vdevs[i]; v.Leaf && v.Role != Spare && listed[v.ID] {
			v.Role = Spare
			found[v.ID] = true
		}
	}
	return slices.DeleteFunc(vdevs, func(v Vdev) bool { return v.State == inUse && v.Role == Spare && found[v.ID] })
}

// distinguish makes the IDs unique. Those of zpool are; this is for names and
// for what is no honest output.
func distinguish(vdevs []Vdev) {
	seen := make(map[string]bool, len(vdevs))
	next := make(map[string]int)
	for i := range vdevs {
		v := &vdevs[i]
		if v.ID == "" {
			v.ID = "?"
		}
		id := v.ID
		for seen[id] {
			next[v.ID]++
			id = fmt.Sprintf("%s#%d", v.ID, next[v.ID]+1)
		}
		v.ID = id
		seen[id] = true
	}
}
