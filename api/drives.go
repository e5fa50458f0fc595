package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"storage_exporter/cache"
	"storage_exporter/smart"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
)

// driveInfo is one drive with its last report, or why there is none.
type driveInfo struct {
	Device     string     `json:"device"` // the label in the metrics
	Name       string     `json:"name"`   // the device node
	Type       string     `json:"type"`   // as smartctl is asked
	ObservedAt *time.Time `json:"observed_at"`
	AgeSeconds *float64   `json:"age_seconds"`
	Error      string     `json:"error,omitempty"`
	// Assessment is unknown of a drive without a report.
	Assessment assess.Result  `json:"assessment"`
	Report     *report.Report `json:"report"`
}

func (a *API) drives() (*smart.Drives, error) {
	if drives := a.cfg.Drives(); drives != nil {
		return drives, nil
	}
	return nil, fmt.Errorf("%w: drives are not observed: the smart collector is disabled", errNotFound)
}

func (a *API) listDrives(ctx context.Context, r *http.Request) (answer, error) {
	set, err := a.drives()
	if err != nil {
		return answer{}, err
	}
	verdicts, err := verdictsOf(r.URL.Query(), "assessment")
	if err != nil {
		return answer{}, err
	}
	drives, reports, err := smart.Reports(ctx, set.List)
	if err != nil {
		return answer{}, err
	}
	ans := answer{cached: true}
	infos := []driveInfo{}
	for i, r := range reports {
		info := describe(drives[i], r)
		if len(verdicts) == 0 || slices.Contains(verdicts, info.Assessment.Verdict) {
			infos = append(infos, info)
		}
		if r.Err != nil {
			ans.include(0, cache.Miss)
			continue
		}
		include(&ans, r.Snapshot)
	}
	ans.body = map[string]any{"drives": infos}
	return ans, nil
}

func describe(d *smart.Drive, r cache.Result[report.Report]) driveInfo {
	info := driveInfo{Device: d.Label(), Name: d.Device.Name, Type: d.Device.Type, Assessment: d.Assess(r.Snapshot.Value)}
	if r.Err == nil && r.Snapshot.Value.NotRead {
		r.Err = smart.ErrAsleep
	}
	if r.Err != nil {
		info.Error = r.Err.Error()
		return info
	}
	at, age := r.Snapshot.ObservedAt.UTC(), r.Snapshot.Age.Seconds()
	info.ObservedAt, info.AgeSeconds, info.Report = &at, &age, r.Snapshot.Value
	return info
}

// driveOf finds the drive that the path names by its label, or by any other name.
func (a *API) driveOf(ctx context.Context, r *http.Request) (*smart.Drive, error) {
	set, err := a.drives()
	if err != nil {
		return nil, err
	}
	d, err := set.Drive(ctx, r.PathValue("device"))
	if errors.Is(err, smart.ErrUnknownDrive) {
		return nil, fmt.Errorf("%w: %w: GET /api/drives lists them", errNotFound, err)
	}
	return d, err
}

func (a *API) drive(ctx context.Context, r *http.Request) (answer, error) {
	d, err := a.driveOf(ctx, r)
	if err != nil {
		return answer{}, err
	}
	return show(ctx, d.Report, func(snap cache.Snapshot[report.Report]) any {
		return describe(d, cache.Result[report.Report]{Snapshot: snap})
	})
}

// driveDocument answers with the tool's own JSON document, for what the report
// leaves out.
func (a *API) driveDocument(ctx context.Context, r *http.Request) (answer, error) {
	d, err := a.driveOf(ctx, r)
	if err != nil {
		return answer{}, err
	}
	return show(ctx, d.Document, func(snap cache.Snapshot[json.RawMessage]) any { return snap.Value })
}
