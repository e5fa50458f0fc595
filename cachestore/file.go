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

	"storage_exporter/internal/outside"
)

// FileConfig is what a File is made of. Zeros mean the defaults.
type FileConfig struct {
	Logger *slog.Logger
	// FlushInterval is how often the file is written, where something was set;
	// 20 min.
	FlushInterval time.Duration
	// UrgentInterval is how often it is written at most, for what was set as
	// irreplaceable, and how long after the start it is written first; 30 s or
	// FlushInterval if that is less.
	UrgentInterval time.Duration
	// Limits bound what is kept, in memory and so in the file.
	Limits Limits
}

const (
	// closeWait bounds how long Close waits for a disk that does not answer.
	closeWait = 3 * time.Second
	// closeWrite is how much of it is for the records, beside the last sync.
	closeWrite = 2 * time.Second
)

// File is a Memory whose values survive a restart in a file. The file is read
// when it is opened and never again; it is written whole, in the background and
// by Close. What goes wrong with it afterwards costs only the persistence.
// Claims are not kept.
type File struct {
	*Memory

	path     string // of no link
	logger   *slog.Logger
	interval time.Duration
	urgently time.Duration
	stop     chan struct{}
	done     chan struct{}
	stopOnce sync.Once
	closeErr error // of the last flush; may be read when done is closed

	mu     sync.Mutex // guards the fields below
	dirty  bool       // something was set since the file was written
	urgent bool       // something irreplaceable was
	// irreplaceable has the keys that were set last as such, and the end of
	// the life that the file gives them; zero where it does not hold them.
	irreplaceable map[string]time.Time

	// The fields below belong to OpenFile, then to the run goroutine.
	lock    *os.File // nil while it cannot be had
	failing bool
	there   bool      // the file was read or written
	due     time.Time // when the file is written unless it is urgent
}

var _ Store = (*File)(nil)

// OpenFile reads the file at path, if there is one, and writes it with mode
// 0600 from then on. A file of an earlier format is replaced. A damaged file
// is moved aside to path.damaged-<unix seconds> and what could be read of it
// is kept. A full disk is no error. A path that another process has open gives
// ErrInUse.
func OpenFile(path string, cfg FileConfig) (*File, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := &File{
		Memory:        NewMemoryLimited(cfg.Limits),
		logger:        cfg.Logger.With("path", path),
		interval:      cmp.Or(cfg.FlushInterval, 20*time.Minute),
		stop:          make(chan struct{}),
		done:          make(chan struct{}),
		irreplaceable: make(map[string]time.Time),
	}
	f.urgently = min(cmp.Or(cfg.UrgentInterval, 30*time.Second), f.interval)
	if err := f.open(path); err != nil {
		if f.lock != nil {
			unlockFile(f.lock)
		}
		return nil, fmt.Errorf("cache file %s: %w", path, err)
	}
	go f.run()
	return f, nil
}

// Set keeps the values in memory and has them written: soon what is irreplaceable
// and not in the file, or there with a third of its life gone. So it does not
// expire there while it is set again and again.
func (f *File) Set(ctx context.Context, items ...SetItem) error {
	err := f.Memory.Set(ctx, items...)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirty = true
	for _, it := range items {
		if !it.Irreplaceable {
			delete(f.irreplaceable, it.Key)
			continue
		}
		ends := f.irreplaceable[it.Key]
		f.irreplaceable[it.Key] = ends
		f.urgent = f.urgent || time.Until(ends) < it.TTL*2/3
	}
	return err
}

// Swap keeps the value in memory and has it written soon.
func (f *File) Swap(ctx context.Context, key string, old, next []byte, ttl time.Duration) (bool, []byte, error) {
	swapped, current, err := f.Memory.Swap(ctx, key, old, next, ttl)
	if swapped {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.dirty, f.urgent = true, true
		f.irreplaceable[key] = time.Time{}
	}
	return swapped, current, err
}

// Close writes what is left and ends the goroutine. A disk that is slow or hangs
// is not waited for longer than three seconds; then the old file stays.
func (f *File) Close() error {
	f.stopOnce.Do(func() { close(f.stop) })
	select {
	case <-f.done:
		return errors.Join(f.Memory.Close(), f.closeErr)
	case <-time.After(closeWait):
		return errors.Join(f.Memory.Close(), fmt.Errorf("cache file %s: the disk does not answer, the file is as it was before", f.path))
	}
}

// run writes until Close. It owns the file from here on.
func (f *File) run() {
	defer close(f.done)
	tick := time.NewTicker(f.urgently)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if dirty, urgent := f.unwritten(); urgent || f.gone() || dirty && !now.Before(f.due) {
				_ = f.flush(now.Add(f.interval + time.Hour)) // all of it
			}
		case <-f.stop:
			if dirty, _ := f.unwritten(); dirty {
				f.closeErr = f.flush(time.Now().Add(closeWrite))
			}
			if f.lock != nil {
				unlockFile(f.lock)
			}
			return
		}
	}
}

// gone is whether somebody has removed the file; it says so once.
func (f *File) gone() bool {
	if !f.there || f.failing || outside.Exists(f.path) {
		return false
	}
	f.there = false
	f.logger.Warn("cache file was removed, it is written anew")
	return true
}

func (f *File) unwritten() (dirty, urgent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dirty, f.urgent
}

// flush writes what is alive, and logs when that begins to fail and when it
// works again. What cannot be written until stop is left out.
func (f *File) flush(stop time.Time) error {
	f.mu.Lock()
	f.dirty, f.urgent = false, false
	f.mu.Unlock()
	now := time.Now()
	ends, err := f.write(f.Memory.alive(now), now, stop)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.dirty = true
		f.failed(err)
		return fmt.Errorf("cache file %s: %w", f.path, err)
	}
	for key := range f.irreplaceable {
		if end, ok := ends[key]; ok {
			f.irreplaceable[key] = end
		} else {
			delete(f.irreplaceable, key) // its life is over
		}
	}
	if f.failing {
		f.logger.Info("cache file can be written again")
	}
	f.failing, f.there, f.due = false, true, now.Add(f.interval)
	return nil
}

// failed warns once and has it tried again after a minute.
func (f *File) failed(err error) {
	if !f.failing {
		f.logger.Warn("cache file cannot be written, snapshots would not survive a restart", "err", err)
	}
	f.failing, f.due = true, time.Now().Add(min(f.interval, time.Minute))
}
