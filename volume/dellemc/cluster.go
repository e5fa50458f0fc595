package dellemc

import (
	"context"
	"net/url"
	"strconv"

	"storage_exporter/volume/rest"
)

// cluster is its configuration, with the nodes as the asked one sees them.
type cluster struct {
	Name, GUID rest.Text
	Quorum     rest.Flag                            `json:"has_quorum"` // of the node that is asked
	Version    struct{ Release, Version rest.Text } `json:"onefs_version"`
	Devices    []device
}

type device struct {
	Number rest.Int  `json:"lnn"`
	Up     rest.Flag `json:"is_up"`
}

func (b *backend) fetchCluster(ctx context.Context) (cluster, error) {
	var c cluster
	if err := b.client.GetOptional(ctx, "/platform/3/cluster/config", nil, &c); err != nil {
		return cluster{}, err
	}
	if c.Devices == nil && !c.Quorum.Valid {
		return cluster{}, rest.Nonsense("the cluster's configuration has neither nodes nor quorum")
	}
	return c, nil
}

// diskPool is one that is not well.
type diskPool struct {
	Pool     struct{ Name rest.Text } `json:"diskpool"`
	Flags    []rest.Text              `json:"health_flags"`
	Affected []affected
}

// affected is a drive or a node of a disk pool.
type affected struct {
	Type                          rest.Text
	Down, SmartFailed, Restriping rest.Flag
	Device                        struct{ LNN, Bay rest.Int }
}

func (b *backend) fetchPools(ctx context.Context) ([]diskPool, error) {
	return rest.Fetch(ctx, b.client, rest.Request{Path: "/platform/1/storagepool/status", Optional: true}, decodePools)
}

func decodePools(a *rest.Answer) ([]diskPool, error) {
	var said struct {
		Status struct{ Unhealthy []diskPool }
	}
	if err := a.Decode(&said); err != nil {
		return nil, err
	}
	if said.Status.Unhealthy == nil {
		return nil, rest.Nonsense("the answer has no status of disk pools")
	}
	return said.Status.Unhealthy, nil
}

// event is a group of events that is neither resolved nor ignored.
type event struct {
	Severity rest.Text
	Causes   [][]rest.Text // name and text of each
}

// text is what the group is about.
func (e event) text() string {
	for _, cause := range e.Causes {
		for i := len(cause) - 1; i >= 0; i-- { // the text comes last
			if cause[i] != "" {
				return cause[i].String()
			}
		}
	}
	return "no cause is given"
}

func (b *backend) fetchEvents(ctx context.Context) ([]event, error) {
	var all []event
	query := url.Values{"resolved": {"false"}, "ignore": {"false"}, "limit": {strconv.Itoa(pageSize)}}
	r := rest.Request{Path: "/platform/3/event/eventgroup-occurrences", Query: query, Optional: true}
	err := rest.Each(ctx, b.client, r, decodeEvents, func(e event) { all = append(all, e) })
	return all, err
}

func decodeEvents(a *rest.Answer) (events []event, next string, err error) {
	var said struct {
		Groups []event `json:"eventgroups"`
		Resume rest.Text
	}
	if err := a.Decode(&said); err != nil {
		return nil, "", err
	}
	if said.Groups == nil {
		return nil, "", rest.Nonsense("the answer has no events")
	}
	return said.Groups, nextPage(said.Resume), nil
}
