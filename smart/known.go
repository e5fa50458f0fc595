package smart

import "storage_exporter/cache"

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
