// Package netapp asks NetApp ONTAP clusters for their volumes, by the REST API
// that there is from ONTAP 9.7 on.
package netapp

import (
	"log/slog"
	"sync/atomic"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
)

const (
	// sampling is how often ONTAP makes a new sample of metric (duration PT15S).
	// Asking for the counters more often loads the cluster for nothing.
	sampling = 15 * time.Second
	// together is how long one list of the volumes serves all observations.
	together = 10 * time.Second

	nodesEvery   = 5 * time.Minute
	nodesLongest = 3 * nodesEvery
	aboutEvery   = time.Hour
	// besides bounds what health can do without.
	besides = 5 * time.Second
)

// Kind is the backend. A nil dial is the network.
func Kind(dial rest.Dialer) volume.Kind {
	return rest.Kind(dial, readOptions, options.identity, newBackend)
}

// backend is one cluster, or one SVM of it, as an account sees it.
type backend struct {
	client  *rest.Client
	objects map[string]object // by the volume's name here
	gather  string            // for how many seconds ONTAP may gather a page

	volumes *rest.Memo[inventory]
	groups  *rest.Memo[map[string]flexGroup] // by UUID
	nodes   *rest.Memo[[]node]
	about   *rest.Memo[about]

	svms   map[object]string // by UUID, as found last; belongs to fetchVolumes, which runs once at a time
	rates  *rates.Meters
	roster roster
	// old is whether the system is older than ONTAP 9.11.1.
	old atomic.Bool
}

func newBackend(shared options, volumes map[string]options, dial rest.Dialer, logger *slog.Logger) (*backend, error) {
	b := &backend{objects: map[string]object{}, roster: roster{}}
	interval := sampling
	for name, o := range volumes {
		b.objects[name] = o.object
		interval = max(interval, o.interval)
	}
	client, err := rest.NewClient(rest.Config{
		Access:  shared.access,
		Auth:    rest.Basic(shared.user, shared.password),
		Secrets: []secret.Text{shared.password},
		Header:  map[string][]string{"Accept": {"application/hal+json"}}, // with the links of the pages
		Dial:    dial,
		Logger:  logger,
	})
	if err != nil {
		return nil, err
	}
	b.client, b.gather = client, gatherFor(shared.access.Timeout)
	b.rates = rates.NewMeters(interval, rates.CostsFigure)
	b.volumes = rest.NewMemo(together, 0, b.fetchVolumes)
	b.groups = rest.NewMemo(together, 0, b.fetchGroups)
	b.nodes = rest.NewMemo(nodesEvery, nodesLongest, rest.Within(besides, b.fetchNodes))
	b.about = rest.NewMemo(aboutEvery, 24*time.Hour, rest.Within(besides, b.fetchAbout))
	return b, nil
}

// Intervals are ONTAP's own.
func (b *backend) Intervals() volume.Intervals {
	return volume.Intervals{Performance: sampling, Health: sampling, Usage: sampling}
}

// Close ends the connections. There is no session to log out of.
func (b *backend) Close() error { return b.client.Close() }
