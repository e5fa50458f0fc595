package collector

import (
	"context"
	"errors"
	"strings"

	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
	"storage_exporter/smart"
	"storage_exporter/smart/report"
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
	drives, results, err := smart.Reports(ctx, c.drives.List)
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

// summary is what there is once: the version of the first smartctl that
// answered, and the number of drives, whether they answer or not.
func (c *smartCollector) summary(drives []*smart.Drive, results []cache.Result[report.Report]) exposition.Part {
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

// version is of what a drive's part is made of.
type version struct {
	label    string
	what     string
	revision uint64
}

func (c *smartCollector) part(d *smart.Drive, snap cache.Snapshot[report.Report]) exposition.Part {
	label := d.Label()
	serial, known := d.Serial()
	return exposition.Part{ID: "drive " + d.Key, Version: version{label: label, what: serial, revision: snap.Revision}, Emit: func(s exposition.Sink) {
		c.all.emit(s, label, snap.Value, snap.ObservedAt)
		if known {
			c.all.emitAssessment(s, label, serial, d.Assess(snap.Value))
		}
	}}
}

// unread is a drive without a report: of it nothing is known but that. Without a
// serial number not even that is shown: the series would have to change its labels.
func (c *smartCollector) unread(d *smart.Drive) exposition.Part {
	label := d.Label()
	serial, known := d.Serial()
	return exposition.Part{ID: "drive " + d.Key, Version: version{label: label, what: serial}, Emit: func(s exposition.Sink) {
		if known {
			c.all.emitAssessment(s, label, serial, d.Assess(nil))
		}
	}}
}

// state adds what does not come from the report: the trouble that the drive is
// in, and its other paths.
func (c *smartCollector) state(parts []exposition.Part, d *smart.Drive, r cache.Result[report.Report]) []exposition.Part {
	trouble, paths := d.Trouble(r.Err), d.Paths()
	if trouble == "" && r.Err == nil && r.Snapshot.Value.WithoutSMART() {
		trouble = smart.TroubleNoSMART
	}
	if trouble == "" && len(paths) < 2 {
		return parts
	}
	label := d.Label()
	if trouble != "" {
		parts = append(parts, exposition.Part{ID: "trouble " + d.Key, Version: version{label: label, what: string(trouble)}, Emit: func(s exposition.Sink) {
			s.Add(c.all.observeError, 1, label, string(trouble))
		}})
	}
	if len(paths) > 1 {
		parts = append(parts, exposition.Part{ID: "paths " + d.Key, Version: version{label: label, what: strings.Join(paths, " ")}, Emit: func(s exposition.Sink) {
			for _, p := range paths {
				s.Add(c.all.path, 1, label, p)
			}
		}})
	}
	return parts
}
