package api

import (
	"context"
	"errors"
	"net/http"

	"storage_exporter/internal/outside"
)

// targetGroup is what Prometheus discovers: here of one target, so that one that it
// refuses costs no other.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

var errNotReady = errors.New("not ready: the first observations are under way")

// discover answers a Prometheus that looks for targets: the configured proxies, and of
// the fleet what is allowed. It takes a list for complete and drops what is not on it. So
// there is an error wherever something may be missing.
func (a *API) discover(ctx context.Context, _ *http.Request) (answer, error) {
	if a.cfg.Ready != nil && !a.cfg.Ready() {
		return answer{}, errNotReady
	}
	groups := []targetGroup{}
	if a.cfg.Proxies != nil {
		for _, r := range a.cfg.Proxies() {
			if p := r.Proxy; outside.IsAddress(p.Metrics) {
				groups = append(groups, targetGroup{[]string{p.Metrics}, map[string]string{"__meta_storage_proxy": outside.Text(p.Name)}})
			}
		}
	}
	if a.cfg.Fleet != nil && a.cfg.FleetTargets != nil {
		snap, err := a.cfg.Fleet.Get(ctx)
		if err != nil {
			return answer{}, err
		}
		targets, err := snap.Value.Targets()
		if err != nil {
			return answer{}, err
		}
		for _, t := range targets {
			if !a.cfg.FleetTargets.MatchString(t.Address) {
				continue
			}
			labels := map[string]string{"__meta_storage_node": t.Node}
			if t.Scheme != "http" {
				labels["__scheme__"] = t.Scheme
			}
			groups = append(groups, targetGroup{[]string{t.Address}, labels})
		}
	}
	return answer{body: groups}, nil
}
