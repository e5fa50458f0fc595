package collector

import (
	"context"
	"errors"
	"strings"
	"sync"

	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
	"storage_exporter/smart"
	"storage_exporter/smart/report"
)

// smartCollector shows the drives' reports.
type smartCollector struct {
	drives driveList
	all    driveFamilies

	mu   sync.Mutex // guards made
	made map[*smart.Drive]driveParts
}

// driveParts are a drive's parts as long as its version holds.
type driveParts struct {
	version driveVersion
	parts   []exposition.Part
}

// driveVersion is of what a drive's parts are made of.
type driveVersion struct {
	label, serial string
	known         bool   // the serial number is
	revision      uint64 // of the report; 0: there is none
	trouble       smart.Trouble
	paths         string // all of them, where there are several
	observed      smart.Observations
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
	return &smartCollector{drives: drives, all: newDriveFamilies(), made: make(map[*smart.Drive]driveParts)}
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.made) > 2*len(drives) {
		clear(c.made) // of drives that are gone, most of them
	}
	for i, d := range drives {
		r := results[i]
		if errors.Is(r.Err, cache.ErrClosed) {
			continue
		}
		ok = ok && (r.Err == nil || errors.Is(r.Err, cache.ErrNothing))
		parts = append(parts, c.partsOf(d, r)...)
	}
	return parts, ok
}

// partsOf returns the same parts until one of the things changes that they are made of.
func (c *smartCollector) partsOf(d *smart.Drive, r cache.Result[report.Report]) []exposition.Part {
	v := driveVersion{label: d.Label(), trouble: d.Trouble(r.Err), observed: d.Observations()}
	v.serial, v.known = d.Serial()
	if r.Err == nil {
		v.revision = r.Snapshot.Revision
		if v.trouble == "" && r.Snapshot.Value.WithoutSMART() {
			v.trouble = smart.TroubleNoSMART
		}
	}
	if d.HasPaths() {
		v.paths = strings.Join(d.Paths(), " ")
	}
	if made, ok := c.made[d]; ok && made.version == v {
		return made.parts
	}
	made := driveParts{v, []exposition.Part{c.part(d, v, r)}}
	if v.trouble != "" {
		made.parts = append(made.parts, exposition.Part{ID: "trouble " + d.Key, Version: v, Emit: func(s exposition.Sink) {
			s.Add(c.all.observeError, 1, v.label, string(v.trouble))
		}})
	}
	if v.paths != "" {
		made.parts = append(made.parts, exposition.Part{ID: "paths " + d.Key, Version: v, Emit: func(s exposition.Sink) {
			for p := range strings.SplitSeq(v.paths, " ") {
				s.Add(c.all.path, 1, v.label, p)
			}
		}})
	}
	c.made[d] = made
	return made.parts
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

// part is what comes from the report, and how the observations ended. Of a drive without one nothing is known but that,
// and without a serial number not even that is shown: the series would have to change
// its labels.
func (c *smartCollector) part(d *smart.Drive, v driveVersion, r cache.Result[report.Report]) exposition.Part {
	snap := r.Snapshot
	return exposition.Part{ID: "drive " + d.Key, Version: v, Emit: func(s exposition.Sink) {
		s.Add(c.all.observations, float64(v.observed.Successes), v.label, "success")
		s.Add(c.all.observations, float64(v.observed.Failures), v.label, "failure")
		if r.Err == nil {
			c.all.emit(s, v.label, snap.Value, snap.ObservedAt)
		}
		if v.known {
			c.all.emitAssessment(s, v.label, v.serial, d.Assess(snap.Value))
		}
	}}
}
