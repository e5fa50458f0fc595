package gpfs

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// buckets is how many are asked for: the newest are not complete yet, and a
// collector may lag.
const buckets = 6

// plainName is what needs no quoting in a query.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// query asks for a file system, or for all, in buckets of so many seconds, each
// the sum over the nodes of the cluster. The filter is an expression, which others
// may match, too: they stay apart.
func query(scope string, seconds, count int) string {
	sums := make([]string, len(metrics))
	for i, m := range metrics {
		sums[i] = "sum(" + m + ")"
	}
	from := ""
	if plainName.MatchString(scope) {
		from = "from gpfs_fs_name=" + scope + " "
	}
	return fmt.Sprintf("metrics %s bucket_size %d last %d %sgroup_by gpfs_fs_name", strings.Join(sums, ","), seconds, count, from)
}

// Performance is each file system's, from the performance collector. Cost: one
// call; two more every ten minutes until the unit of its values is known.
func (b *backend) Performance(ctx context.Context) (map[string]volume.Result[volume.Performance], error) {
	answer, t, err := b.ask(ctx, b.bucket, buckets)
	if err != nil {
		return nil, err
	}
	perSecond := b.meter.perSecond(ctx, b)
	b.warnSilence(t)
	return volume.Each(b.volumes, func(_ string, o options) (volume.Performance, time.Time, error) {
		p, at, err := t.performance(o.filesystem, perSecond)
		if err == nil {
			b.load.note(o.filesystem, p)
		}
		return p, answer.SampledAt(at), err
	}), nil
}

func (b *backend) ask(ctx context.Context, bucket time.Duration, count int) (*rest.Answer, table, error) {
	var answer *rest.Answer
	t, err := rest.Fetch(ctx, b.client, rest.Request{
		Path: "/perfmon/data", Query: url.Values{"query": {query(b.scope, int(bucket.Seconds()), count)}},
	}, func(a *rest.Answer) (table, error) {
		answer = a
		return decodeTable(a)
	})
	return answer, t, err
}

// warnSilence logs once that the collector has nothing, for that is no failure
// and would else look like a backend without performance figures.
func (b *backend) warnSilence(t table) {
	silent := true
	for _, columns := range t.columns {
		if _, ok := t.newest(columns); ok {
			silent = false
		}
	}
	if was := b.silent.Swap(silent); silent && !was {
		b.log.Warn("no performance figures of any file system: set the sensor GPFSFilesystem to a period (mmperfmon config), or gpfs_sensor_period to its period where that is longer than 10 s, and check the collector")
	}
}
