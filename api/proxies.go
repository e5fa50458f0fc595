package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"storage_exporter/proxy"
)

// listProxies answers with what is known of other proxies; ?proxy= names some of them.
// It does not wait for those that were not polled yet.
func (a *API) listProxies(_ context.Context, r *http.Request) (answer, error) {
	if a.cfg.Proxies == nil {
		return answer{}, fmt.Errorf("%w: proxies are not observed", errNotFound)
	}
	names := listOf(r.URL.Query(), "proxy")
	shown := []*proxy.Proxy{}
	ans := answer{cached: true}
	for _, p := range a.cfg.Proxies() {
		if len(names) == 0 || slices.Contains(names, p.Proxy.Name) {
			shown = append(shown, p.Proxy)
			ans.include(p.Age, p.Lookup)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(shown, func(p *proxy.Proxy) bool { return p.Name == n }) {
			return answer{}, fmt.Errorf("%w: no proxy %q: GET /api/proxies lists them", errNotFound, n)
		}
	}
	ans.body = map[string]any{"proxies": shown}
	return ans, nil
}
