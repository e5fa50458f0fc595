package hammerspace

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// exported is a share, as the cluster knows it.
type exported struct {
	Name, Path  rest.Text
	State       rest.Text `json:"shareState"`
	Lifecycle   rest.Text `json:"shareLifecycle"`
	Utilization rest.Text `json:"utilizationState"` // not all releases have it
	Limit       rest.Int  `json:"shareSizeLimit"`   // bytes; 0 and absent are none
	Space       space     // bytes
	Inodes      space
}

// exports are all shares of the cluster.
type exports []exported

// exports may be none: shares are made for each quota scope.
func (c *client) exports(ctx context.Context) (exports, error) {
	var all exports
	return all, c.rest.Get(ctx, "/shares", nil, &all)
}

// named is the share of that name. One that was made anew counts, not the one that
// is still listed because it is being removed.
func (all exports) named(name string) (found exported, err error) {
	err = rest.Absent("share %q", name)
	for _, s := range all {
		if s.Name.String() == name && (err != nil || s.replaces(found)) {
			found, err = s, nil
		}
	}
	return found, err
}

// holding is the share that a path of the cluster lies in: the deepest, and of those
// made at the same path the one that stays.
func (all exports) holding(dir string) (deepest exported, ok bool) {
	longest := -1
	for _, s := range all {
		at := strings.TrimSuffix(s.Path.String(), "/")
		if s.Path == "" || !strings.HasPrefix(dir+"/", at+"/") {
			continue
		}
		if len(at) > longest || len(at) == longest && s.replaces(deepest) {
			longest, deepest, ok = len(at), s, true
		}
	}
	return deepest, ok
}

// replaces is whether a share counts instead of another of its name or path: one that
// is leaving does not, and of two that stay the one with less room.
func (s exported) replaces(other exported) bool {
	if s.leaving() != other.leaving() {
		return other.leaving()
	}
	return s.usage().Tighter(other.usage())
}

// usage is within the share's own limit; one without has no capacity.
func (s exported) usage() volume.Usage {
	u := volume.Usage{UsedBytes: s.Space.Used.Amount(), Inodes: positive(s.Inodes.Total), InodesUsed: s.Inodes.Used.Amount()}
	if positive(s.Limit) != nil {
		u.CapacityBytes, u.AvailableBytes = cmp.Or(s.Space.Total.Amount(), s.Limit.Amount()), s.Space.Available.Amount()
	}
	return u
}

// leaving is whether a share is removed or about to be.
func (s exported) leaving() bool {
	return slices.Contains([]string{"PRE_REMOVAL", "REMOVING", "RECLAIMING", "REMOVE_FAILED", "REMOVED"}, strings.ToUpper(s.State.String()))
}

// exportOf is the path in the source of an NFS mount, such as 10.1.1.10:/share.
func exportOf(source string) string {
	_, dir, ok := strings.Cut(source, ":/")
	if !ok {
		return ""
	}
	return cleanPath("/" + dir)
}

// health is what the cluster says of a share.
func (s exported) health() volume.Health {
	name := "share " + rest.Clean(s.Name.String(), longestWord)
	var found volume.Verdict
	switch state := strings.ToUpper(s.State.String()); state {
	case "ONLINE", "MOUNTED", "PUBLISHED", "CREATED":
	case "OFFLINE", "REMOVED":
		found.Worsen(volume.Offline, "%s is %s", name, state)
		return rest.Judged(found, longestInfo, nil)
	case "PRE_REMOVAL", "REMOVING", "RECLAIMING", "REMOVE_FAILED":
		found.Worsen(volume.Degraded, "%s is in state %s", name, state)
	default:
		found.Worsen(volume.Degraded, "%s %s", name, strange(s.State))
	}
	switch cycle := strings.ToUpper(s.Lifecycle.String()); cycle {
	case "CREATED", "":
	case "CREATING", "PRE_DELETE", "DELETE_SCHEDULED", "DELETING", "DELETE_FAILED":
		found.Worsen(volume.Degraded, "%s is being made or deleted: %s", name, cycle)
	default:
		found.Worsen(volume.Degraded, "%s has an unknown lifecycle %q", name, rest.Clean(s.Lifecycle.String(), longestWord))
	}
	if u := s.Utilization; u != "" && !strings.EqualFold(u.String(), "NORMAL") {
		found.Worsen(volume.Degraded, "the utilization of %s is %s", name, rest.Clean(u.String(), longestWord))
	}
	return rest.Judged(found, longestInfo, nil)
}
