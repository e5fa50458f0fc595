package netapp

import (
	"context"
	"net/http"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
)

// metricLongest is how old a sample of metric may be.
const metricLongest = time.Minute

// Performance compares the counters with those of the time before, by the
// timestamps that ONTAP gives them. Where there is nothing to compare with, it is
// ONTAP's own mean of the last 15 seconds.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	volumes, _, err := b.volumes.Get(ctx)
	if err != nil {
		return nil, err
	}
	groups, _, groupsErr := b.groups.Get(ctx)
	return volume.Each(b.objects, func(name string, o object) (volume.Performance, time.Time, error) {
		v, err := volumes.find(o)
		if err != nil {
			return volume.Performance{}, time.Time{}, err
		}
		parts, whole, err := []record{v}, true, error(nil)
		if v.is(styleFlexGroup) {
			group := groups[v.UUID.String()]
			parts, whole, err = group.members, group.whole, groupsErr
		}
		var p volume.Performance
		var at time.Time
		if err == nil {
			p, at, err = b.compare(name, parts, whole)
		}
		if err != nil {
			if p, at, ok := v.mean(); ok {
				return p, at, nil
			}
		}
		return p, at, err
	}), nil
}

// compare makes rates of a volume's counters, or of all its members'. A reading
// that lacks something is no base for the next, either.
func (b *backend) compare(name string, parts []record, whole bool) (volume.Performance, time.Time, error) {
	samples := make([]rates.Sample, len(parts))
	for i, part := range parts {
		if !strings.EqualFold(part.Statistics.Status.String(), "ok") {
			whole = false
		}
		samples[i] = part.sample()
	}
	if !whole {
		b.rates.Drop(name)
		return volume.Performance{}, time.Time{}, volume.ErrNoSample
	}
	p, at, err := b.rates.Next(name, samples...)
	if err != nil {
		return p, at, err
	}
	return p, parts[0].answer.SampledAt(at), nil
}

func (v *record) sample() rates.Sample {
	s := v.Statistics
	at := s.Timestamp.Time
	if at.IsZero() { // some builds leave it out
		at = sentAt(v.answer)
	}
	return rates.Sample{
		Identity: v.UUID.String(), At: at,
		Read:  rates.Counters{Ops: s.IOPS.Read.Amount(), Bytes: s.Throughput.Read.Amount(), Time: s.Latency.Read.Amount()},
		Write: rates.Counters{Ops: s.IOPS.Write.Amount(), Bytes: s.Throughput.Write.Amount(), Time: s.Latency.Write.Amount()},
	}
}

// sentAt is when an answer was made, by the appliance's clock where it says so.
func sentAt(a *rest.Answer) time.Time {
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		return date
	}
	return a.ReceivedAt
}

// mean is the volume's last sample of metric, and when it was made; false where
// there is none, it is not complete, or it is old.
func (v *record) mean() (volume.Performance, time.Time, bool) {
	m := v.Metric
	switch strings.ToLower(m.Status.String()) {
	case "ok", "backfilled_data":
	default:
		return volume.Performance{}, time.Time{}, false
	}
	at := v.answer.SampledAt(m.Timestamp.Time)
	if at.IsZero() || v.answer.ReceivedAt.Sub(at) > metricLongest {
		return volume.Performance{}, time.Time{}, false
	}
	p, err := rates.Reported(volume.Performance{
		IOPSRead: m.IOPS.Read.Amount(), IOPSWrite: m.IOPS.Write.Amount(),
		BytesRead: m.Throughput.Read.Amount(), BytesWrite: m.Throughput.Write.Amount(),
		LatencyReadUsec: m.Latency.Read.Amount(), LatencyWriteUsec: m.Latency.Write.Amount(),
	})
	return p, at, err == nil
}
