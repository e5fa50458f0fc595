// Package gpfs has the backend for volumes on IBM Storage Scale (GPFS) file
// systems. It asks the management REST API, scalemgmt/v2, of the cluster's GUI
// nodes and needs no mount. It only ever reads.
package gpfs

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	// The vendor's health monitor looks at its components every 15 to 30 s.
	healthInterval = 30 * time.Second
	// What pools hold comes from a walk over all disks, as by mmdf.
	usageInterval = 5 * time.Minute
	// What changes seldom, and how old it may get when it cannot be fetched.
	nodesEvery, nodesLongest = time.Minute, 5 * time.Minute
	poolsEvery               = 4 * time.Minute
	clusterEvery             = time.Hour
	// besides bounds what health can do without.
	besides = 10 * time.Second
)

// Kind is the backend as the table of backends has it. A nil dialer is the
// network.
func Kind(dial rest.Dialer) volume.Kind {
	kind := rest.Kind(dial, read, options.identity, newBackend)
	kind.TellsReadOnly = true
	return kind
}

// backend is one cluster with its volumes.
type backend struct {
	volumes map[string]options
	scope   string // the one file system that all volumes are on, or :all:
	bucket  time.Duration
	class   string // of the nodes that are asked for their health
	client  *rest.Client
	log     *slog.Logger

	nodes       *rest.Memo[[]node]
	filesystems *rest.Memo[map[string]filesystem]
	pools       *rest.Memo[map[string][]pool]
	room        *rest.Memo[map[string][]pool] // the same for health
	cluster     *rest.Memo[summary]

	form   atomic.Int32 // of the health call that this release understands
	silent atomic.Bool  // no file system has performance figures
	meter  meter
	load   load
}

func newBackend(shared options, volumes map[string]options, dial rest.Dialer, logger *slog.Logger) (*backend, error) {
	b := &backend{
		volumes: volumes, scope: shared.filesystem, bucket: shared.bucket, class: shared.class,
		log: logger.With("endpoint", shared.access.Endpoint()),
	}
	for _, o := range volumes {
		if o.filesystem != b.scope {
			b.scope = allFilesystems
		}
	}
	client, err := rest.NewClient(rest.Config{
		Access: shared.access, Auth: rest.Basic(shared.user, shared.password),
		Secrets: []secret.Text{shared.password}, Dial: dial, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	b.client = client
	b.nodes = rest.NewMemo(nodesEvery, nodesLongest, rest.Within(besides, b.fetchNodes))
	b.filesystems = rest.NewMemo(nodesEvery, nodesLongest, rest.Within(besides, b.fetchFilesystems))
	b.pools = rest.NewMemo(poolsEvery, 0, b.fetchPools)
	b.room = rest.NewMemo(poolsEvery, 0, rest.Within(besides, b.fetchRoom))
	b.cluster = rest.NewMemo(clusterEvery, 24*time.Hour, rest.Within(besides, b.fetchCluster))
	return b, nil
}

// Intervals are the sensor's period, the health monitor's, and what a walk over
// all disks may be asked for.
func (b *backend) Intervals() volume.Intervals {
	return volume.Intervals{Performance: b.bucket, Health: healthInterval, Usage: usageInterval}
}

// Close ends the connections; there is no session.
func (b *backend) Close() error { return b.client.Close() }

// list follows the pages of a list. Every answer has a status; a list without
// any entry may be missing from it.
func list[T any](ctx context.Context, c *rest.Client, r rest.Request, key string, take func(T)) error {
	return rest.Each(ctx, c, r, func(a *rest.Answer) ([]T, string, error) { return decodeList[T](a, key) }, take)
}
