package vast

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"storage_exporter/volume/rest"
)

// quota limits a path. A limit is null where there is none.
type quota struct {
	Name, Path, State rest.Text
	TenantID          rest.Int  `json:"tenant_id"`
	Tenant            rest.Text `json:"tenant_name"`
	Hard              rest.Int  `json:"hard_limit"` // bytes
	Soft              rest.Int  `json:"soft_limit"`
	Used              rest.Int  `json:"used_capacity"`
	HardInodes        rest.Int  `json:"hard_limit_inodes"`
	UsedInodes        rest.Int  `json:"used_inodes"`
}

// quotas are those of the volumes' paths.
type quotas map[string][]quota

// of are the quotas of exactly this view, the one that leaves the least room first.
func (all quotas) of(v view) []*quota {
	var found []*quota
	for _, q := range all[clean(v.Path)] {
		same := true
		switch {
		case q.TenantID.Valid && v.TenantID.Valid:
			same = q.TenantID == v.TenantID
		case q.Tenant != "" && v.Tenant != "":
			same = strings.EqualFold(q.Tenant.String(), v.Tenant.String())
		}
		if same {
			found = append(found, &q)
		}
	}
	slices.SortFunc(found, func(a, b *quota) int {
		switch u, other := a.usage(), b.usage(); {
		case u.Tighter(other):
			return -1
		case other.Tighter(u):
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return found
}

// fetchQuotas gets the quotas and keeps those of the volumes' paths: there may be
// one for every user's directory.
func (b *backend) fetchQuotas(ctx context.Context) (quotas, error) {
	r := rest.Request{Path: "/quotas/", Optional: true, Query: fields("name", "path", "state", "tenant_id", "tenant_name",
		"hard_limit", "soft_limit", "used_capacity", "hard_limit_inodes", "used_inodes")}
	all := quotas{}
	err := each(ctx, b.client, r, func(q quota) {
		if p := clean(q.Path); b.paths[p] {
			all[p] = append(all[p], q)
		}
	})
	return all, err
}
