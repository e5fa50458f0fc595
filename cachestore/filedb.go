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

// fileDB is a bbolt file that survives what its content does to bbolt: a
// panic or a fault in the mapped file becomes errDamaged. Only one goroutine
// may use it.
type fileDB struct {
	bolt *bbolt.DB
	file *os.File // bbolt's own; it holds the lock
}

// change is one record to be written, or deleted where record is nil.
type change struct {
	key    string
	record []byte
}

func openFileDB(path string) (*fileDB, error) {
	fresh := false
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("cache file %s is not a regular file; give a --cache.path that is one or does not exist yet", path)
	case err == nil:
		fresh = info.Size() == 0
	case errors.Is(err, fs.ErrNotExist):
		fresh = true
		if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cache file %s: its directory does not exist; create it for the exporter's user", path)
		}
	default:
		return nil, fmt.Errorf("cache file: %w", err)
	}
	db := &fileDB{}
	err := guard(func() (err error) {
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
		return nil, fmt.Errorf("cache file %s is %w; give each exporter its own --cache.path", path, ErrInUse)
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

// isDiskError says whether writing may go well at another time.
func isDiskError(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EFBIG, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// load calls each with all that can be read, even where the error says that
// there was more.
func (db *fileDB) load(each func(key string, record []byte) error) error {
	return guard(func() error {
		return db.bolt.View(func(tx *bbolt.Tx) error {
			var bad error
			cursor := tx.Bucket(recordsBucket).Cursor()
			for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
				switch err := each(string(k), v); {
				case errors.Is(err, errRecord):
					bad = fmt.Errorf("%w: %w", errDamaged, err)
				case err != nil:
					return err
				}
			}
			return bad
		})
	})
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
