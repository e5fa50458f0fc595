package volumetest

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"storage_exporter/volume"
)

// One is a backend of which a test looks at the volume "v".
type One struct {
	T testing.TB
	volume.Backend
}

// Part is one volume's of an observation, whichever way it failed.
func Part[T any](t testing.TB, limit time.Duration, observe func(context.Context) (map[string]volume.Result[T], error), name string) volume.Result[T] {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	results, err := observe(ctx)
	if err != nil {
		return volume.Result[T]{Err: err}
	}
	return results[name]
}

// OwnPerformance is the volume's of now.
func (o One) OwnPerformance() (volume.Performance, error) {
	r := Part(o.T, 5*time.Second, o.Performance, "v")
	return r.Value, r.Err
}

// OwnUsage is the volume's of now.
func (o One) OwnUsage() (volume.Usage, error) {
	r := Part(o.T, 5*time.Second, o.Usage, "v")
	return r.Value, r.Err
}

// OwnHealth is the volume's of now, as found within a limit.
func (o One) OwnHealth(limit time.Duration) volume.Health {
	o.T.Helper()
	r := Part(o.T, limit, o.Health, "v")
	if r.Err != nil {
		o.T.Fatal(r.Err)
	}
	return r.Value
}

// WantHealth checks the volume's state and a part of what is said about it; it is
// silent where that is empty.
func (o One) WantHealth(status volume.Status, info string) volume.Health {
	o.T.Helper()
	h := o.OwnHealth(5 * time.Second)
	WantHealth(o.T, h, status, info)
	return h
}

// WantHealth is One's for a health that was found.
func WantHealth(t testing.TB, h volume.Health, status volume.Status, info string) {
	t.Helper()
	if h.Status != status || !strings.Contains(h.Info, info) || (info == "") != (h.Info == "") {
		t.Errorf("%s: %q, want %s: %q", h.Status, h.Info, status, info)
	}
}

// None stands for a figure that is absent, among Figures.
var None = math.NaN()

// Figures are the six in the order of the type.
func Figures(p volume.Performance) []float64 {
	var all []float64
	for _, f := range []*float64{p.IOPSRead, p.IOPSWrite, p.BytesRead, p.BytesWrite, p.LatencyReadUsec, p.LatencyWriteUsec} {
		switch {
		case f == nil:
			f = &None
		case math.IsNaN(*f):
			f = new(math.Inf(1)) // is never right
		}
		all = append(all, *f)
	}
	return all
}

// WantFigures checks a performance; nil is that there is no sample.
func WantFigures(t testing.TB, step string, want []float64, got volume.Performance, err error) {
	t.Helper()
	switch {
	case want == nil && !errors.Is(err, volume.ErrNoSample):
		t.Errorf("%s: %v, %v, want no sample", step, Figures(got), err)
	case want == nil:
	case err != nil:
		t.Errorf("%s: %v", step, err)
	default:
		if diff := cmp.Diff(want, Figures(got), cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
}

// Recorded is what samples' own computations are to come to, in JSON.
type Recorded struct {
	IOPSRead         *float64 `json:"iops_read"`
	IOPSWrite        *float64 `json:"iops_write"`
	BytesRead        *float64 `json:"bytes_read_per_s"`
	BytesWrite       *float64 `json:"bytes_write_per_s"`
	LatencyReadUsec  *float64 `json:"lat_read_usec"`
	LatencyWriteUsec *float64 `json:"lat_write_usec"`
}

// Same checks that a value is as it should be.
func Same(t testing.TB, want, got any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
