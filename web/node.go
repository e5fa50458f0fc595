package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"time"

	"storage_exporter/fleet"
	"storage_exporter/overview"
)

// nodeHead marks a node's overview.
type nodeHead struct {
	Name    string
	State   state
	Says    string // how old it is, or why nothing is known
	Version string
	Own     string // the address of the node's own page; empty where none is known
}

// maxParts bounds the values in a node's overview, so that hostile ones do not take more
// memory than those of thousands of drives.
const maxParts = 250_000

// node is a node's overview as it put that into the store, else what its digest says.
func (p *Pages) node(ctx context.Context, r *http.Request) (page, error) {
	name, a := r.PathValue("node"), askedOf(r.URL.Query())
	detail, err := p.cfg.Fleet.Node(ctx, name)
	switch {
	case errors.Is(err, fleet.ErrNoNode):
		return page{}, &refused{http.StatusNotFound, "No such host", fmt.Sprintf("The fleet has no host %q now.", text(name))}
	case err != nil:
		return page{}, &refused{http.StatusServiceUnavailable, "The fleet is not known now", sentence(err.Error())}
	}
	n := &detail.Node
	mark := nodeHead{Name: text(n.Node), State: stateOfNode(n), Says: sentence(n.Error), Version: text(n.Version), Own: ownPage(n)}
	if n.State == fleet.Silent {
		mark.Says = "It has not reported for " + seconds(n.LastSeen) + "."
	}
	path := nodePage(n.Node)
	return page{
		template: "overview", key: path + "?" + a.key(), age: detail.Age,
		made: fmt.Sprint(maphash.Bytes(seed, detail.Overview), " ", mark, " ", detail.Worst),
		head: head{Title: name, Current: "fleet", Root: "../", At: time.Now().Add(-detail.Age)},
		body: func() any {
			v := p.nodeView(detail, path, a)
			v.Node = &mark
			return v
		},
	}, nil
}

func (p *Pages) nodeView(detail *fleet.Detail, path string, a asked) *overviewView {
	o, err := decodeOverview(detail.Overview)
	if err != nil {
		v := &overviewView{Path: path, Show: a.show}
		v.Headline = plural(len(detail.Worst), "thing is wrong", "things are wrong")
		for i := range detail.Worst[:min(len(detail.Worst), maxProblems)] {
			x := problemOfRow(&detail.Worst[i])
			x.Href = ""
			v.Problems = append(v.Problems, x)
		}
		if len(v.Problems) == 0 {
			v.Headline, v.Calm = "Nothing is known to be wrong", sentence(err.Error())
			if detail.Node.State != fleet.Live {
				v.Headline, v.Calm = "Nothing is known of it now", ""
			}
		}
		return v
	}
	own := ownURL(&detail.Node)
	if own == "" {
		return viewOf(o, path, a, nil, nil)
	}
	return viewOf(o, path, a, nil, func(label string) string { return own + "/" + drivePage(label) })
}

// decodeOverview reads what a node has put into the store, as anybody may have.
func decodeOverview(raw json.RawMessage) (*overview.Overview, error) {
	if len(raw) == 0 {
		return nil, errNoOverview
	}
	if n := bytes.Count(raw, []byte{','}) + bytes.Count(raw, []byte{'{'}); n > maxParts {
		return nil, fmt.Errorf("the node's overview has more than %d parts, which is no honest one", maxParts)
	}
	o := &overview.Overview{}
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, fmt.Errorf("the node's overview cannot be read: %w", err)
	}
	o.Counts = o.Count()
	return o, nil
}
