package volumetest

import (
	"errors"
	"fmt"
	"math"

	"storage_exporter/volume"
)

// good checks that all volumes show what they are to show.
func (r *run) good(when string, all map[string]seen) {
	r.t.Helper()
	for i, cfg := range r.e.Volumes {
		r.goodVolume(when, i, all[cfg.Name])
	}
}

func (r *run) goodVolume(when string, i int, got seen) {
	r.t.Helper()
	name, want := r.e.Volumes[i].Name, r.Want(i)
	if want.Status == "" {
		want.Status = volume.Healthy
	}
	if got.health.Status != want.Status {
		r.errorf("%s: %s is %s (%s), not %s", when, name, got.health.Status, got.health.Info, want.Status)
	}
	if !errors.Is(got.performanceErr, want.PerformanceErr) {
		r.errorf("%s: performance of %s: %v, not %v", when, name, got.performanceErr, want.PerformanceErr)
	}
	if got.usageErr != nil {
		r.errorf("%s: usage of %s: %v", when, name, got.usageErr)
	}
	wanted := figuresOf(want.Performance)
	for figure, v := range figuresOf(got.performance) {
		if !near(v, wanted[figure]) {
			r.errorf("%s: %s of %s is %s, not %s", when, figure, name, show(v), show(wanted[figure]))
		}
	}
	amounts := amountsOf(want.Usage)
	for amount, v := range amountsOf(got.usage) {
		if w := amounts[amount]; (v == nil) != (w == nil) || v != nil && *v != *w {
			r.errorf("%s: %s of %s is %s, not %s", when, amount, name, show(v), show(w))
		}
	}
}

func near(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Abs(*a-*b) <= 1e-6*math.Max(1, math.Abs(*b))
}

func show[T any](v *T) string {
	if v == nil {
		return "absent"
	}
	return fmt.Sprint(*v)
}

func figuresOf(p volume.Performance) map[string]*float64 {
	return map[string]*float64{
		"iops_read": p.IOPSRead, "iops_write": p.IOPSWrite, "io_bytes_read": p.BytesRead, "io_bytes_write": p.BytesWrite,
		"io_usec_read": p.LatencyReadUsec, "io_usec_write": p.LatencyWriteUsec,
	}
}

func amountsOf(u volume.Usage) map[string]*uint64 {
	return map[string]*uint64{
		"capacity_bytes": u.CapacityBytes, "used_bytes": u.UsedBytes, "available_bytes": u.AvailableBytes,
		"inodes": u.Inodes, "inodes_used": u.InodesUsed,
	}
}
