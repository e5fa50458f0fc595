package collector

import (
	"context"
	"errors"
	"slices"

	"storage_exporter/cache"
	"storage_exporter/smart"
)

// smartCollector shows the drives' reports.
type smartCollector struct {
	drives driveList
	all    driveFamilies
}

// driveList is the monitored set, as *smart.Drives has it.
type driveList interface {
	List(ctx context.Context) ([]*smart.Drive, error)
}

// NewSmart makes the collector of the drives' reports; its name is "smart".
func NewSmart(drives *smart.Drives) *Collector { return newCollector(newSmartCollector(drives)) }

func newSmartCollector(drives driveList) *smartCollector {
	return &smartCollector{drives: drives, all: newDriveFamilies()}
}

func (c *smartCollector) name() string { return "smart" }

func (c *smartCollector) families() []*family { return c.all.list() }

func (c *smartCollector) read(ctx context.Context) ([]part, bool) {
	drives, results, err := c.reports(ctx)
	if err != nil {
		// Not known is not the same as no drives: no count of them either.
		return nil, false
	}
	parts := make([]part, 0, len(drives)+1)
	parts = append(parts, c.summary(drives, results))
	ok := true
	for i, d := range drives {
		switch r := results[i]; {
		case r.Err == nil:
			parts = append(parts, c.part(d, r.Snapshot))
		case errors.Is(r.Err, cache.ErrClosed) || errors.Is(r.Err, cache.ErrNothing):
		default:
			ok = false
		}
	}
	return parts, ok
}

// reports lists the drives and reads all their reports at once; again where the
// list changed meanwhile.
func (c *smartCollector) reports(ctx context.Context) (drives []*smart.Drive, results []cache.Result[smart.Report], err error) {
	for range 2 {
		if drives, err = c.drives.List(ctx); err != nil {
			return nil, nil, err
		}
		entries := make([]*cache.Entry[smart.Report], len(drives))
		for i, d := range drives {
			entries[i] = d.Report
		}
		results = cache.GetAll(ctx, entries)
		if !slices.ContainsFunc(results, func(r cache.Result[smart.Report]) bool { return errors.Is(r.Err, cache.ErrClosed) }) {
			break
		}
	}
	return drives, results, nil
}

// summary is what there is once: the version of the first smartctl that
// answered, and the number of drives, whether they answer or not.
func (c *smartCollector) summary(drives []*smart.Drive, results []cache.Result[smart.Report]) part {
	type version struct {
		format, version, revision, build string
		drives                           int
	}
	v := version{drives: len(drives)}
	for _, r := range results {
		if r.Err == nil && r.Snapshot.Value.Smartctl.Version != "" {
			p := r.Snapshot.Value.Smartctl
			v.format, v.version, v.revision, v.build = p.JSONFormat, p.Version, p.SVNRevision, p.BuildInfo
			break
		}
	}
	return part{id: "smartctl", version: v, emit: func(s sink) {
		if v.version != "" {
			s.add(c.all.version, 1, v.format, v.version, v.revision, v.build)
		}
		s.add(c.all.devices, float64(v.drives))
	}}
}

func (c *smartCollector) part(d *smart.Drive, snap cache.Snapshot[smart.Report]) part {
	return part{id: "drive " + d.Label, version: snap.Revision, emit: func(s sink) {
		c.all.emit(s, d.MetricLabel(snap.Value), snap.Value, snap.ObservedAt)
	}}
}
