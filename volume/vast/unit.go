package vast

import (
	"context"
	"strings"

	"storage_exporter/volume/rest"
)

// unit is how many of what a latency is counted in make a microsecond.
type unit float64

const (
	microseconds unit = 1
	nanoseconds  unit = 1000
)

// metric is one of those that VMS has, with the unit that it counts in.
type metric struct {
	FQN   rest.Text // "ViewMetrics,read_latency__sum"
	Units rest.Text
}

// latencyUnit finds the unit of the views' latencies. Releases count in
// microseconds, but one was seen that counts in nanoseconds: it says so.
type latencyUnit struct {
	exact, akin rest.Text // of the sum, and of another figure of the same histogram
}

func (u *latencyUnit) add(m metric) {
	name, figure, _ := strings.Cut(strings.TrimSpace(m.FQN.String()), "__")
	switch {
	case name != readLatency || m.Units == "" || figure == "num_samples":
	case figure == "sum":
		u.exact = m.Units
	case u.akin == "" || isNano(m.Units):
		u.akin = m.Units
	}
}

func (u *latencyUnit) unit() unit {
	if isNano(u.exact) || u.exact == "" && isNano(u.akin) {
		return nanoseconds
	}
	return microseconds
}

func isNano(units rest.Text) bool {
	word := strings.ToLower(strings.TrimSpace(units.String()))
	return word == "ns" || strings.HasPrefix(word, "nsec") || strings.HasPrefix(word, "nanosec")
}

// fetchUnit reads it in the list of metrics. A release or an account without that
// list has the unit that is documented.
func (b *backend) fetchUnit(ctx context.Context) (unit, error) {
	var u latencyUnit
	err := each(ctx, b.client, rest.Request{Path: "/metrics/", Optional: true, Query: fields("fqn", "units")}, u.add)
	if rest.Refused(err) {
		return microseconds, nil
	}
	return u.unit(), err
}
