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

// closeWait bounds how long Close waits for a disk that does not answer.
const closeWait = 3 * time.Second

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

// Set keeps the values in memory and has them written soon.
func (f *File) Set(ctx context.Context, items ...SetItem) error {
	err := f.Memory.Set(ctx, items...)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, it := range items {
		f.dirty[it.Key] = struct{}{}
	}
	return err
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

// open loads and opens the file; if it is damaged, a new one takes its place.
func (f *File) open() error {
	now, dropped := time.Now(), 0
	db, err := openFileDB(f.path, func(key string, b []byte) error {
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
	if errors.Is(err, errDamaged) {
		if err := f.moveAside(err); err != nil {
			return err
		}
		db, err = openFileDB(f.path, skipRecords)
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

// skipRecords is for a file whose records are not wanted.
func skipRecords(string, []byte) error { return nil }

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
