package demo

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// prefix begins the names of the demos' directories, and lock is a file in each that its
// process holds: the kernel lets go of it whatever ends the process.
const (
	prefix = "storage_exporter-demo-"
	lock   = "lock"
)

// memory is a file system in memory. A host's sysfs is some thousand small files, which
// are made there in a fraction of the time.
const memory = "/dev/shm"

// enough is how much memory must be free for a demo of days, in bytes.
const enough = 1 << 30

// Directory makes one for a demo, to be removed by calling done. It removes those of
// demos that were killed.
func Directory() (dir string, done func(), err error) {
	for _, parent := range []string{memory, os.TempDir()} {
		old, _ := filepath.Glob(filepath.Join(parent, prefix+"*"))
		for _, o := range old {
			if f, err := lockIn(o, 0); err == nil {
				_ = os.RemoveAll(o)
				_ = f.Close()
			}
		}
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(memory, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= enough {
		dir, err = os.MkdirTemp(memory, prefix)
	}
	if dir == "" {
		dir, err = os.MkdirTemp("", prefix)
	}
	if err != nil {
		return "", nil, err
	}
	f, err := lockIn(dir, os.O_CREATE)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() {
		_ = os.RemoveAll(dir)
		_ = f.Close()
	}, nil
}

// lockIn takes the lock of a directory.
func lockIn(dir string, flag int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lock), os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
