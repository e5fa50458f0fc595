package mount

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"storage_exporter/volume"
)

// Volumes are those on one path: what the backends of mounted file systems have in
// common. Each embeds them and adds what only its own client can say.
type Volumes struct {
	Host     *Host
	Path     string
	Point    *Point
	Wants    map[string]Want // by the volume's name
	Interval time.Duration   // at which performance is asked for
}

// NewVolumes makes those of one path, with what their backend expects of the mount.
func NewVolumes(host *Host, cfgs []volume.Config, requireMount bool, fstypes ...string) Volumes {
	interval := cfgs[0].PerformanceInterval
	v := Volumes{Host: host, Path: cfgs[0].Path, Point: host.NewPoint(cfgs[0].Path, interval), Wants: map[string]Want{}, Interval: interval}
	for _, cfg := range cfgs {
		v.Wants[cfg.Name] = WantOf(cfg, requireMount, fstypes...)
	}
	return v
}

// Rated makes the performance of each volume of what the path's mount was found to
// do. The empty mount is one that is not known.
func (v *Volumes) Rated(m Mount, rates volume.Performance, at time.Time, err error) map[string]volume.Result[volume.Performance] {
	return volume.Each(v.Wants, func(_ string, want Want) (volume.Performance, time.Time, error) {
		if m.Point != "" {
			if wrong := want.Check(v.Path, m); wrong != nil {
				return volume.Performance{}, at, wrong
			}
		}
		return rates, at, err
	})
}

// Counted makes the performance of each volume of what the path's client counts, where
// its mount is one of the client's own. A mount that hangs still has its counters. Why
// there are none is noted.
func (v *Volumes) Counted(
	ctx context.Context, own func(Mount) bool, uncounted *Uncounted, rates func(context.Context, Mount, Table) (volume.Performance, time.Time, error),
) map[string]volume.Result[volume.Performance] {
	ctx, cancel := WithMargin(ctx)
	defer cancel()
	m, table, _, err := v.Point.Find(ctx)
	var did volume.Performance
	var at time.Time
	if err == nil && own(m) {
		did, at, err = rates(ctx, m, table)
		uncounted.Note(err)
	}
	return v.Rated(m, did, at, err)
}

// Usage asks how full the file system is.
func (v *Volumes) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	state := v.Point.Look(ctx)
	return volume.Each(v.Wants, func(_ string, want Want) (volume.Usage, time.Time, error) {
		u, err := state.Usage(want)
		return u, time.Time{}, err
	}), nil
}

// Intervals are zero: the kernel's figures are always of now.
func (v *Volumes) Intervals() volume.Intervals { return volume.Intervals{} }

// Close has nothing to give back.
func (v *Volumes) Close() error { return nil }

// Client is the kind of volumes whose client on this host is asked, too. Those of
// one path with the same options share a Backend: read gives the options and the
// texts by which they differ, and open makes the Backend.
func Client[O any](
	read func(volume.Config) (opts O, texts []string, err error),
	open func(opts O, volumes []volume.Config, logger *slog.Logger) volume.Backend,
) volume.Kind {
	return volume.Kind{
		Mounted: true,
		Identify: func(cfg volume.Config) (volume.Identity, error) {
			_, texts, err := read(cfg)
			if err != nil {
				return volume.Identity{}, err
			}
			id, err := Identify(cfg)
			id.Share = strings.Join(slices.Insert(texts, 0, id.Share), "\x00")
			return id, err
		},
		New: func(volumes []volume.Config, logger *slog.Logger) (volume.Backend, error) {
			opts, _, err := read(volumes[0])
			if err != nil {
				return nil, err
			}
			return open(opts, volumes, logger), nil
		},
	}
}
