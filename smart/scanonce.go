package smart

import (
	"context"
	"fmt"
	"time"
)

// scanOnce scans until it has gone well once, for a set that is not to be
// scanned again. The list does not go through the store: one of an earlier
// process would be used for ever.
func (ds *Drives) scanOnce() {
	pause := 2 * time.Second
	for {
		ctx, cancel := context.WithTimeout(ds.ctx, ds.cfg.ScanTimeout)
		devices, err := ds.scanSystem(ctx)
		cancel()
		if err == nil {
			ds.apply(devices)
			return
		}
		if ds.ctx.Err() != nil {
			return
		}
		ds.mu.Lock()
		firstTime := ds.scanError == nil
		ds.scanError = err
		ds.mu.Unlock()
		if firstTime {
			ds.log.Warn("scan failed; it is repeated until it has gone well once", "err", err)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, time.Minute)
		case <-ds.ctx.Done():
			return
		}
	}
}

// waitForFirst waits for the first list, where the scan is none of the cache's.
func (ds *Drives) waitForFirst(ctx context.Context) error {
	ds.mu.Lock()
	err := ds.scanError
	ds.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-ds.first:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drives are being scanned: %w", ctx.Err())
	case <-ds.ctx.Done():
		return nil
	}
}
