package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"storage_exporter/zpool"
)

// listPools answers with the pools as they were observed; ?pool= names some of
// them.
func (a *API) listPools(ctx context.Context, r *http.Request) (answer, error) {
	if a.cfg.Pools == nil {
		return answer{}, fmt.Errorf("%w: pools are not observed", errNotFound)
	}
	snap, err := a.cfg.Pools(ctx)
	if err != nil {
		return answer{}, err
	}
	names := listOf(r.URL.Query(), "pool")
	shown := []zpool.Pool{}
	for _, p := range *snap.Value {
		if len(names) == 0 || slices.Contains(names, p.Name) {
			shown = append(shown, p)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(shown, func(p zpool.Pool) bool { return p.Name == name }) {
			return answer{}, fmt.Errorf("%w: no pool %q: GET /api/pools lists them", errNotFound, name)
		}
	}
	ans := answer{body: map[string]any{"pools": shown}}
	include(&ans, snap)
	return ans, nil
}
