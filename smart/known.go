package smart

import (
	"context"
	"fmt"
	"slices"

	"storage_exporter/block"
	"storage_exporter/cache"
	"storage_exporter/smart/report"
)

// index is the monitored set as it is looked up. It never changes.
type index struct {
	lookup *Lookup
	drives []*Drive // in the lookup's order
}

// Known is the monitored drives as List has them, without waiting, or why there
// is no list: a scan that failed, one that has not ended, or the end.
func (ds *Drives) Known() ([]*Drive, error) {
	if drives, ok := ds.current(); ok {
		return drives, nil
	}
	ds.mu.Lock()
	closed, err := ds.closed, ds.scanError
	ds.mu.Unlock()
	switch {
	case closed:
		return nil, cache.ErrClosed
	case err == nil && ds.list != nil:
		err = ds.list.Err()
	}
	if err == nil {
		err = ErrNotScanned
	}
	return nil, err
}

func (ds *Drives) current() ([]*Drive, bool) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.sorted, ds.known && !ds.closed
}

// Lookup finds the monitored drives, of which there are none before the first list.
// It is the same one until something changes by which a drive is found.
func (ds *Drives) Lookup() *Lookup { return ds.indexed().lookup }

func (ds *Drives) indexed() *index {
	if x := ds.index.Load(); x != nil {
		return x
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if x := ds.index.Load(); x != nil {
		return x
	}
	named := make([]Named, len(ds.sorted))
	for i, d := range ds.sorted {
		named[i] = d.Named()
	}
	x := &index{NewLookup(named), ds.sorted}
	ds.index.Store(x)
	return x
}

// Drive is the drive that a name means, as Lookup finds it; ErrUnknownDrive if it is
// none, or several.
func (ds *Drives) Drive(ctx context.Context, name string) (*Drive, error) {
	if _, err := ds.List(ctx); err != nil {
		return nil, err
	}
	x := ds.indexed()
	switch found := x.lookup.Find(name); len(found) {
	case 0:
		return nil, fmt.Errorf("%w: %q", ErrUnknownDrive, name)
	case 1:
		return x.drives[found[0]], nil
	default:
		return nil, fmt.Errorf("%w: %q is both %s and %s", ErrUnknownDrive, name, x.lookup.Label(found[0]), x.lookup.Label(found[1]))
	}
}

// Reports lists drives and reads all their reports at once; again where the list
// changed meanwhile, as when a report shows that two devices are one drive.
func Reports(ctx context.Context, list func(context.Context) ([]*Drive, error)) ([]*Drive, []cache.Result[report.Report], error) {
	drives, err := list(ctx)
	if err != nil {
		return nil, nil, err
	}
	for again := true; ; again = false {
		entries := make([]*cache.Entry[report.Report], len(drives))
		for i, d := range drives {
			entries[i] = d.Report
		}
		results := cache.GetAll(ctx, entries)
		now, err := list(ctx)
		if !again || err != nil || slices.Equal(now, drives) {
			return drives, results, nil
		}
		drives = now
	}
}

// publish makes the set; ds.mu is held.
func (ds *Drives) publish(byKey map[string]*Drive) {
	sorted := make([]*Drive, 0, len(byKey))
	labels, whose := make(map[string]*Drive, len(byKey)), make(map[string]*Drive, 2*len(byKey))
	for _, d := range byKey {
		sorted = append(sorted, d)
		named := d.Named()
		labels[named.Label] = d
		for _, id := range named.Identities {
			if key := id.Key(); key != "" {
				whose[key] = d
			}
		}
	}
	slices.SortFunc(sorted, func(a, b *Drive) int { return block.CompareNames(a.Key, b.Key) })
	ds.byKey, ds.sorted, ds.labels, ds.whose = byKey, sorted, labels, whose
	ds.index.Store(nil)
	if ds.cfg.OnChange != nil {
		ds.cfg.OnChange()
	}
}
