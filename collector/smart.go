package collector

import (
	"context"
	"errors"
	"slices"
	"strings"

	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
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
func NewSmart(drives *smart.Drives) *exposition.Collector {
	return exposition.NewCollector(newSmartCollector(drives))
}

func newSmartCollector(drives driveList) *smartCollector {
	return &smartCollector{drives: drives, all: newDriveFamilies()}
}

func (c *smartCollector) Name() string { return "smart" }

func (c *smartCollector) Families() exposition.Families { return c.all.list }

func (c *smartCollector) Read(ctx context.Context) ([]exposition.Part, bool) {
	drives, results, err := c.reports(ctx)
	if err != nil {
		// Not known is not the same as no drives: no count of them either.
		return nil, false
	}
	parts := make([]exposition.Part, 0, len(drives)+1)
	parts = append(parts, c.summary(drives, results))
	ok := true
	for i, d := range drives {
		r := results[i]
		switch {
		case r.Err == nil:
			parts = append(parts, c.part(d, r.Snapshot))
		case errors.Is(r.Err, cache.ErrClosed):
			continue
		default:
			parts = append(parts, c.unread(d))
			ok = ok && errors.Is(r.Err, cache.ErrNothing)
		}
		parts = c.state(parts, d, r)
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
func (c *smartCollector) summary(drives []*smart.Drive, results []cache.Result[smart.Report]) exposition.Part {
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
	return exposition.Part{ID: "smartctl", Version: v, Emit: func(s exposition.Sink) {
		if v.version != "" {
			s.Add(c.all.version, 1, v.format, v.version, v.revision, v.build)
		}
		s.Add(c.all.devices, float64(v.drives))
	}}
}

func (c *smartCollector) part(d *smart.Drive, snap cache.Snapshot[smart.Report]) exposition.Part {
	return exposition.Part{ID: "drive " + d.Label, Version: snap.Revision, Emit: func(s exposition.Sink) {
		r := snap.Value
		c.all.emit(s, d.MetricLabel(r), r, d.Assess(r), snap.ObservedAt)
	}}
}

// unread is a drive without a report: of it nothing is known but that.
func (c *smartCollector) unread(d *smart.Drive) exposition.Part {
	label, serial := labelsOf(d)
	return exposition.Part{ID: "drive " + d.Label, Version: [2]string{label, serial}, Emit: func(s exposition.Sink) {
		c.all.emitAssessment(s, label, serial, d.Assess(nil))
	}}
}

// state adds what does not come from the report: the trouble that the drive is
// in, and its other paths.
func (c *smartCollector) state(parts []exposition.Part, d *smart.Drive, r cache.Result[smart.Report]) []exposition.Part {
	type version struct{ label, what string }
	trouble, paths := d.Trouble(r.Err), d.Paths()
	if trouble == "" && r.Err == nil && r.Snapshot.Value.WithoutSMART() {
		trouble = smart.TroubleNoSMART
	}
	if trouble == "" && len(paths) < 2 {
		return parts
	}
	label, _ := labelsOf(d)
	if trouble != "" {
		parts = append(parts, exposition.Part{ID: "trouble " + d.Label, Version: version{label, string(trouble)}, Emit: func(s exposition.Sink) {
			s.Add(c.all.observeError, 1, label, string(trouble))
		}})
	}
	if len(paths) > 1 {
		parts = append(parts, exposition.Part{ID: "paths " + d.Label, Version: version{label, strings.Join(paths, " ")}, Emit: func(s exposition.Sink) {
			for _, p := range paths {
				s.Add(c.all.path, 1, label, p)
			}
		}})
	}
	return parts
}

// labelsOf are a drive's label and serial number as its last report had them, so
// that its series stay the same ones when it cannot be read any more; else as
// the system knows them.
func labelsOf(d *smart.Drive) (label, serial string) {
	if last, ok := d.Report.Last(); ok {
		return d.MetricLabel(last.Value), last.Value.SerialNumber
	}
	return d.Label, d.Device.Identity.Serial
}
