package netapp

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"time"

	"storage_exporter/volume/rest"
)

// flexGroup is a FlexGroup's members. What ONTAP counts for the FlexGroup itself
// is not used, as NetApp's own exporter does not: it was found to be wrong.
type flexGroup struct {
	members []record
	whole   bool // all that are known are there
}

// fetchGroups asks for the members of all FlexGroups there are among the volumes.
func (b *backend) fetchGroups(ctx context.Context) (map[string]flexGroup, error) {
	volumes, _, err := b.volumes.Get(ctx)
	if err != nil {
		return nil, err
	}
	uuids := map[string]bool{}
	for _, o := range b.objects {
		if v, err := volumes.find(o); err == nil && v.is(styleFlexGroup) {
			uuids[v.UUID.String()] = true
		}
	}
	members := map[string]map[string]record{}
	for uuid := range uuids {
		members[uuid] = map[string]record{}
	}
	for _, batch := range batches(uuids) {
		query := url.Values{"is_constituent": {"true"}, "flexgroup.uuid": {batch}, "fields": {memberFields}}
		err := list(ctx, b, volumesPath, query, func(m record, a *rest.Answer) {
			group := members[m.FlexGroup.UUID.String()]
			if group == nil || m.UUID == "" {
				return
			}
			m.answer = a
			group[m.UUID.String()] = m // pages may overlap
		})
		if err != nil {
			return nil, err
		}
	}
	return b.roster.check(members), nil
}

// memberForgotten is how long a member may be away before it is taken for gone.
const memberForgotten = 10 * time.Minute

// roster is when each member of each FlexGroup was last seen: without one that
// an answer leaves out, the others would add up to too little. It belongs to
// fetchGroups, which runs once at a time.
type roster map[string]map[string]time.Time

func (r roster) check(groups map[string]map[string]record) map[string]flexGroup {
	now := time.Now()
	for uuid := range r {
		if _, ok := groups[uuid]; !ok {
			delete(r, uuid)
		}
	}
	checked := map[string]flexGroup{}
	for uuid, members := range groups {
		seen := r[uuid]
		if seen == nil {
			seen = map[string]time.Time{}
			r[uuid] = seen
		}
		var group flexGroup
		for _, id := range slices.Sorted(maps.Keys(members)) {
			seen[id] = now
			group.members = append(group.members, members[id])
		}
		for id, at := range seen {
			if now.Sub(at) > memberForgotten {
				delete(seen, id)
			}
		}
		group.whole = len(members) > 0 && len(seen) == len(members)
		checked[uuid] = group
	}
	return checked
}
