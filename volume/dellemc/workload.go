package dellemc

import (
	"context"
	"net/url"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// workload is a row of a performance dataset: what was done below one path. It
// does not report how many of its operations were reads: its own reads and writes
// are the disks'.
type workload struct {
	Path     rest.Text
	Special  rest.Text `json:"workload_type"` // of what belongs to no path, such as Excluded
	Error    rest.Text
	Ops      rest.Float
	BytesIn  rest.Float `json:"bytes_in"`  // per second
	BytesOut rest.Float `json:"bytes_out"` // per second
	Read     rest.Float `json:"latency_read"`
	Write    rest.Float `json:"latency_write"` // microseconds
	Time     rest.Time
}

// workloads asks for all paths of a dataset at once.
func (b *backend) workloads(ctx context.Context, dataset string) reading[workload] {
	query := url.Values{"dataset": {dataset}, "nodes": {"all"}, "degraded": {"true"}, "totalby": {"path"}}
	return ask(ctx, b.client, "/platform/10/statistics/summary/workload", query, decodeWorkloads)
}

func decodeWorkloads(a *rest.Answer) ([]workload, error) {
	var said struct{ Workload []workload }
	if err := a.Decode(&said); err != nil {
		return nil, err
	}
	if said.Workload == nil {
		return nil, rest.Nonsense("the answer has no workloads")
	}
	return said.Workload, nil
}

// ofPath adds up what was done at a path and below it: bytes, and the latency
// where it is one workload's alone.
func ofPath(rows []workload, path string) (volume.Performance, time.Time, error) {
	var in, out total
	var at time.Time
	var found []workload
	for _, w := range rows {
		if w.Special != "" || w.Error != "" || !within(w.Path.String(), path) {
			continue
		}
		found = append(found, w)
		in.add(w.BytesIn.Amount())
		out.add(w.BytesOut.Amount())
		if w.Time.After(at) {
			at = w.Time.Time
		}
	}
	if len(found) == 0 {
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	p := volume.Performance{BytesRead: out.figure(), BytesWrite: in.figure()}
	if len(found) == 1 {
		p.LatencyReadUsec, p.LatencyWriteUsec = latency(found[0].Read), latency(found[0].Write)
	}
	if p == (volume.Performance{}) {
		return p, time.Time{}, volume.ErrNoSample
	}
	return p, at, nil
}

// latency is absent where it is zero: there was no operation.
func latency(f rest.Float) *float64 {
	if v := f.Amount(); v != nil && *v > 0 {
		return v
	}
	return nil
}

// within is whether a path is another one or below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}
