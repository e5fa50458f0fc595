package cachestore

import (
	"errors"
	"fmt"
	"time"
)

const (
	// purgeInterval is how often expired records are deleted from the file.
	purgeInterval = time.Minute
	// maxFlushBackoff bounds the pause after failed writes.
	maxFlushBackoff = time.Minute
	// batchKeys and batchBytes bound one transaction.
	batchKeys  = 2000
	batchBytes = 16 << 20
	// maxReplacements bounds how often a damaged file is replaced, because
	// each leaves a mapping behind.
	maxReplacements = 3
)

// run writes until Close. It owns the file from here on.
func (f *File) run() {
	defer close(f.done)
	tick := time.NewTicker(f.interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if !time.Now().Before(f.retryAt) {
				f.flush()
			}
		case <-f.stop:
			f.closeErr = f.flush()
			if f.db != nil {
				f.closeErr = errors.Join(f.closeErr, f.db.close())
			}
			return
		}
	}
}

// flush writes what was set, and now and then deletes what has expired.
func (f *File) flush() error {
	f.mu.Lock()
	dirty := f.dirty
	f.dirty = make(map[string]struct{})
	f.mu.Unlock()
	err := f.write(dirty)
	if err == nil {
		if f.failing {
			f.logger.Info("cache file can be written again")
		}
		f.failing, f.backoff, f.retryAt = false, 0, time.Time{}
		return nil
	}
	f.mu.Lock()
	for key := range dirty {
		f.dirty[key] = struct{}{}
	}
	f.mu.Unlock()
	if errors.Is(err, errDamaged) {
		err = f.replace(err)
	}
	if err != nil {
		f.failed(err)
	}
	return err
}

// replace puts a new file in the place of one that turned out to be damaged.
// The next flush fills it.
func (f *File) replace(reason error) error {
	if f.db != nil {
		f.db.abandon()
		f.db = nil
	}
	if f.replaced++; f.replaced > maxReplacements {
		return fmt.Errorf("damaged %d times, not written any more before the next start: %w", f.replaced, reason)
	}
	if err := f.moveAside(reason); err != nil {
		return err
	}
	db, err := openFileDB(f.path, skipRecords)
	f.db = db
	return err
}

// failed warns once and puts the next attempt off.
func (f *File) failed(err error) {
	if !f.failing {
		f.logger.Warn("cache file cannot be written, snapshots would not survive a restart", "err", err)
	}
	f.failing = true
	f.backoff = min(max(2*f.backoff, f.interval), maxFlushBackoff)
	f.retryAt = time.Now().Add(f.backoff)
}

// write brings the file up to date for the given keys.
func (f *File) write(dirty map[string]struct{}) error {
	if f.replaced > maxReplacements {
		return errDamaged
	}
	if f.db == nil {
		db, err := openFileDB(f.path, skipRecords)
		if err != nil {
			return err
		}
		f.db = db
	}
	now := time.Now()
	var changes []change
	size := 0
	commit := func() error {
		err := f.db.write(changes)
		if err == nil {
			for _, c := range changes {
				delete(dirty, c.key)
			}
		}
		changes, size = changes[:0], 0
		return err
	}
	for key := range dirty {
		c := change{key: key}
		if value, ttl, left := f.Memory.peek(key, now); left > 0 {
			c.record = encodeRecord(key, value, now.Add(left), ttl)
		}
		changes = append(changes, c)
		if size += len(key) + len(c.record); len(changes) == batchKeys || size >= batchBytes {
			if err := commit(); err != nil {
				return err
			}
		}
	}
	if !now.Before(f.purgeAt) {
		gone, err := f.db.expired(now, batchKeys)
		if err != nil {
			return err
		}
		for _, key := range gone {
			if _, isDirty := dirty[key]; !isDirty {
				changes = append(changes, change{key: key})
			}
		}
		if len(gone) < batchKeys {
			f.purgeAt = now.Add(purgeInterval)
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return commit()
}
