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

// Directory makes one for a demo, to be removed by calling done. It removes those of
// demos that were killed.
func Directory() (dir string, done func(), err error) {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, o := range old {
		if f, err := hold(o, 0); err == nil {
			_ = os.RemoveAll(o)
			_ = f.Close()
		}
	}
	if dir, err = os.MkdirTemp("", prefix); err != nil {
		return "", nil, err
	}
	f, err := hold(dir, os.O_CREATE)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() {
		_ = os.RemoveAll(dir)
		_ = f.Close()
	}, nil
}

// hold takes the lock of a directory.
func hold(dir string, flag int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lock), os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
