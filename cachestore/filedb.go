package cachestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// errDamaged says that the file's content makes no sense.
var errDamaged = errors.New("cache file is damaged")

// lockWait is how long another process may take to let go of the file.
const lockWait = 200 * time.Millisecond

// recordsBucket names the format: another format gets another bucket.
var recordsBucket = []byte("snapshots-1")

// fileDB is a bbolt file. It is scanned when it is opened, and what is done to
// it afterwards, a panic of bbolt's or a fault in its mapping, becomes
// errDamaged. Only one goroutine may use it.
type fileDB struct {
	bolt *bbolt.DB
	file *os.File // bbolt's own; it holds the lock
}

// change is one record to be written, or deleted where record is nil.
type change struct {
	key    string
	record []byte
}

// openFileDB opens or creates the file, after a scan that calls each with all
// records of it, even where the error is errDamaged.
func openFileDB(path string, each func(key string, record []byte) error) (*fileDB, error) {
	fresh, err := scanPath(path, each)
	if err != nil {
		return nil, err
	}
	db := &fileDB{}
	err = guard(func() (err error) {
		db.bolt, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: lockWait,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				file, err := os.OpenFile(name, flag, mode)
				db.file = file
				return file, err
			},
		})
		if err != nil {
			return err
		}
		return db.bolt.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists(recordsBucket)
			return err
		})
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, inUse(path)
	case isDiskError(err), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		if fresh && db.file != nil {
			_ = os.Remove(path) // half made, it would look damaged next time
		}
		db.abandon()
		return nil, fmt.Errorf("cache file: %w", err)
	default:
		db.abandon()
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
}

func inUse(path string) error {
	return fmt.Errorf("cache file %s is %w; give each exporter its own --cache.path", path, ErrInUse)
}

// scanPath scans the file, if there is one, under the lock that bbolt uses.
// fresh means that there is nothing in it.
func scanPath(path string, each func(key string, record []byte) error) (fresh bool, err error) {
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return false, fmt.Errorf("cache file %s is not a regular file; give a --cache.path that is one or does not exist yet", path)
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("cache file %s: its directory does not exist; create it for the exporter's user", path)
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("cache file: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("cache file: %w", err)
	}
	defer file.Close() // and with it the lock
	for start := time.Now(); ; time.Sleep(lockWait / 10) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return false, fmt.Errorf("lock cache file %s: %w", path, err)
		}
		if time.Since(start) > lockWait {
			return false, inUse(path)
		}
	}
	info, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("cache file: %w", err)
	}
	if info.Size() == 0 {
		return true, nil
	}
	return false, scanFile(file, info.Size(), each)
}

// isDiskError says whether writing may go well at another time.
func isDiskError(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EFBIG, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// write makes the changes in one transaction.
func (db *fileDB) write(changes []change) error {
	return guard(func() error {
		return db.bolt.Update(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(recordsBucket)
			for _, c := range changes {
				var err error
				if c.record == nil {
					err = bucket.Delete([]byte(c.key))
				} else {
					err = bucket.Put([]byte(c.key), c.record)
				}
				if err != nil {
					return fmt.Errorf("key %q: %w", c.key, err)
				}
			}
			return nil
		})
	})
}

// expired lists up to limit keys whose life is over.
func (db *fileDB) expired(now time.Time, limit int) (keys []string, err error) {
	err = guard(func() error {
		return db.bolt.View(func(tx *bbolt.Tx) error {
			cursor := tx.Bucket(recordsBucket).Cursor()
			for k, v := cursor.First(); k != nil && len(keys) < limit; k, v = cursor.Next() {
				if expired(v, now) {
					keys = append(keys, string(k))
				}
			}
			return nil
		})
	})
	return keys, err
}

func (db *fileDB) close() error { return guard(db.bolt.Close) }

// abandon gives the file and its lock back without bbolt, which after a panic
// may hold locks of its own for ever. Its mapping of the file leaks.
func (db *fileDB) abandon() {
	if db.file != nil {
		_ = db.file.Close()
	}
}

// guard turns panics and memory faults, which a file cut short causes in its
// mapping, into errDamaged.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return f()
}
