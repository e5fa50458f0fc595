package hammerspace

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"path"
	"slices"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rest"
)

const (
	// What health and usage both need is asked for once.
	moment = 25 * time.Second
	// What breaks seldom is asked for seldom; when it cannot be asked, the last
	// answer serves for a while. So does a refusal.
	seldom, atLongest = 3 * time.Minute, 10 * time.Minute
	// Sites stay what they are.
	hourly = time.Hour
)

// Anvil is a directory with NFS mounts of Hammerspace, as Base has it, whose
// health and usage are those of the cluster's management API. Performance is what this
// host's NFS client counts, for the API has none. dial is nil for the network.
func Anvil(host *mount.Host, dial rest.Dialer) volume.Kind {
	kind := rest.Kind(dial, readOptions, options.identity, func(shared options, volumes map[string]options, dial rest.Dialer, logger *slog.Logger) (*anvil, error) {
		return newAnvil(host, shared, volumes, dial, logger)
	})
	kind.Mounted, kind.Asks = true, true
	return kind
}

// anvil observes the volumes of one cluster.
type anvil struct {
	volumes map[string]options // by the volume's name
	views   map[string]*base   // by path: what this host sees
	client  *client

	state    *rest.Memo[state]
	nodes    *rest.Memo[[]node]
	disks    *rest.Memo[[]storageVolume]
	exports  *rest.Memo[exports]
	sites    *rest.Memo[[]site]
	capacity *rest.Memo[space]
}

func newAnvil(host *mount.Host, shared options, volumes map[string]options, dial rest.Dialer, logger *slog.Logger) (*anvil, error) {
	b := &anvil{volumes: volumes, views: map[string]*base{}}
	at := map[string][]volume.Config{}
	for _, name := range slices.Sorted(maps.Keys(volumes)) {
		if o := volumes[name]; o.path != "" {
			at[o.path] = append(at[o.path], o.volume)
		}
	}
	for dir, cfgs := range at {
		b.views[dir] = newBase(host, cfgs)
	}
	var err error
	if b.client, err = newClient(shared, dial, logger); err != nil {
		return nil, err
	}
	b.state = rest.NewMemo(moment, 0, patient(atLongest, b.client.state))
	b.nodes = rest.NewMemo(moment, 0, patient(seldom, b.client.nodes)) // health cannot do without
	b.exports = rest.NewMemo(moment, 0, patient(atLongest, b.client.exports))
	b.disks = rest.NewMemo(seldom, atLongest, patient(atLongest, b.client.storageVolumes))
	b.sites = rest.NewMemo(hourly, 24*time.Hour, b.client.sites)
	b.capacity = rest.NewMemo(moment, 0, b.fetchCapacity)
	return b, nil
}

// Performance adds up what the NFS mounts of each path have counted since the
// last reading. It asks the cluster nothing.
func (b *anvil) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	ctx, cancel := mount.WithMargin(ctx)
	defer cancel()
	readings := mount.AtOnce(b.views, func(view *base) volume.Result[volume.Performance] { return view.reading(ctx) })
	return volume.Each(b.volumes, func(_ string, o options) (volume.Performance, time.Time, error) {
		r, ok := readings[o.path]
		if !ok {
			r.Err = volume.ErrUnsupported
		}
		return r.Value, r.SampledAt, r.Err
	}), nil
}

// reading is what the NFS mounts of a path have counted; without any there is
// nothing to report.
func (b *base) reading(ctx context.Context) (r volume.Result[volume.Performance]) {
	_, nfs, table, err := b.find(ctx)
	switch {
	case err == nil && len(nfs) > 0:
		r.Value, r.SampledAt, r.Err = b.sum(nfs, table)
	case errors.Is(err, mount.ErrHung), errors.Is(err, context.Canceled):
		r.Err = err
	default:
		r.Err = volume.ErrUnsupported
	}
	return r
}

// sight is what this host sees of a path.
type sight struct {
	exports []string // what is mounted, as paths of the cluster
	health  map[string]volume.Result[volume.Health]
}

// sight is empty where nothing is mounted, unless that is required.
func (b *base) sight(ctx context.Context) sight {
	var s sight
	if _, nfs, _, err := b.find(ctx); err == nil {
		for _, m := range nfs {
			if export := exportOf(m.Source); export != "" {
				s.exports = append(s.exports, export)
			}
		}
		if len(nfs) > 0 {
			s.health, _ = b.Health(ctx)
			return s
		}
	}
	for _, want := range b.Wants {
		if want.RequireMount {
			s.health, _ = b.Health(ctx)
			break
		}
	}
	return s
}

// Intervals spare the cluster; this host's own counters are always of now.
func (b *anvil) Intervals() volume.Intervals {
	return volume.Intervals{Health: 30 * time.Second, Usage: 60 * time.Second}
}

// Close ends the connections. The API has no call that ends a session: it ends by
// itself.
func (b *anvil) Close() error { return b.client.rest.Close() }

func cleanPath(p string) string {
	if p == "" {
		return ""
	}
	return path.Clean(p)
}
