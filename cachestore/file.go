package cachestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// FileConfig is what a File is made of. Zeros mean the defaults.
type FileConfig struct {
	Logger *slog.Logger
	// FlushInterval is how often what was set is written; 1 s.
	FlushInterval time.Duration
	// Limits bound what is kept, in memory and so in the file.
	Limits Limits
}

const (
	// purgeInterval is how often expired records are deleted from the file.
	purgeInterval = time.Minute
	// maxFlushBackoff bounds the pause after failed writes.
	maxFlushBackoff = time.Minute
	// closeWait bounds how long Close waits for a disk that does not answer.
	closeWait = 3 * time.Second
	// batchKeys and batchBytes bound one transaction.
	batchKeys  = 2000
	batchBytes = 16 << 20
	// maxReplacements bounds how often a damaged file is replaced, because
	// each leaves a mapping behind.
	maxReplacements = 3
)

// File is a Memory whose values survive a restart in a bbolt file. The file
// is read when it is opened and never again; it is written in the background.
// What goes wrong with it afterwards costs only the persistence. It must be
// on a local file system: locks and mappings of network file systems are not
// to be trusted. Claims are not kept.
type File struct {
	*Memory

	path     string
	logger   *slog.Logger
	interval time.Duration
	stop     chan struct{}
	done     chan struct{}
	stopOnce sync.Once
	closeErr error // of the last flush; may be read when done is closed

	mu    sync.Mutex
	dirty map[string]struct{} // keys that were set since they were written; guarded by mu

	// The fields below belong to OpenFile, then to the run goroutine.
	db       *fileDB // nil while the file cannot be opened
	replaced int
	failing  bool
	backoff  time.Duration
	retryAt  time.Time
	purgeAt  time.Time
}

var _ Store = (*File)(nil)

// OpenFile opens or creates the file at path, mode 0600, and reads it. A
// damaged file is moved aside to path.damaged-<unix seconds> and what could
// be read of it is kept. A full disk is no error. A file that another process
// has open gives ErrInUse.
func OpenFile(path string, cfg FileConfig) (*File, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := &File{
		Memory:   NewMemoryLimited(cfg.Limits),
		path:     path,
		logger:   cfg.Logger.With("path", path),
		interval: cmp.Or(cfg.FlushInterval, time.Second),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		dirty:    make(map[string]struct{}),
		purgeAt:  time.Now(),
	}
	if err := f.open(); err != nil {
		return nil, err
	}
	go f.run()
	return f, nil
}

// Set keeps value in memory and has it written soon.
func (f *File) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := f.Memory.Set(ctx, key, value, ttl); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirty[key] = struct{}{}
	return nil
}

// Close writes what is left and ends the goroutine. A disk that hangs is not
// waited for longer than three seconds.
func (f *File) Close() error {
	f.stopOnce.Do(func() { close(f.stop) })
	select {
	case <-f.done:
		return errors.Join(f.Memory.Close(), f.closeErr)
	case <-time.After(closeWait):
		return errors.Join(f.Memory.Close(), fmt.Errorf("cache file %s: the disk does not answer", f.path))
	}
}

// open opens and loads the file; if it is damaged, a new one takes its place.
func (f *File) open() error {
	db, err := openFileDB(f.path)
	if err == nil {
		err = f.load(db)
		if err != nil {
			db.abandon()
		}
	}
	if errors.Is(err, errDamaged) {
		if err := f.moveAside(err); err != nil {
			return err
		}
		db, err = openFileDB(f.path)
	}
	if isDiskError(err) {
		f.failed(err)
		return nil
	}
	if err != nil {
		return err
	}
	f.db = db
	return nil
}

func (f *File) load(db *fileDB) error {
	now, dropped := time.Now(), 0
	err := db.load(func(key string, b []byte) error {
		value, ttl, left, err := decodeRecord(key, b, now)
		if err != nil || left <= 0 {
			return err
		}
		if err := f.Memory.restore(key, value, ttl, left); err != nil {
			dropped++
		}
		return nil
	})
	if dropped > 0 {
		f.logger.Warn("cache file holds more than fits into memory", "dropped", dropped)
	}
	return err
}

// moveAside makes room for a new file. All that is known is to be written to it.
func (f *File) moveAside(reason error) error {
	aside := fmt.Sprintf("%s.damaged-%d", f.path, time.Now().Unix())
	if err := os.Rename(f.path, aside); err != nil {
		return fmt.Errorf("move the damaged cache file aside: %w", err)
	}
	f.logger.Warn("cache file is damaged, moved it aside and began a new one", "moved_to", aside, "err", reason)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range f.Memory.keys() {
		f.dirty[key] = struct{}{}
	}
	return nil
}

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
	db, err := openFileDB(f.path)
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
		db, err := openFileDB(f.path)
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
