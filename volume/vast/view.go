package vast

import (
	"cmp"
	"context"
	"path"
	"strings"
	"time"

	"storage_exporter/volume/rest"
)

// view is a path that a cluster exports. Sizes are in bytes, and null until they
// were computed.
type view struct {
	ID       rest.Int
	Name     rest.Text
	Path     rest.Text
	TenantID rest.Int  `json:"tenant_id"`
	Tenant   rest.Text `json:"tenant_name"`
	Logical  rest.Int  `json:"logical_capacity"`
	Physical rest.Int  `json:"physical_capacity"`
}

// views are those of the volumes, by path. A path is unique within a tenant only.
type views map[string][]view

// find returns the volume's view.
func (all views) find(o options) (view, error) {
	var found []view
	var tenants []string
	for _, v := range all[o.view] {
		if o.tenant == "" || v.Tenant == "" || strings.EqualFold(v.Tenant.String(), o.tenant) {
			found = append(found, v)
			tenants = append(tenants, cmp.Or(rest.Clean(v.Tenant.String(), 40), "one without a name"))
		}
	}
	shown := rest.Clean(o.view, maxDetail)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return view{}, rest.Nonsense("view %q is there for several tenants (%s): set vast_tenant to one of them",
			shown, rest.Clean(strings.Join(tenants, ", "), 200))
	case o.tenant != "":
		return view{}, rest.Absent("view %q of tenant %q", shown, rest.Clean(o.tenant, maxDetail))
	}
	return view{}, rest.Absent("view %q", shown)
}

// list is the views, and when they were asked for. They are asked for again soon
// where one of the volumes' is missing, or since an id was refused.
func (b *backend) list(ctx context.Context) (views, time.Time, error) {
	all, at, err := b.views.Get(ctx)
	if err != nil || time.Since(at) < viewsSooner || !b.doubtful(all, at) {
		return all, at, err
	}
	if fresh, freshAt, err := b.sooner.Get(ctx); err == nil && freshAt.After(at) {
		return fresh, freshAt, nil
	}
	return all, at, nil
}

func (b *backend) doubtful(all views, at time.Time) bool {
	if refused := b.refused.Load(); refused != nil && at.Before(*refused) {
		return true
	}
	for p := range b.paths {
		if len(all[p]) == 0 {
			return true
		}
	}
	return false
}

// fetchViews gets the views and keeps those of the volumes.
func (b *backend) fetchViews(ctx context.Context) (views, error) {
	r := rest.Request{Path: "/views/", Query: fields("id", "path", "name", "tenant_id", "tenant_name", "logical_capacity", "physical_capacity")}
	all := views{}
	seen := map[int64]bool{} // a list that changes while it is read may have one twice
	err := each(ctx, b.client, r, func(v view) {
		p := clean(v.Path)
		if !b.paths[p] || v.ID.Valid && seen[v.ID.Value] {
			return
		}
		seen[v.ID.Value] = true
		all[p] = append(all[p], v)
	})
	return all, err
}

// clean is a path as options have it.
func clean(t rest.Text) string {
	if t == "" {
		return ""
	}
	return path.Clean(t.String())
}
