package collector

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
	"storage_exporter/volume"
	"storage_exporter/volume/observed"
)

// volumeCollector shows the volumes of one backend: their performance, health
// and usage, and what was counted while observing them.
type volumeCollector struct {
	backend string
	volumes func() []*observed.Volume // of the backend, as configured now
	all     volumeFamilies
}

// NewVolume makes the collector of one backend's volumes in the set.
func NewVolume(backend string, set *observed.Set) *exposition.Collector {
	return newVolumes(backend, set, func(b string) bool { return b == backend })
}

// NewUnsupported makes the collector of the volumes whose backend is not known:
// they are shown as unavailable. Its name is "unsupported".
func NewUnsupported(known func(backend string) bool, set *observed.Set) *exposition.Collector {
	return newVolumes("unsupported", set, func(b string) bool { return !known(b) })
}

func newVolumes(name string, set *observed.Set, match func(backend string) bool) *exposition.Collector {
	return exposition.NewCollector(newVolumeCollector(name, func() []*observed.Volume {
		var volumes []*observed.Volume
		for _, v := range set.Volumes() {
			if match(v.Backend) {
				volumes = append(volumes, v)
			}
		}
		return volumes
	}))
}

func newVolumeCollector(backend string, volumes func() []*observed.Volume) *volumeCollector {
	return &volumeCollector{backend: backend, volumes: volumes, all: newVolumeFamilies()}
}

func (c *volumeCollector) Name() string { return c.backend }

func (c *volumeCollector) Families() exposition.Families { return c.all.list }

func (c *volumeCollector) Read(ctx context.Context) ([]exposition.Part, bool) {
	readings := readVolumes(ctx, c.volumes())
	if slices.ContainsFunc(readings, volumeReading.closed) {
		// A reload took volumes away or made them anew after they were listed.
		readings = readVolumes(ctx, c.volumes())
	}
	parts := make([]exposition.Part, 0, len(readings))
	ok := true
	for _, r := range readings {
		if r.closed() {
			continue
		}
		ok = ok && r.ok()
		parts = append(parts, c.part(r))
	}
	return parts, ok
}

// readVolumes reads all kinds at once, so that waiting for one costs the others
// no time.
func readVolumes(ctx context.Context, volumes []*observed.Volume) []volumeReading {
	var (
		performance = make([]*cache.Entry[observed.PerfMetric], len(volumes))
		health      = make([]*observed.Reading[volume.Health], len(volumes))
		usage       = make([]*observed.Reading[volume.Usage], len(volumes))
		readings    = make([]volumeReading, len(volumes))
	)
	for i, v := range volumes {
		performance[i], health[i], usage[i] = v.Performance, v.Health, v.Usage
	}
	var (
		performances []cache.Result[observed.PerfMetric]
		healths      []cache.Result[volume.Health]
		usages       []cache.Result[volume.Usage]
	)
	together(
		func() { performances = cache.GetAll(ctx, performance) },
		func() { healths = observed.GetAll(ctx, health) },
		func() { usages = observed.GetAll(ctx, usage) },
	)
	for i, v := range volumes {
		readings[i] = volumeReading{v, performances[i], healths[i], usages[i], v.Counts()}
	}
	return readings
}

// volumeReading is what is known of one volume.
type volumeReading struct {
	volume      *observed.Volume
	performance cache.Result[observed.PerfMetric]
	health      cache.Result[volume.Health]
	usage       cache.Result[volume.Usage]
	counts      observed.Counts
}

func (r volumeReading) errs() []error {
	return []error{r.performance.Err, r.health.Err, r.usage.Err}
}

// closed is whether the volume is no longer observed.
func (r volumeReading) closed() bool {
	return slices.ContainsFunc(r.errs(), func(err error) bool { return errors.Is(err, cache.ErrClosed) })
}

// ok is whether every kind had something to show, or rightly has nothing.
func (r volumeReading) ok() bool {
	return !slices.ContainsFunc(r.errs(), func(err error) bool { return err != nil && !errors.Is(err, cache.ErrNothing) })
}

// status is the volume's state as far as it is known. What the cache holds may
// be anything: a state that does not exist is not known.
func (r volumeReading) status() volume.Status {
	if h := known(r.health); h != nil && slices.Contains(volume.Statuses, h.Status) {
		return h.Status
	}
	return volume.Unknown
}

// volumeVersion differs between two readings that show different things; a revision
// of 0 stands for no snapshot.
type volumeVersion struct {
	backend, path, fsPrefix    string
	performance, health, usage uint64
	counts                     observed.Counts
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

func (c *volumeCollector) part(r volumeReading) exposition.Part {
	v := r.volume
	return exposition.Part{
		ID: v.Name,
		Version: volumeVersion{
			backend: v.Backend, path: v.Path, fsPrefix: v.FSPrefix,
			performance: revision(r.performance), health: revision(r.health), usage: revision(r.usage),
			counts: r.counts,
		},
		Emit: func(s exposition.Sink) { c.emit(s, r) },
	}
}

func (c *volumeCollector) emit(s exposition.Sink, r volumeReading) {
	f, v, name := &c.all, r.volume, r.volume.Name
	s.Add(f.info, 1, name, v.Backend, v.Path, v.FSPrefix)

	status := r.status()
	for _, state := range volume.Statuses {
		s.Add(f.healthStatus, boolValue(state == status), name, string(state))
	}
	if h := known(r.health); h != nil {
		addTime(s, f.healthLastChecked, r.health.Snapshot.ObservedAt, name)
		if h.ReadOnly != nil {
			s.Add(f.readOnly, boolValue(*h.ReadOnly), name)
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
	c.emitCounts(s, r)
}

// emitCounts sends what this process has counted.
func (c *volumeCollector) emitCounts(s exposition.Sink, r volumeReading) {
	f, n, name := &c.all, &r.counts, r.volume.Name
	for i, state := range observed.Found {
		s.Add(f.transitions, float64(n.Transitions[i]), name, string(state))
	}
	if !n.Observed {
		return
	}
	s.Add(f.observations, float64(n.Successes), name, "success")
	s.Add(f.observations, float64(n.Failures), name, "failure")
	s.AddHistogram(f.durations, &exposition.Distribution{UpTo: n.Durations[:], Count: n.Successes + n.Failures, Sum: n.Seconds}, name)
}

// addFigure leaves out what is not reported. A figure that is negative or not
// finite is none either: some API's word for "unknown".
func addFigure(s exposition.Sink, f *exposition.Family, v *float64, volume string) {
	if v != nil && *v >= 0 && !math.IsInf(*v, 1) {
		s.Add(f, *v, volume)
	}
}

// addCount leaves out what is not reported, and what was -1 before it became an
// unsigned number.
func addCount(s exposition.Sink, f *exposition.Family, v *uint64, volume string) {
	if v != nil && *v != math.MaxUint64 {
		s.Add(f, float64(*v), volume)
	}
}

// addTime adds Unix seconds, to the millisecond.
func addTime(s exposition.Sink, f *exposition.Family, t time.Time, volume string) {
	if !t.IsZero() {
		s.Add(f, float64(t.UnixMilli())/1e3, volume)
	}
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
