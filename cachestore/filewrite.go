package cachestore

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// syncBytes is after how much the file is synced while it is written, so that
// the last sync is a short one.
const syncBytes = 4 << 20

// write puts a new file in the place of the old one, with those of the records
// that can be written until stop. It returns the ends of their lives.
func (f *File) write(records []kept, now, stop time.Time) (ends map[string]time.Time, err error) {
	if err := f.takeLock(); err != nil {
		return nil, err
	}
	// What a process that was killed left there, or somebody else's link.
	temporary := f.path + ".new"
	_ = os.Remove(temporary)
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = file.Close()
		if err != nil {
			_ = os.Remove(temporary)
		}
	}()
	w := bufio.NewWriterSize(file, 1<<16)
	_, _ = w.WriteString(fileMagic) // as all below: Flush has the error
	ends = make(map[string]time.Time, len(records))
	unsynced := 0
	for _, r := range records {
		ends[r.key] = now.Add(r.left)
		_, _ = w.Write(encodeHeader(r.key, r.value, ends[r.key], r.ttl))
		_, _ = w.WriteString(r.key)
		_, _ = w.Write(r.value)
		if unsynced += len(r.value); unsynced < syncBytes {
			continue
		}
		if unsynced = 0; time.Now().After(stop) {
			break
		}
		if err := errors.Join(w.Flush(), file.Sync()); err != nil {
			return nil, err
		}
	}
	_, _ = w.Write(encodeEnd(uint32(len(ends))))
	if err := errors.Join(w.Flush(), file.Sync()); err != nil {
		return nil, err
	}
	if err := os.Rename(temporary, f.path); errors.Is(err, syscall.EBUSY) {
		return nil, fmt.Errorf("%w: %w", errMounted, err)
	} else if err != nil {
		return nil, err
	}
	return ends, syncFolder(filepath.Dir(f.path))
}

// syncFolder makes a rename last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); !errors.Is(err, syscall.EINVAL) { // not every file system can
		return err
	}
	return nil
}

// lockWait is how long another process may take to let go of the file.
const lockWait = 200 * time.Millisecond

// takeLock takes the lock unless this process has it. It is on a file of its
// own that stays: a lock on what is renamed would hold nobody off.
func (f *File) takeLock() error {
	path := f.path + ".lock"
	if f.lock != nil {
		held, err := f.lock.Stat()
		if now, nowErr := os.Stat(path); err == nil && nowErr == nil && os.SameFile(held, now) {
			return nil
		}
		unlockFile(f.lock) // the folder was removed, or made anew
		f.lock = nil
	}
	file, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	if err := lockFile(file); err != nil {
		_ = file.Close()
		return err
	}
	f.lock = file
	return nil
}

func lockFile(file *os.File) error {
	for start := time.Now(); ; time.Sleep(lockWait / 10) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		case time.Since(start) > lockWait:
			return fmt.Errorf("%w; give each exporter its own --cache.path", ErrInUse)
		}
	}
}

// unlockFile gives the lock up and closes the file. Closing alone would leave the
// lock to a program that is being started at this moment, until that has begun.
func unlockFile(file *os.File) {
	_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
	_ = file.Close()
}
