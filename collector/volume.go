package collector

import (
	"context"
	"errors"
	"time"

	"storage_exporter/cache"
	"storage_exporter/volume"
)

// volumeCollector shows the volumes of one backend: their performance, health
// and usage. What is counted while observing them is volume.Metrics' own.
type volumeCollector struct {
	backend string
	volumes func() []monitoredVolume
	all     volumeFamilies
}

// monitoredVolume is one volume and where its snapshots are. An entry is nil
// for a backend that is not supported.
type monitoredVolume struct {
	name, backend, path, fsPrefix string

	performance *cache.Entry[perfMetric]
	health      *cache.Entry[volume.Health]
	usage       *cache.Entry[volume.Usage]
}

func newVolumeCollector(backend string, volumes func() []monitoredVolume) *volumeCollector {
	return &volumeCollector{backend: backend, volumes: volumes, all: newVolumeFamilies()}
}

func (c *volumeCollector) name() string { return c.backend }

func (c *volumeCollector) families() []*family { return c.all.list() }

func (c *volumeCollector) read(ctx context.Context) ([]part, bool) {
	volumes := c.volumes()
	var (
		performance []cache.Result[perfMetric]
		health      []cache.Result[volume.Health]
		usage       []cache.Result[volume.Usage]
	)
	// At once, so that waiting for one kind costs the others no time.
	together(
		func() {
			performance = readKind(ctx, volumes, func(v *monitoredVolume) *cache.Entry[perfMetric] { return v.performance })
		},
		func() {
			health = readKind(ctx, volumes, func(v *monitoredVolume) *cache.Entry[volume.Health] { return v.health })
		},
		func() {
			usage = readKind(ctx, volumes, func(v *monitoredVolume) *cache.Entry[volume.Usage] { return v.usage })
		},
	)
	parts := make([]part, 0, len(volumes))
	ok := true
	for i := range volumes {
		r := volumeReading{
			volume: &volumes[i], performance: performance[i], health: health[i], usage: usage[i],
		}
		if r.removed() {
			continue // by a reload, since the volumes were listed
		}
		ok = ok && r.ok()
		parts = append(parts, c.part(&r))
	}
	return parts, ok
}

// readKind reads one kind of entry of all volumes. A volume without one has
// nothing to tell.
func readKind[T any](ctx context.Context, volumes []monitoredVolume, entry func(*monitoredVolume) *cache.Entry[T]) []cache.Result[T] {
	results := make([]cache.Result[T], len(volumes))
	var entries []*cache.Entry[T]
	var of []int
	for i := range volumes {
		if e := entry(&volumes[i]); e != nil {
			entries = append(entries, e)
			of = append(of, i)
		} else {
			results[i].Err = cache.ErrNothing
		}
	}
	if len(entries) > 0 {
		for i, r := range cache.GetAll(ctx, entries) {
			results[of[i]] = r
		}
	}
	return results
}

// volumeReading is what is known of one volume.
type volumeReading struct {
	volume      *monitoredVolume
	performance cache.Result[perfMetric]
	health      cache.Result[volume.Health]
	usage       cache.Result[volume.Usage]
}

func (r *volumeReading) errs() []error {
	return []error{r.performance.Err, r.health.Err, r.usage.Err}
}

func (r *volumeReading) removed() bool {
	for _, err := range r.errs() {
		if errors.Is(err, cache.ErrClosed) {
			return true
		}
	}
	return false
}

// ok is whether every kind had something to show, or will never have.
func (r *volumeReading) ok() bool {
	for _, err := range r.errs() {
		if err != nil && !errors.Is(err, cache.ErrNothing) {
			return false
		}
	}
	return true
}

// status is the volume's state as far as it is known. What the cache holds may
// be anything: a state that does not exist is not known.
func (r *volumeReading) status() volume.Status {
	if r.volume.health == nil {
		return volume.Unavailable
	}
	if h := known(r.health); h != nil {
		for _, s := range volume.Statuses {
			if s == h.Status {
				return s
			}
		}
	}
	return volume.Unknown
}

// volumeVersion tells two readings of a volume apart; a revision of 0 stands
// for no snapshot.
type volumeVersion struct {
	name, backend, path, fsPrefix string

	unsupported                bool
	performance, health, usage uint64
}

// known is the value that was read, or nil.
func known[T any](r cache.Result[T]) *T {
	if r.Err != nil {
		return nil
	}
	return r.Snapshot.Value
}

func revision[T any](r cache.Result[T]) uint64 {
	if r.Err != nil {
		return 0
	}
	return r.Snapshot.Revision
}

func (r *volumeReading) version() volumeVersion {
	v := r.volume
	return volumeVersion{
		name: v.name, backend: v.backend, path: v.path, fsPrefix: v.fsPrefix,
		unsupported: v.health == nil,
		performance: revision(r.performance), health: revision(r.health), usage: revision(r.usage),
	}
}

func (c *volumeCollector) part(r *volumeReading) part {
	return part{id: r.volume.name, version: r.version(), emit: func(s sink) { c.emit(s, r) }}
}

func (c *volumeCollector) emit(s sink, r *volumeReading) {
	f, name := &c.all, r.volume.name
	s.add(f.info, 1, name, r.volume.backend, r.volume.path, r.volume.fsPrefix)

	status := r.status()
	for _, state := range volume.Statuses {
		s.add(f.healthStatus, boolValue(state == status), name, string(state))
	}
	if h := known(r.health); h != nil {
		addTime(s, f.healthLastChecked, r.health.Snapshot.ObservedAt, name)
		if h.ReadOnly != nil {
			s.add(f.readOnly, boolValue(*h.ReadOnly), name)
		}
	}
	if m := known(r.performance); m != nil {
		p := &m.Metric
		addFigure(s, f.iopsRead, p.IOPSRead, name)
		addFigure(s, f.iopsWrite, p.IOPSWrite, name)
		addFigure(s, f.bytesRead, p.BytesRead, name)
		addFigure(s, f.bytesWrite, p.BytesWrite, name)
		addFigure(s, f.latencyRead, p.LatencyReadUsec, name)
		addFigure(s, f.latencyWrite, p.LatencyWriteUsec, name)
		addTime(s, f.lastUpdated, r.performance.Snapshot.ObservedAt, name)
	}
	if u := known(r.usage); u != nil {
		addCount(s, f.capacity, u.CapacityBytes, name)
		addCount(s, f.used, u.UsedBytes, name)
		addCount(s, f.available, u.AvailableBytes, name)
		addCount(s, f.inodes, u.Inodes, name)
		addCount(s, f.inodesUsed, u.InodesUsed, name)
	}
}

// addFigure leaves out what is not reported. A negative figure or NaN is no
// figure either: some API's word for "unknown".
func addFigure(s sink, f *family, v *float64, volume string) {
	if v != nil && *v >= 0 {
		s.add(f, *v, volume)
	}
}

func addCount(s sink, f *family, v *uint64, volume string) {
	if v != nil {
		s.add(f, float64(*v), volume)
	}
}

// addTime adds Unix seconds, to the millisecond.
func addTime(s sink, f *family, t time.Time, volume string) {
	if !t.IsZero() {
		s.add(f, float64(t.UnixMilli())/1e3, volume)
	}
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

type perfMetric struct {
	VolumeName string             `json:"volume_name"`
	Metric     volume.Performance `json:"metric"`
}
