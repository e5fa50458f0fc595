package purestorage

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"storage_exporter/volume/rest"
)

// array is what an array is, of /arrays.
type array struct {
	ID, Name, OS, Revision, Version rest.Text
}

// arraySpace is of /arrays/space.
type arraySpace struct {
	Capacity rest.Int   // usable bytes
	Parity   rest.Float // share of the data that is fully redundant, up to 1
}

// component is a blade, a node or another part, of /blades, /nodes or /hardware.
type component struct {
	Name, Type, Status, Details rest.Text
}

// alert is an open one. 1.x says component and subject, 2.x component_name and
// summary.
type alert struct {
	Severity, State, Summary, Subject rest.Text
	Component                         rest.Text
	ComponentName                     rest.Text `json:"component_name"`
	ComponentType                     rest.Text `json:"component_type"`
}

func (c *client) array(ctx context.Context) (array, error) {
	return single[array](ctx, c, "arrays")
}

func (c *client) arraySpace(ctx context.Context) (arraySpace, error) {
	return single[arraySpace](ctx, c, "arrays/space")
}

// blades are those in use. An array that is not made of blades has nodes.
func (c *client) blades(ctx context.Context) ([]component, error) {
	all, err := c.components(ctx, "blades")
	if err == nil && len(all) > 0 || err != nil && !rest.Refused(err) {
		return all, err
	}
	nodes, nodesErr := c.components(ctx, "nodes")
	if rest.Refused(nodesErr) {
		return all, err
	}
	return nodes, nodesErr
}

func (c *client) hardware(ctx context.Context) ([]component, error) {
	return c.components(ctx, "hardware")
}

func (c *client) components(ctx context.Context, resource string) ([]component, error) {
	all := []component{}
	err := each(ctx, c, resource, nil, func(p component, _ *rest.Answer) {
		if !strings.EqualFold(p.Status.String(), "unused") {
			all = append(all, p)
		}
	})
	return all, err
}

// alerts asks for the open ones alone: the closed ones are many.
func (c *client) alerts(ctx context.Context) ([]alert, error) {
	var open []alert
	err := each(ctx, c, "alerts", url.Values{"filter": {"state='open'"}}, func(a alert, _ *rest.Answer) {
		if !strings.EqualFold(a.State.String(), "closed") {
			open = append(open, a)
		}
	})
	return open, err
}

// single is the one item of a resource that has one. Of several, none is known to be
// the array's.
func single[T comparable](ctx context.Context, c *client, resource string) (T, error) {
	var items []T
	err := each(ctx, c, resource, nil, func(v T, _ *rest.Answer) { items = append(items, v) })
	if err == nil && len(items) == 0 {
		err = rest.Nonsense("the answer to %s is an empty list", resource)
	}
	if err == nil && len(slices.Compact(items)) > 1 {
		err = rest.Nonsense("the answer to %s lists several arrays: set purity_endpoint to one array's own address", resource)
	}
	if err != nil {
		var none T
		return none, err
	}
	return items[0], nil
}
