// Package ddn has the backend of DDN EXAScaler: a mounted Lustre file system, as
// the client on this host sees it. It only ever reads.
package ddn

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// EXAScaler is a directory on a mounted Lustre file system.
func EXAScaler(host *mount.Host) volume.Kind {
	return mount.Client(read, func(opts options, volumes []volume.Config, logger *slog.Logger) volume.Backend {
		return newBackend(host, opts, volumes, logger)
	})
}

// options are a volume's own.
type options struct {
	// path is a directory with llite, osc and mdc, where the kernel's are
	// somewhere else; "" is none.
	path    string
	ignored []string // targets that are meant to be away
}

func read(cfg volume.Config) (options, []string, error) {
	o := volume.ReadOptions(cfg)
	opts := options{path: o.StringOr("lustre_path", ""), ignored: o.Strings("lustre_ignored_targets")}
	if opts.path != "" && !path.IsAbs(opts.path) {
		o.Wrong("lustre_path", "must be an absolute path, such as \"/sys/kernel/debug/lustre\"")
	}
	return opts, append([]string{opts.path}, opts.ignored...), o.Err()
}

// backend observes one path for all of its volumes.
type backend struct {
	mount.Volumes
	client    client
	meter     *meter
	watch     *watch
	uncounted *mount.Uncounted
}

func newBackend(host *mount.Host, opts options, volumes []volume.Config, logger *slog.Logger) *backend {
	v := mount.NewVolumes(host, volumes, true, "lustre")
	return &backend{
		Volumes: v, client: newClient(host, opts.path), meter: newMeter(v.Interval), watch: newWatch(opts.ignored),
		uncounted: mount.NewUncounted("exascaler", v.Path, logger),
	}
}

// Performance takes one reading of the client's counters and compares it with
// the one before.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	return b.Counted(ctx, isLustre, b.uncounted, b.rates), nil
}

func isLustre(m mount.Mount) bool { return m.FSType == "lustre" }

func (b *backend) rates(ctx context.Context, m mount.Mount, _ mount.Table) (volume.Performance, time.Time, error) {
	fsname, ok := fsOf(m.Source)
	if !ok {
		return volume.Performance{}, time.Time{}, fmt.Errorf("%q at %s names no Lustre file system", m.Source, m.Point)
	}
	readings, err := mount.Guarded(ctx, b.Host, m.Device+" llite", func() ([]reading, error) {
		return b.client.readings(fsname)
	})
	if err != nil {
		return volume.Performance{}, time.Time{}, err
	}
	return b.meter.next(readings, time.Now())
}

// Health asks the mount whether it answers, and the client how it is connected.
func (b *backend) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	asked := make(chan connections, 1)
	go func() { asked <- b.connections(ctx) }()
	state := b.Point.Look(ctx)
	c := <-asked
	c.rooms = b.rooms(ctx, state, c)
	uncounted := b.uncounted.Why()
	return volume.Each(b.Wants, func(_ string, want mount.Want) (volume.Health, time.Time, error) {
		h := state.Health(want)
		if want.Check(b.Path, state.Mount) != nil || !isLustre(state.Mount) {
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
