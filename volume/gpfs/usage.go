package gpfs

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/rest"
)

const (
	// A release that lists only names is asked for each pool; a file system has
	// eight at most.
	maxSinglePools = 64
	maxKiB         = 1 << 53 // 8 EiB: more is a mistake
)

// pool is one of a file system's storage pools.
type pool struct {
	Filesystem rest.Text `json:"filesystemName"`
	Name       rest.Text `json:"storagePoolName"`
	TotalData  rest.Int  `json:"totalDataInKB"`
	FreeData   rest.Int  `json:"freeDataInKB"`
	TotalMeta  rest.Int  `json:"totalMetaInKB"`
	FreeMeta   rest.Int  `json:"freeMetaInKB"`
}

// named is whether the list had the name alone.
func (p pool) named() bool {
	return !p.TotalData.Valid && !p.FreeData.Valid && !p.TotalMeta.Valid && !p.FreeMeta.Valid
}

// fetchPools is by file system.
func (b *backend) fetchPools(ctx context.Context) (map[string][]pool, error) {
	wanted := map[string]bool{}
	for _, o := range b.volumes {
		wanted[o.filesystem] = true
	}
	pools := map[string][]pool{}
	err := list(ctx, b.client, rest.Request{Path: b.scoped("/pools"), Query: allFields()}, "storagePool", func(p pool) {
		fs := p.Filesystem.String()
		if fs == "" && b.scope != allFilesystems {
			fs = b.scope
		}
		if wanted[fs] {
			pools[fs] = append(pools[fs], p)
		}
	})
	if err != nil {
		return nil, b.absent(err)
	}
	asked := 0
	for fs, listed := range pools {
		all := distinct(listed)
		pools[fs] = all
		for i, p := range all {
			if !p.named() || p.Name == "" || asked == maxSinglePools {
				continue
			}
			asked++
			path := "/filesystems/" + url.PathEscape(fs) + "/pools/" + url.PathEscape(p.Name.String())
			err := list(ctx, b.client, rest.Request{Path: path}, "storagePool", func(p pool) { all[i] = p })
			if err != nil {
				return nil, err
			}
		}
	}
	return pools, nil
}

// fetchRoom is what health needs of the pools; none where they are not there in
// time. It never fails, so that pools that take long, as those of a large cluster
// may, are not walked over again at each check.
func (b *backend) fetchRoom(ctx context.Context) (map[string][]pool, error) {
	pools, _, _ := b.pools.Get(ctx) // usage says why not
	return pools, nil
}

// Usage is the sum of the file system's pools. What is for metadata alone is not
// in it. Cost: one call for each thousand pools.
func (b *backend) Usage(ctx context.Context) (map[string]volume.Result[volume.Usage], error) {
	pools, at, err := b.pools.Get(ctx)
	if err != nil && b.ownNone(ctx, err) {
		pools, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	return volume.Each(b.volumes, func(_ string, o options) (volume.Usage, time.Time, error) {
		u, err := usageOf(o.filesystem, pools[o.filesystem])
		return u, at, err
	}), nil
}

// ownNone is whether the pools of a file system were refused that is there: it is
// another cluster's.
func (b *backend) ownNone(ctx context.Context, err error) bool {
	if !errors.Is(err, rest.ErrNotFound) {
		return false
	}
	all, _, listErr := b.filesystems.Get(ctx)
	_, known := all[b.scope]
	return listErr == nil && known
}

func usageOf(fs string, pools []pool) (volume.Usage, error) {
	if len(pools) == 0 {
		return volume.Usage{}, volume.ErrUnsupported // another cluster's file system, or none: its health says which
	}
	total, free, ok := space(pools, func(p pool) (rest.Int, rest.Int) { return p.TotalData, p.FreeData })
	if !ok {
		return volume.Usage{}, rest.Nonsense("the pools of file system %q do not report their size", rest.Clean(fs, 100))
	}
	return volume.Usage{CapacityBytes: new(total), UsedBytes: new(total - free), AvailableBytes: new(free)}, nil
}

// distinct are the pools without repetitions, which some lists have. Of a pool that is
// listed with different sizes, the one with less room counts.
func distinct(pools []pool) []pool {
	least := map[rest.Text]int{}
	var all []pool
	for _, p := range pools {
		i, known := least[p.Name]
		switch {
		case !known || p.Name == "":
			least[p.Name] = len(all)
			all = append(all, p)
		case p.room(all[i]) < 0:
			all[i] = p
		}
	}
	return all
}

// room orders pools by what is free in them.
func (p pool) room(other pool) int {
	return cmp.Or(
		cmp.Compare(p.FreeData.Value, other.FreeData.Value), cmp.Compare(p.TotalData.Value, other.TotalData.Value),
		cmp.Compare(p.FreeMeta.Value, other.FreeMeta.Value), cmp.Compare(p.TotalMeta.Value, other.TotalMeta.Value),
	)
}

// space adds up, in bytes. It is not ok when a pool reports none, when nothing
// is there at all, or when it cannot be.
func space(pools []pool, of func(pool) (total, free rest.Int)) (total, free uint64, ok bool) {
	for _, p := range pools {
		t, f := of(p)
		totalKiB, freeKiB := t.Amount(), f.Amount()
		if totalKiB == nil || freeKiB == nil || *freeKiB > *totalKiB || *totalKiB > maxKiB-total/1024 {
			return 0, 0, false
		}
		total += *totalKiB * 1024
		free += *freeKiB * 1024
	}
	return total, free, total > 0
}
