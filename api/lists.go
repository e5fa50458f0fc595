package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"storage_exporter/cache"
	"storage_exporter/enclosure"
	"storage_exporter/zpool"
)

// listEnclosures answers with the enclosures; ?enclosure= names some of them.
func (a *API) listEnclosures(ctx context.Context, r *http.Request) (answer, error) {
	return list(ctx, r, a.cfg.Enclosures, "enclosure", func(e enclosure.Enclosure) string { return e.ID })
}

// listPools answers with the pools; ?pool= names some of them.
func (a *API) listPools(ctx context.Context, r *http.Request) (answer, error) {
	return list(ctx, r, a.cfg.Pools, "pool", func(p zpool.Pool) string { return p.Name })
}

// list answers with what get returns, or with those that the query names by the
// parameter kind. get is nil where they are not observed.
func list[T any](ctx context.Context, r *http.Request, get func(context.Context) (cache.Snapshot[[]T], error), kind string, name func(T) string) (answer, error) {
	if get == nil {
		return answer{}, fmt.Errorf("%w: %ss are not observed", errNotFound, kind)
	}
	snap, err := get(ctx)
	if err != nil {
		return answer{}, err
	}
	names := listOf(r.URL.Query(), kind)
	shown := []T{}
	for _, v := range *snap.Value {
		if len(names) == 0 || slices.Contains(names, name(v)) {
			shown = append(shown, v)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(shown, func(v T) bool { return name(v) == n }) {
			return answer{}, notListed(kind, n)
		}
	}
	ans := answer{body: map[string]any{kind + "s": shown}}
	include(&ans, snap)
	return ans, nil
}

// notListed is the error for a name of a kind that /api/<kind>s lists.
func notListed(kind, name string) error {
	return fmt.Errorf("%w: no %s %q: GET /api/%ss lists them", errNotFound, kind, name, kind)
}
