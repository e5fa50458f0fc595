package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"storage_exporter/fleet"
)

// listFleet answers with all hosts that share the store. The whole answer is encoded
// once for each reading.
func (a *API) listFleet(ctx context.Context, r *http.Request) (answer, error) {
	if a.cfg.Fleet == nil {
		return answer{}, errNoFleet
	}
	filter, err := fleetFilter(r.URL.Query())
	if err != nil {
		return answer{}, err
	}
	snap, err := a.cfg.Fleet.Get(ctx)
	if err != nil {
		return answer{}, err
	}
	for _, name := range filter.Nodes {
		if _, ok := snap.Value.Find(name); !ok {
			return answer{}, noNode(name)
		}
	}
	var ans answer
	include(&ans, snap)
	if filter.Empty() {
		ans.encoded, err = a.wholeFleet.encode(snap.Revision, snap.Value)
	} else {
		ans.body = snap.Value.Filter(filter)
	}
	return ans, err
}

// node answers with one host: its overview as it put that into the store, else what its
// digest says.
func (a *API) node(ctx context.Context, r *http.Request) (answer, error) {
	if a.cfg.Fleet == nil {
		return answer{}, errNoFleet
	}
	name := r.PathValue("node")
	detail, err := a.cfg.Fleet.Node(ctx, name)
	if errors.Is(err, fleet.ErrNoNode) {
		return answer{}, noNode(name)
	}
	if err != nil {
		return answer{}, err
	}
	ans := answer{body: detail}
	ans.include(detail.Age, detail.Lookup)
	return ans, nil
}

var errNoFleet = fmt.Errorf("%w: the fleet is not shown here: start with --fleet", errNotFound)

func noNode(name string) error {
	return fmt.Errorf("%w: no node %q: GET /api/fleet lists them", errNotFound, name)
}

func fleetFilter(query url.Values) (fleet.Filter, error) {
	verdicts, err := verdictsOf(query, "verdict")
	filter := fleet.Filter{Nodes: listOf(query, "node"), Verdicts: verdicts}
	for _, name := range listOf(query, "state") {
		if !slices.Contains(fleet.States, fleet.State(name)) {
			return filter, fmt.Errorf("%w: state %q: want some of %s", errBadArgument, name, joined(fleet.States))
		}
		filter.States = append(filter.States, fleet.State(name))
	}
	return filter, err
}
