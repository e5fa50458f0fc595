package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"storage_exporter/overview"
	"storage_exporter/smart/assess"
)

// encoded is the JSON of one snapshot.
type encoded struct {
	revision uint64
	body     []byte // never changed
}

// overview answers with everything at one look. The whole one is encoded once
// for each snapshot, so that an answer costs a copy.
func (a *API) overview(_ context.Context, r *http.Request) (answer, error) {
	filter, err := overviewFilter(r.URL.Query())
	if err != nil {
		return answer{}, err
	}
	snap := a.cfg.Overview()
	o := snap.Value
	for _, id := range filter.Enclosures {
		if o.HasEnclosure(id) {
			continue
		}
		if o.Enclosures == nil {
			return answer{}, fmt.Errorf("the enclosures are not known: %s", o.Errors["enclosures"])
		}
		return answer{}, notListed("enclosure", id)
	}
	var ans answer
	include(&ans, snap)
	if !filter.Empty() {
		ans.body = o.Filter(filter)
		return ans, nil
	}
	ans.encoded, err = a.wholeOverview.encode(snap.Revision, snap.Value)
	return ans, err
}

// encode is the JSON of the value of a snapshot, made once for each.
func (w *lastEncoded) encode(revision uint64, value any) ([]byte, error) {
	if e := w.Load(); e != nil && e.revision == revision {
		return e.body, nil
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	w.Store(&encoded{revision, body})
	return body, nil
}

func overviewFilter(query url.Values) (overview.Filter, error) {
	verdicts, err := verdictsOf(query, "assessment")
	return overview.Filter{Enclosures: listOf(query, "enclosure"), Verdicts: verdicts}, err
}

// verdictsOf are those that a query asks for by a parameter, none for all.
func verdictsOf(query url.Values, parameter string) ([]assess.Verdict, error) {
	var verdicts []assess.Verdict
	for _, name := range listOf(query, parameter) {
		v := assess.Verdict(name)
		if !slices.Contains(assess.Verdicts, v) {
			return nil, fmt.Errorf("%w: %s %q: want some of %s", errBadArgument, parameter, name, joined(assess.Verdicts))
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

// listOf are the values of a parameter that may be repeated and may have
// several values with commas between them.
func listOf(query url.Values, name string) []string {
	var list []string
	for _, value := range query[name] {
		list = append(list, strings.Split(value, ",")...)
	}
	return list
}

func joined[T ~string](values []T) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(v))
	}
	return b.String()
}
