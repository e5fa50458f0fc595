package vast

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/rest"
)

// Of a view's statistics the last minutes are asked for, which are two rows even
// where there is one for every five minutes. A sample is none that is older than
// oldest, or than two of its own windows.
const (
	timeFrame = 13 * time.Minute
	oldest    = 3 * time.Minute
)

// longestURL is what old releases take, with some room.
const longestURL = 3900

// Performance is that of each view, or that of the cluster for each volume.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	if b.ofViews() {
		return b.viewPerformance(ctx)
	}
	clusters := b.ask(ctx)
	return volume.Each(b.volumes, func(_ string, o options) (volume.Performance, time.Time, error) {
		c := clusters[o.cluster]
		if c.err != nil {
			return volume.Performance{}, c.at, c.err
		}
		p, err := c.performance()
		return p, c.at, err
	}), nil
}

// performance are the cluster's own averages of the last seconds. One that VMS has
// no contact with, or that is down, shows those of before.
func (c *cluster) performance() (volume.Performance, error) {
	if !c.serves() {
		return volume.Performance{}, volume.ErrNoSample
	}
	return rates.Reported(volume.Performance{
		IOPSRead: c.ReadOps.Amount(), IOPSWrite: c.WriteOps.Amount(),
		BytesRead: c.ReadBytes.Amount(), BytesWrite: c.WriteBytes.Amount(),
		LatencyReadUsec: c.ReadLatency.Amount(), LatencyWriteUsec: c.WriteLatency.Amount(),
	})
}

func (b *backend) viewPerformance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	all, _, err := b.list(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[uint64]bool{}
	for _, o := range b.volumes {
		if v, err := all.find(o); err == nil && v.ID.Amount() != nil {
			ids[*v.ID.Amount()] = true
		}
	}
	counted, err := b.counted(ctx, slices.Sorted(maps.Keys(ids)))
	if err != nil {
		if rest.Refused(err) {
			b.refused.Store(new(time.Now())) // an id may be that of a view that is gone
		}
		return nil, err
	}
	per := b.latencyUnit(ctx, len(counted) > 0)
	return volume.Each(b.volumes, func(_ string, o options) (volume.Performance, time.Time, error) {
		v, err := all.find(o)
		if err != nil {
			return volume.Performance{}, time.Time{}, err
		}
		if v.ID.Amount() == nil {
			return volume.Performance{}, time.Time{}, rest.Nonsense("the view has no id in the answer")
		}
		found := counted[*v.ID.Amount()]
		s, ok := sampleOf(found.rows, per)
		if !ok {
			return volume.Performance{}, time.Time{}, volume.ErrNoSample
		}
		at := found.in.SampledAt(s.at)
		if err := found.in.TooOld(at, min(max(oldest, 2*s.window), timeFrame)); err != nil {
			return volume.Performance{}, time.Time{}, err
		}
		return s.performance, at, nil
	}), nil
}

// latencyUnit is zero where it is not known now: better no latency than one that
// is a thousand times too long.
func (b *backend) latencyUnit(ctx context.Context, needed bool) unit {
	if !needed {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, besides)
	defer cancel()
	per, _, _ := b.unit.Get(ctx)
	return per
}

// counted are a view's rows, and the answer that they are in.
type counted struct {
	rows []row
	in   *rest.Answer
}

// counted asks for the counters of all views, with as many calls as the length of
// a URL makes necessary: one for some 200 views.
func (b *backend) counted(ctx context.Context, ids []uint64) (map[uint64]counted, error) {
	all := map[uint64]counted{}
	for len(ids) > 0 {
		query, n := queryOf(ids, longestURL-b.room)
		ids = ids[n:]
		var answer *rest.Answer
		rows, err := rest.Fetch(ctx, b.client, rest.Request{Path: statisticsPath, Query: query}, func(a *rest.Answer) (map[uint64][]row, error) {
			answer = a
			return rowsOf(a)
		})
		if err != nil {
			return nil, err
		}
		for id, r := range rows {
			all[id] = counted{r, answer}
		}
	}
	return all, nil
}

const statisticsPath = "/monitors/ad_hoc_query/"

// queryOf asks for the counters of as many of the views as fit, but at least one.
func queryOf(ids []uint64, most int) (query url.Values, n int) {
	query = url.Values{
		"object_type": {"view"},
		"time_frame":  {fmt.Sprintf("%dm", int(timeFrame.Minutes()))},
		"prop_list":   counters[:],
	}
	length := len(query.Encode())
	for n < len(ids) {
		id := strconv.FormatUint(ids[n], 10)
		if length += len("&object_ids=" + id); n > 0 && length > most {
			break
		}
		query.Add("object_ids", id)
		n++
	}
	return query, n
}
