// Package dellemc has the backend for volumes on Dell PowerScale (Isilon)
// clusters, dellemc-onefs. It asks the OneFS Platform API and needs no mount. It
// only ever reads.
package dellemc

import (
	"log/slog"
	"net/url"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	// The vendor's own collector refuses to ask more often, to spare the cluster.
	leastInterval = 30 * time.Second
	// Health and usage of one moment need the same statistics.
	statisticsEvery = 20 * time.Second
	seldomEvery     = 50 * time.Second  // what else health looks at
	quotasEvery     = 110 * time.Second // within the life of the usage that has them
	oldest          = 3 * leastInterval // of a sample of performance
	pageSize        = 1000
)

// Kind is the backend as the table of backends has it. A nil dialer is the
// network.
func Kind(dial rest.Dialer) volume.Kind { return rest.Kind(dial, read, options.identity, newBackend) }

// backend is one cluster with its volumes.
type backend struct {
	volumes map[string]options
	client  *rest.Client

	statistics *rest.Memo[statistics]
	quotas     *rest.Memo[map[string]quota]
	cluster    *rest.Memo[cluster]
	pools      *rest.Memo[[]diskPool]
	events     *rest.Memo[[]event]
}

func newBackend(shared options, volumes map[string]options, dial rest.Dialer, logger *slog.Logger) (*backend, error) {
	client, err := rest.NewClient(rest.Config{
		Access: shared.access, Auth: shared.auth(), Secrets: []secret.Text{shared.password}, Dial: dial, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	b := &backend{volumes: volumes, client: client}
	b.statistics = rest.NewMemo(statisticsEvery, 0, b.fetchStatistics)
	b.quotas = rest.NewMemo(quotasEvery, 0, b.fetchQuotas)
	b.cluster = rest.NewMemo(seldomEvery, 0, b.fetchCluster)
	b.pools = rest.NewMemo(seldomEvery, 0, b.fetchPools)
	b.events = rest.NewMemo(seldomEvery, 0, b.fetchEvents)
	return b, nil
}

// Intervals are what the cluster may be asked for; its statistics are kept for
// several seconds anyway.
func (b *backend) Intervals() volume.Intervals {
	return volume.Intervals{Performance: leastInterval, Health: leastInterval, Usage: leastInterval}
}

// Close logs out.
func (b *backend) Close() error { return b.client.Close() }

// nextPage is the link to the next page of quotas or events: an answer says with what
// token to go on, and then only that is asked for.
func nextPage(resume rest.Text) string {
	if resume == "" {
		return ""
	}
	return "?resume=" + url.QueryEscape(resume.String())
}
