package dellemc

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// traffic is a row of the protocol summary: one class of one protocol's
// operations on all nodes.
type traffic struct {
	Protocol, Class rest.Text
	Rate            rest.Float `json:"operation_rate"` // operations per second
	In, Out         rest.Float // bytes per second, into the cluster and out of it
	Mean            rest.Float `json:"time_avg"` // microseconds
	Time            rest.Time
}

// Performance is the cluster's as clients see it, or that of the volume's path
// where a dataset has it. Cost: one call, and one for each dataset.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	var summary reading[traffic]
	datasets := map[string]reading[workload]{}
	for _, o := range b.volumes {
		if o.dataset == "" && !summary.asked {
			summary = b.summary(ctx)
		}
		if o.dataset != "" && !datasets[o.dataset].asked {
			datasets[o.dataset] = b.workloads(ctx, o.dataset)
		}
	}
	if summary.err != nil && len(datasets) == 0 {
		return nil, summary.err
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Performance, time.Time, error) {
		if o.dataset != "" {
			r := datasets[o.dataset]
			if r.err != nil {
				return volume.Performance{}, time.Time{}, r.err
			}
			return r.recent(ofPath(r.rows, o.path))
		}
		if summary.err != nil {
			return volume.Performance{}, time.Time{}, summary.err
		}
		return summary.recent(ofProtocols(summary.rows, o.protocols))
	}), nil
}

// reading is what one call of an observation brought.
type reading[T any] struct {
	asked  bool
	rows   []T
	answer *rest.Answer
	err    error
}

// recent is a figure with the time of its sample by our clock, as long as that says
// something about now.
func (r reading[T]) recent(p volume.Performance, at time.Time, err error) (volume.Performance, time.Time, error) {
	at = r.answer.SampledAt(at)
	if old := r.answer.TooOld(at, oldest); err == nil && old != nil {
		return volume.Performance{}, at, old
	}
	return p, at, err
}

// ask makes a call and decodes its list of rows.
func ask[T any](ctx context.Context, c *rest.Client, path string, query url.Values, decode func(*rest.Answer) ([]T, error)) reading[T] {
	r := reading[T]{asked: true}
	r.rows, r.err = rest.Fetch(ctx, c, rest.Request{Path: path, Query: query}, func(a *rest.Answer) ([]T, error) {
		r.answer = a
		return decode(a)
	})
	return r
}

// summary asks for reads and writes of all protocols that clients speak, which are
// few: a name that the cluster does not know would make it refuse the whole call. A
// node that does not answer costs its own part only.
func (b *backend) summary(ctx context.Context) reading[traffic] {
	query := url.Values{
		"classes": {"read,write"}, "totalby": {"protocol,class"}, "degraded": {"true"}, "zero": {"true"}, "timeout": {"5"},
	}
	return ask(ctx, b.client, "/platform/3/statistics/summary/protocol", query, decodeTraffic)
}

func decodeTraffic(a *rest.Answer) ([]traffic, error) {
	var said struct{ Protocol []traffic }
	if err := a.Decode(&said); err != nil {
		return nil, err
	}
	if said.Protocol == nil {
		return nil, rest.Nonsense("the answer has no statistics of protocols")
	}
	return said.Protocol, nil
}

// spoken are the protocols that clients speak.
var spoken = []string{"nfs3", "nfs4", "nfsrdma", "smb1", "smb2", "ftp", "http", "hdfs", "s3"}

// ofProtocols adds up the rows of these protocols, or of all. A class without a
// row had no operations, as long as there are rows at all; so had a protocol, if it
// is one. The time is that of the newest row, by the cluster's clock.
func ofProtocols(rows []traffic, wanted []string) (volume.Performance, time.Time, error) {
	var read, write sum
	var at time.Time
	known, answered := false, slices.Clone(spoken)
	for _, r := range rows {
		var into *sum
		var bytes rest.Float
		switch strings.ToLower(r.Class.String()) {
		case "read":
			into, bytes = &read, r.Out
		case "write":
			into, bytes = &write, r.In
		default:
			continue
		}
		known = true
		if r.Time.After(at) {
			at = r.Time.Time
		}
		protocol := strings.ToLower(r.Protocol.String())
		answered = append(answered, protocol)
		if len(wanted) == 0 || slices.Contains(wanted, protocol) {
			into.add(r.Rate.Amount(), bytes.Amount(), r.Mean.Amount())
		}
	}
	p := volume.Performance{
		IOPSRead: read.ops.figure(), BytesRead: read.bytes.figure(), LatencyReadUsec: read.latency(),
		IOPSWrite: write.ops.figure(), BytesWrite: write.bytes.figure(), LatencyWriteUsec: write.latency(),
	}
	if !known || p == (volume.Performance{}) {
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	for _, protocol := range wanted {
		if !slices.Contains(answered, protocol) {
			return volume.Performance{}, time.Time{}, fmt.Errorf("the cluster has no statistics of %q: set dell_system_name to protocols of clients, such as nfs3, nfs4 or smb2",
				rest.Clean(protocol, longestWord))
		}
	}
	return p, at, nil
}

// sum adds rows of one class.
type sum struct {
	ops, bytes, usec total // usec: weighed by the operations
}

func (s *sum) add(ops, bytes, mean *float64) {
	s.ops.add(ops)
	s.bytes.add(bytes)
	switch {
	case ops != nil && *ops == 0: // the mean of nothing says nothing
	case ops == nil || mean == nil:
		s.usec.bad = true
	default:
		s.usec.add(new(*ops * *mean))
	}
}

// latency is the mean of all operations in microseconds; nil without any.
func (s *sum) latency() *float64 {
	if s.usec.figure() == nil || s.ops.figure() == nil || s.ops.n == 0 {
		return nil
	}
	return new(s.usec.n / s.ops.n)
}

// total is a sum; one figure that is not there spoils it.
type total struct {
	n   float64
	bad bool
}

func (t *total) add(v *float64) {
	if v == nil {
		t.bad = true
		return
	}
	t.n += *v
}

func (t *total) figure() *float64 {
	if t.bad || t.n > maxFigure {
		return nil
	}
	return &t.n
}

// maxFigure is beyond what any cluster does: more is a mistake, and would be
// infinite when multiplied.
const maxFigure = 1e30
