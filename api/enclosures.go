package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"storage_exporter/enclosure"
)

// listEnclosures answers with the shelves as they were observed; ?enclosure=
// names some of them.
func (a *API) listEnclosures(ctx context.Context, r *http.Request) (answer, error) {
	if a.cfg.Enclosures == nil {
		return answer{}, fmt.Errorf("%w: enclosures are not observed", errNotFound)
	}
	snap, err := a.cfg.Enclosures(ctx)
	if err != nil {
		return answer{}, err
	}
	ids := listOf(r.URL.Query(), "enclosure")
	shown := []enclosure.Enclosure{}
	for _, e := range *snap.Value {
		if len(ids) == 0 || slices.Contains(ids, e.ID) {
			shown = append(shown, e)
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(shown, func(e enclosure.Enclosure) bool { return e.ID == id }) {
			return answer{}, noEnclosure(id)
		}
	}
	ans := answer{body: map[string]any{"enclosures": shown}}
	include(&ans, snap)
	return ans, nil
}
