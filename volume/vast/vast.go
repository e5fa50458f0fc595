// Package vast asks VAST Data clusters by the REST API of their management
// system, VMS. It only ever reads.
package vast

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// How long answers serve.
const (
	// A moment is shorter than the interval of the performance, so that no two
	// rounds show the same answer.
	moment = 9 * time.Second
	// The list of quotas may be long.
	quotasEvery = 50 * time.Second
	// Views come and go seldom. Where one seems to be missing, or its id is
	// refused, they are asked for sooner.
	viewsEvery   = 10 * time.Minute
	viewsSooner  = 2 * time.Minute
	viewsLongest = 15 * time.Minute

	alarmsEvery   = 5 * time.Minute
	alarmsLongest = 15 * time.Minute
	unitEvery     = 2 * time.Hour
	unitLongest   = 24 * time.Hour
	// besides bounds what health can do without, so that it takes nothing from
	// the time of what it needs.
	besides = 5 * time.Second
)

// How often figures change at all: VMS refreshes those of the cluster within ten
// seconds, and stores those of views once a minute.
const (
	clusterSampling = 10 * time.Second
	viewSampling    = time.Minute
)

// Kind is the backend "vast": a view of a cluster, or the whole cluster. A nil
// dial is the network.
func Kind(dial rest.Dialer) volume.Kind {
	return rest.Kind(dial, readOptions, options.identity, newBackend)
}

// backend is one VMS with its volumes, which are either all views or all the
// cluster: their figures change at different intervals.
type backend struct {
	volumes map[string]options
	scope   string          // "view" or "cluster"
	paths   map[string]bool // of the views
	room    int             // what the endpoint takes of a URL's length
	client  *rest.Client

	clusters map[int]*rest.Memo[*cluster] // by id; a VMS mostly has one
	quotas   *rest.Memo[quotas]
	alarms   *rest.Memo[alarms]
	unit     *rest.Memo[unit]

	views   *rest.Memo[views]
	sooner  *rest.Memo[views]         // in place of views while these are in doubt
	refused atomic.Pointer[time.Time] // when a view's id was last; nil for never
}

func newBackend(shared options, volumes map[string]options, dial rest.Dialer, logger *slog.Logger) (*backend, error) {
	b := &backend{volumes: volumes, scope: shared.scope(), paths: map[string]bool{}, clusters: map[int]*rest.Memo[*cluster]{}}
	for _, o := range volumes {
		b.paths[o.view] = true
		if b.clusters[o.cluster] == nil {
			b.clusters[o.cluster] = rest.NewMemo(moment, 0, b.fetchCluster(o.cluster))
		}
	}
	for _, u := range shared.access.Endpoints {
		b.room = max(b.room, len(u.String()+statisticsPath+"?"))
	}
	var header http.Header
	if shared.tenant != "" {
		header = http.Header{"X-Tenant-Name": {shared.tenant}}
	}
	var err error
	b.client, err = rest.NewClient(rest.Config{
		Access: shared.access, Auth: shared.auth(), Secrets: []secret.Text{shared.password, shared.token}, Header: header, Dial: dial, Logger: logger,
	})
	b.quotas = rest.NewMemo(quotasEvery, 0, b.fetchQuotas)
	b.alarms = rest.NewMemo(alarmsEvery, alarmsLongest, b.fetchAlarms)
	b.unit = rest.NewMemo(unitEvery, unitLongest, b.fetchUnit)
	b.views = rest.NewMemo(viewsEvery, viewsLongest, b.fetchViews)
	b.sooner = rest.NewMemo(viewsSooner, 0, b.fetchViews)
	return b, err
}

// ofViews is whether the volumes are views.
func (b *backend) ofViews() bool { return b.scope == viewScope }

// Intervals says how often VMS has new figures.
func (b *backend) Intervals() volume.Intervals {
	if b.ofViews() {
		return volume.Intervals{Performance: viewSampling}
	}
	return volume.Intervals{Performance: clusterSampling}
}

// Close ends the connections; VMS has no logout.
func (b *backend) Close() error { return b.client.Close() }

// condition is what a cluster said of itself, or why it did not answer.
type condition struct {
	*cluster
	at  time.Time
	err error
}

// ask asks every cluster of the volumes, by id.
func (b *backend) ask(ctx context.Context) map[int]condition {
	all := make(map[int]condition, len(b.clusters))
	for id, memo := range b.clusters {
		c, at, err := memo.Get(ctx)
		all[id] = condition{c, at, err}
	}
	return all
}

// object is what a volume is on the cluster.
func (o options) object() string {
	if o.view == "" {
		return fmt.Sprintf("cluster %d", o.cluster)
	}
	return fmt.Sprintf("cluster %d tenant %q view %s", o.cluster, o.tenant, o.view)
}
