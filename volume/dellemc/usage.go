package dellemc

import (
	"context"
	"errors"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

// A directory's quota is asked for by its path, as long as there are few of them;
// else the list of all is cheaper.
const maxSingleQuotas = 4

// quota bounds a directory: a volume's capacity, where it has one.
type quota struct {
	Path       rest.Text
	Type       rest.Text
	Enforced   rest.Flag
	On         rest.Text `json:"thresholds_on"`
	Overhead   rest.Flag `json:"thresholds_include_overhead"` // the older spelling
	Thresholds struct{ Hard rest.Int }
	Usage      struct {
		Inodes, AppLogical, FSLogical, FSPhysical, Physical rest.Int
		Logical                                             rest.Int // the older spelling
	}

	err error // why it is not known
}

// used is what counts against the quota, in bytes.
func (q quota) used() *uint64 {
	spellings := []rest.Int{q.Usage.FSLogical, q.Usage.Logical}
	switch on := strings.ToLower(q.On.String()); {
	case on == "applogicalsize":
		spellings = []rest.Int{q.Usage.AppLogical}
	case on == "physicalsize", on == "" && q.Overhead.Value:
		spellings = []rest.Int{q.Usage.FSPhysical, q.Usage.Physical}
	}
	for _, s := range spellings {
		if n := s.Amount(); n != nil {
			return n
		}
	}
	return nil
}

// tighter is whether a quota leaves less room than another of the same directory,
// which may have one with its snapshots and one without them. Both hold.
func (q quota) tighter(than quota) bool {
	u, err := quotaUsage(q, nil)
	other, otherErr := quotaUsage(than, nil)
	return err == nil && (otherErr != nil || u.Tighter(other))
}

// fetchQuotas are the hard quotas of the volumes' directories, by path.
func (b *backend) fetchQuotas(ctx context.Context) (map[string]quota, error) {
	wanted := map[string]bool{}
	for _, o := range b.volumes {
		wanted[o.path] = true
	}
	query := url.Values{"type": {"directory"}, "limit": {strconv.Itoa(pageSize)}}
	found := map[string]quota{}
	list := func() error {
		r := rest.Request{Path: "/platform/1/quota/quotas", Query: query, Optional: true} // not every account sees them
		return rest.Each(ctx, b.client, r, decodeQuotas, func(q quota) {
			if p := path.Clean(q.Path.String()); wanted[p] && strings.EqualFold(q.Type.String(), "directory") && q.Enforced.Value && q.Thresholds.Hard.Valid {
				if other, ok := found[p]; !ok || q.tighter(other) {
					found[p] = q
				}
			}
		})
	}
	if len(wanted) > maxSingleQuotas {
		return found, list()
	}
	for p := range wanted {
		query.Set("path", p)
		switch err := list(); {
		case errors.Is(err, rest.ErrNotFound): // it has none
		case errors.Is(err, rest.ErrRejected): // which is about this path alone
			found[p] = quota{err: err}
		case err != nil:
			return nil, err
		}
	}
	return found, nil
}

func decodeQuotas(a *rest.Answer) (quotas []quota, next string, err error) {
	var said struct {
		Quotas []quota
		Resume rest.Text
	}
	if err := a.Decode(&said); err != nil {
		return nil, "", err
	}
	if said.Quotas == nil {
		return nil, "", rest.Nonsense("the answer has no quotas")
	}
	return said.Quotas, nextPage(said.Resume), nil
}

// Usage is that of the volume's quota, or else the cluster's. Cost: one call, and
// every few minutes one for each directory, or for each thousand quotas.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	s, statisticsAt, err := b.statistics.Get(ctx)
	if err != nil {
		return nil, err
	}
	quotas, at, err := b.quotas.Get(ctx)
	if err != nil && !errors.Is(err, rest.ErrForbidden) && !errors.Is(err, rest.ErrNotFound) {
		return nil, err // the cluster's size in its place would be another thing
	}
	whole, wholeErr := clusterUsage(s)
	if s.at.IsZero() {
		s.at = statisticsAt
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Usage, time.Time, error) {
		if q, ok := quotas[o.path]; ok {
			u, err := quotaUsage(q, whole.AvailableBytes)
			return u, at, err
		}
		return whole, s.at, wholeErr
	}), nil
}

// clusterUsage is that of /ifs; protection counts as used.
func clusterUsage(s statistics) (volume.Usage, error) {
	u := volume.Usage{
		CapacityBytes: s.values[keyTotal].Amount(), UsedBytes: s.values[keyUsed].Amount(), AvailableBytes: s.values[keyAvailable].Amount(),
	}
	if u.CapacityBytes == nil || *u.CapacityBytes == 0 {
		return volume.Usage{}, volume.ErrNoSample
	}
	for _, part := range []**uint64{&u.UsedBytes, &u.AvailableBytes} {
		if *part != nil && **part > *u.CapacityBytes {
			*part = nil
		}
	}
	return u, nil
}

// quotaUsage is how full a quota is. There is never more room than the cluster
// has.
func quotaUsage(q quota, room *uint64) (volume.Usage, error) {
	if q.err != nil {
		return volume.Usage{}, q.err
	}
	hard, used := q.Thresholds.Hard.Amount(), q.used()
	if hard == nil || *hard == 0 {
		return volume.Usage{}, rest.Nonsense("the quota of the volume's directory does not report its size")
	}
	u := volume.Usage{CapacityBytes: hard, UsedBytes: used, InodesUsed: q.Usage.Inodes.Amount()}
	if used != nil {
		left := *hard - min(*used, *hard)
		if room != nil {
			left = min(left, *room)
		}
		u.AvailableBytes = &left
	}
	return u, nil
}
