package gpfs

import (
	"context"
	"net/url"
	"sync"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// observed is what the cluster says at one moment. What is asked for seldom may be
// missing; its error says why.
type observed struct {
	monitored
	nodes       []node
	filesystems map[string]filesystem
	pools       map[string][]pool
	cluster     summary
	loaded      map[string]bool // the file systems whose reads or writes were measured just now

	nodesErr, filesystemsErr error
}

// Health is what the cluster's health monitor says, with the nodes, the mounts
// and the pools. Cost: one call for each thousand states, and at most once a
// minute one each for nodes and file systems, seldom one each for pools and the
// cluster.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	states, err := b.states(ctx)
	if err != nil {
		return nil, err
	}
	var o observed
	var wg sync.WaitGroup
	wg.Go(func() { o.nodes, _, o.nodesErr = b.nodes.Get(ctx) })
	wg.Go(func() { o.filesystems, _, o.filesystemsErr = b.filesystems.Get(ctx) })
	wg.Go(func() { o.pools, _, _ = b.room.Get(ctx) })
	wg.Go(func() { o.cluster, _, _ = b.cluster.Get(ctx) }) // its name is for show
	wg.Wait()
	o.monitored, o.loaded = sortStates(states), b.load.now()
	if b.class != standardClass && b.form.Load() == formClass {
		o.nodes = reporting(o.nodes, states)
	}
	return volume.Each(b.volumes, func(_ string, v options) (volume.Health, time.Time, error) {
		h, err := o.judge(v.volumeOptions)
		return h, time.Time{}, err
	}), nil
}

// reporting are the nodes that have a state: those of a class, where clients come
// and go that do not belong to it.
func reporting(nodes []node, states []state) []node {
	has := map[rest.Text]bool{}
	for _, s := range states {
		has[s.ReportingNode] = true
	}
	var some []node
	for _, n := range nodes {
		if has[n.Name] {
			some = append(some, n)
		}
	}
	return some
}

// The forms of the health call, best first: the nodes of a class, all of them, one
// after the other. Which of them a release understands is not documented; the one
// that works is kept.
const (
	formClass = iota
	formAll
	formEach
)

// states are all states of all nodes.
func (b *backend) states(ctx context.Context) ([]state, error) {
	var first error
	for form := b.form.Load(); form < formEach; form++ {
		states, err := b.statesOf(ctx, []string{b.class, allFilesystems}[form])
		if err == nil {
			b.keep(form)
			return states, nil
		}
		if first == nil {
			first = err
		}
		if !refused(err) {
			return nil, first
		}
	}
	states, err := b.statesOfEach(ctx)
	switch {
	case err == nil:
		b.keep(formEach)
	case first != nil && refused(err):
		err = first
	default:
		b.form.Store(formClass) // look again: it may have been updated
	}
	return states, err
}

// keep notes the form that works. Where another than the class does, a class that
// the user chose is not known.
func (b *backend) keep(form int32) {
	if b.form.Swap(form) != form && form != formClass && b.class != standardClass {
		b.log.Warn("the cluster does not know the node class in gpfs_node_class: all nodes are asked for their health", "class", b.class)
	}
}

// statesOf is one node's, or a class's.
func (b *backend) statesOf(ctx context.Context, nodes string) ([]state, error) {
	var states []state
	path := "/nodes/" + url.PathEscape(nodes) + "/health/states"
	err := list(ctx, b.client, rest.Request{Path: path, Query: allFields()}, "states", func(s state) { states = append(states, s) })
	return states, err
}

// statesOfEach asks node by node.
func (b *backend) statesOfEach(ctx context.Context) ([]state, error) {
	nodes, _, err := b.nodes.Get(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(nodes) == 0:
		return nil, rest.Nonsense("the answer lists no nodes of the cluster")
	}
	var states []state
	var mu sync.Mutex // guards states and err
	var wg sync.WaitGroup
	each := make(chan string)
	for range 2 { // as many calls as the client makes at once
		wg.Go(func() {
			for name := range each {
				of, failed := b.statesOf(ctx, name)
				mu.Lock()
				states = append(states, of...)
				if err == nil {
					err = failed
				}
				mu.Unlock()
			}
		})
	}
	for _, n := range nodes {
		if n.Name != "" {
			each <- n.Name.String()
		}
	}
	close(each)
	wg.Wait()
	return states, err
}
