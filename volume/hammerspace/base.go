// Package hammerspace has the backends of Hammerspace.
package hammerspace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/rates"
)

// Base is a directory with NFS mounts of Hammerspace, as this host sees them: one
// at the path or above it, or one for each share below it. Without any it is a
// directory like those of vfs. It only ever reads, and knows no API.
func Base(host *mount.Host) volume.Kind {
	return volume.Kind{
		Mounted:  true,
		Identify: mount.Bare(),
		New: func(volumes []volume.Config, _ *slog.Logger) (volume.Backend, error) {
			return newBase(host, volumes), nil
		},
	}
}

// base observes one path for all of its volumes.
type base struct {
	mount.Volumes
	meter *rates.Meter // shares come and go without breaking the figures of the others

	mu      sync.Mutex // guards the fields below
	shares  int        // how many there were below the path when there were any
	reloads int64      // of the host, then
}

func newBase(host *mount.Host, volumes []volume.Config) *base {
	v := mount.NewVolumes(host, volumes, false)
	return &base{Volumes: v, meter: rates.NewMeter(v.Interval, rates.CostsSample)}
}

// find returns the mount that the path lies on, and the NFS mounts at the path,
// above it and below it, one of each device. Where there were some and none is left,
// that is an error: the disk below is not the volume.
func (b *base) find(ctx context.Context) (on mount.Mount, nfs, table mount.Table, err error) {
	on, table, dir, err := b.Point.Find(ctx)
	if err != nil {
		return on, nil, table, err
	}
	if mount.IsNFS(on.FSType) {
		nfs = append(nfs, on)
	}
	automatic := on.FSType == "autofs"
	for _, m := range table.Below(dir) {
		if mount.IsNFS(m.FSType) && m.Device != on.Device {
			nfs = append(nfs, m)
		}
		automatic = automatic || m.FSType == "autofs"
	}
	return on, nfs, table, b.still(nfs, automatic)
}

// still is the error that all shares are gone. What is mounted automatically may go
// by itself, and come back when it is used.
func (b *base) still(nfs mount.Table, automatic bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.Host.Reloads(); n != b.reloads {
		b.shares, b.reloads = 0, n
	}
	switch {
	case len(nfs) > 0:
		b.shares = len(nfs)
	case automatic:
	case b.shares == 1:
		return mount.Lost("the share that was mounted below %s is gone", b.Path)
	case b.shares > 1:
		return mount.Lost("the %d shares that were mounted below %s are gone", b.shares, b.Path)
	}
	return nil
}

// look asks the path's mount, and finds those of NFS.
func (b *base) look(ctx context.Context) (mount.State, mount.Table) {
	state := b.Point.Look(ctx)
	if state.Err != nil {
		return state, nil
	}
	_, nfs, _, err := b.find(ctx)
	if errors.Is(err, mount.ErrNotMounted) {
		state = mount.State{Path: state.Path, Err: err}
	}
	return state, nfs
}

// Performance adds up what the NFS mounts have counted since the last reading.
func (b *base) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	ctx, cancel := mount.WithMargin(ctx)
	defer cancel()
	on, nfs, table, err := b.find(ctx)
	if err != nil {
		return nil, err
	}
	var did volume.Performance
	var at time.Time
	if len(nfs) > 0 {
		did, at, err = b.sum(nfs, table)
	} else {
		_, did, at, err = b.Point.Rates(ctx)
	}
	return volume.Each(b.Wants, func(_ string, want mount.Want) (volume.Performance, time.Time, error) {
		if wrong := b.check(want, on, nfs); wrong != nil {
			return volume.Performance{}, at, wrong
		}
		return did, at, err
	}), nil
}

func (b *base) sum(nfs, table mount.Table) (volume.Performance, time.Time, error) {
	samples, err := b.Host.NFSSamples(nfs, table)
	if err != nil {
		return volume.Performance{}, time.Time{}, err
	}
	if len(samples) == 0 {
		return volume.Performance{}, time.Time{}, fmt.Errorf("mountstats has no counters for the NFS mounts of %s", b.Path)
	}
	var all []rates.Sample
	at := time.Now()
	for _, s := range samples {
		s.At = at
		all = append(all, s)
	}
	return b.meter.Next(all...)
}

// check is whether this is the mount that is wanted. Shares below the path are as
// good as one at it.
func (b *base) check(want mount.Want, on mount.Mount, nfs mount.Table) error {
	want.RequireMount = want.RequireMount && len(nfs) == 0
	return want.Check(b.Path, on)
}

// Health asks the path's mount and those of the shares whether they answer.
func (b *base) Health(ctx context.Context) (map[string]volume.Result[volume.Health], error) {
	state, nfs := b.look(ctx)
	below := ask(ctx, b.Host, nfs, state.Mount.Device)
	return volume.Each(b.Wants, func(_ string, want mount.Want) (volume.Health, time.Time, error) {
		if len(below) == 0 {
			return state.Health(want), time.Time{}, nil
		}
		return combined(state, below, want), time.Time{}, nil
	}), nil
}

// Usage asks how full the path's file system is.
func (b *base) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	state, nfs := b.look(ctx)
	shares := len(nfs)
	if mount.IsNFS(state.Mount.FSType) {
		shares = 0
	}
	return volume.Each(b.Wants, func(_ string, want mount.Want) (volume.Usage, time.Time, error) {
		if shares > 0 { // the path's own disk says nothing about them
			return volume.Usage{}, time.Time{}, fmt.Errorf("%s is on this host's disk with %d shares below, which may all show the same space: %w",
				b.Path, shares, volume.ErrUnsupported)
		}
		u, err := state.Usage(want)
		return u, time.Time{}, err
	}), nil
}
