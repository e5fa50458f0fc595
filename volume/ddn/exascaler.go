// Package ddn has the backend of DDN EXAScaler: a mounted Lustre file system, as
// the client on this host sees it. It only ever reads.
package ddn

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rest"
)

// EXAScaler is a directory on a mounted Lustre file system.
func EXAScaler(host *mount.Host) volume.Kind {
	return volume.Kind{
		Mounted:  true,
		Identify: identify,
		New: func(volumes []volume.Config, logger *slog.Logger) (volume.Backend, error) {
			opts, err := read(volumes[0])
			if err != nil {
				return nil, err
			}
			return newBackend(host, opts, volumes, logger), nil
		},
	}
}

// options are a volume's own.
type options struct {
	// path is a directory with llite, osc and mdc, where the kernel's are
	// somewhere else; "" is none.
	path    string
	ignored []string // targets that are meant to be away
}

func read(cfg volume.Config) (options, error) {
	o := volume.ReadOptions(cfg)
	opts := options{path: o.StringOr("lustre_path", ""), ignored: o.Strings("lustre_ignored_targets")}
	if opts.path != "" && !path.IsAbs(opts.path) {
		o.Wrong("lustre_path", "must be an absolute path, such as \"/sys/kernel/debug/lustre\"")
	}
	return opts, o.Err()
}

// identify shares a Backend among the volumes of one path with the same options.
func identify(cfg volume.Config) (volume.Identity, error) {
	opts, err := read(cfg)
	if err != nil {
		return volume.Identity{}, err
	}
	id, err := mount.Identify(cfg)
	id.Share = strings.Join(append([]string{id.Share, opts.path}, opts.ignored...), "\x00")
	return id, err
}

// backend observes one path for all of its volumes.
type backend struct {
	host    *mount.Host
	client  client
	path    string
	point   *mount.Point
	meter   *meter
	watch   *watch
	volumes map[string]mount.Want

	uncounted *mount.Uncounted
}

func newBackend(host *mount.Host, opts options, volumes []volume.Config, logger *slog.Logger) *backend {
	interval := volumes[0].PerformanceInterval
	b := &backend{
		host: host, client: newClient(host, opts.path), path: volumes[0].Path, point: host.NewPoint(volumes[0].Path, interval),
		meter: newMeter(interval), watch: newWatch(opts.ignored), volumes: map[string]mount.Want{}, uncounted: mount.NewUncounted("exascaler", volumes[0].Path, logger),
	}
	for _, cfg := range volumes {
		b.volumes[cfg.Name] = mount.WantOf(cfg, true, "lustre")
	}
	return b
}

// Performance takes one reading of the client's counters and compares it with
// the one before. A mount that hangs still has its counters.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	ctx, cancel := mount.WithMargin(ctx)
	defer cancel()
	m, _, _, err := b.point.Find(ctx)
	var rates volume.Performance
	var at time.Time
	if err == nil && m.FSType == "lustre" {
		rates, at, err = b.rates(ctx, m)
	}
	return rest.Each(b.volumes, func(_ string, want mount.Want) (volume.Performance, time.Time, error) {
		if m.Point != "" {
			if wrong := want.Check(b.path, m); wrong != nil {
				return volume.Performance{}, at, wrong
			}
		}
		return rates, at, err
	}), nil
}

func (b *backend) rates(ctx context.Context, m mount.Mount) (volume.Performance, time.Time, error) {
	fsname, ok := fsOf(m.Source)
	if !ok {
		return volume.Performance{}, time.Time{}, fmt.Errorf("%q at %s names no Lustre file system", m.Source, m.Point)
	}
	readings, err := mount.Guarded(ctx, b.host, m.Device+" llite", func() ([]reading, error) {
		return b.client.readings(fsname)
	})
	b.uncounted.Tell(err)
	if err != nil {
		return volume.Performance{}, time.Time{}, err
	}
	return b.meter.next(readings, time.Now())
}

// Health asks the mount whether it answers, and the client how it is connected.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	asked := make(chan connections, 1)
	go func() { asked <- b.connections(ctx) }()
	state := b.point.Look(ctx)
	c := <-asked
	c.rooms = b.rooms(ctx, state, c)
	uncounted := b.uncounted.Why()
	return rest.Each(b.volumes, func(_ string, want mount.Want) (volume.Health, time.Time, error) {
		h := state.Health(want)
		if want.Check(b.path, state.Mount) != nil || state.Mount.FSType != "lustre" {
			return h, time.Time{}, nil
		}
		var found volume.Verdict
		found.Add(h.Status, h.Info)
		b.watch.judge(&found, h.Metadata, c)
		h.Status, h.Info = found.Status(), found.Words()
		if uncounted != "" {
			h.Metadata["performance"] = uncounted
		}
		return h, time.Time{}, nil
	}), nil
}

// Usage asks how full the file system is.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	state := b.point.Look(ctx)
	return rest.Each(b.volumes, func(_ string, want mount.Want) (volume.Usage, time.Time, error) {
		u, err := state.Usage(want)
		return u, time.Time{}, err
	}), nil
}

// Intervals are zero: the kernel's figures are always of now.
func (b *backend) Intervals() volume.Intervals { return volume.Intervals{} }

// Close has nothing to give back.
func (b *backend) Close() error { return nil }
