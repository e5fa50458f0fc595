// Package weka asks WekaFS clusters by their REST API, version 2.
package weka

import (
	"context"
	"log/slog"
	"time"

	"storage_exporter/internal/secret"
	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// How long answers serve: one list of file systems does for the observations of
// a moment, and alerts only explain what is known otherwise.
const (
	listEvery     = 25 * time.Second
	alertsEvery   = 5 * time.Minute
	alertsLongest = 15 * time.Minute
)

// Kind is the backend "weka": a file system of a cluster. A nil dial is the
// network.
func Kind(dial rest.Dialer) volume.Kind {
	return rest.Kind(dial, readOptions, options.identity, newBackend)
}

// backend is one cluster with its volumes.
type backend struct {
	made        time.Time
	volumes     map[string]options
	client      *rest.Client
	filesystems *rest.Memo[filesystems]
	alerts      *rest.Memo[[]alert]
	scope       scope
	look        *rest.Memo[figures] // finds out the scope
}

func newBackend(shared options, volumes map[string]options, dial rest.Dialer, logger *slog.Logger) (*backend, error) {
	client, err := rest.NewClient(rest.Config{
		Access: shared.access, Auth: shared.auth(), Secrets: []secret.Text{shared.password, shared.token}, Dial: dial, Logger: logger,
	})
	b := &backend{made: time.Now(), volumes: volumes, client: client}
	b.filesystems = rest.NewMemo(listEvery, 0, b.fetchFilesystems)
	b.look = rest.NewMemo(lookEvery, 0, rest.Within(lookTime, b.figures))
	b.alerts = rest.NewMemo(alertsEvery, alertsLongest, b.fetchAlerts)
	return b, err
}

// Usage is how full the file systems are, of what they were provisioned. There is
// no count of files in use.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	list, at, err := b.filesystems.Get(ctx)
	if err != nil {
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Usage, time.Time, error) {
		f, err := list.find(o)
		if err != nil {
			return volume.Usage{}, at, err
		}
		u := f.usage()
		if u == (volume.Usage{}) {
			return u, at, rest.Nonsense("the file system has no sizes in the answer")
		}
		return u, at, nil
	}), nil
}

// Intervals says that a statistic is the mean of a minute.
func (b *backend) Intervals() volume.Intervals {
	return volume.Intervals{Performance: resolution}
}

// Close ends the connections; the API has no logout.
func (b *backend) Close() error { return b.client.Close() }
