package cachestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/internal/outside"
)

// errMounted says that the file is a mount of its own.
var errMounted = errors.New("the file is mounted by itself and cannot be replaced; mount its folder instead, or let --cache.path be in a folder that is")

// open takes the lock and loads the file.
func (f *File) open(path string) (err error) {
	if f.path, err = usable(path); err != nil {
		return err
	}
	switch err := f.takeLock(); {
	case isDiskError(err):
		f.failed(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; the exporter's user must be able to write to the folder", err)
	case err != nil:
		return err
	}
	err = f.load()
	if errors.Is(err, errDamaged) {
		return f.moveAside(err)
	}
	return err
}

// CheckFile returns what would keep OpenFile from using path. It opens nothing, so
// that it may be asked while an exporter has the file.
func CheckFile(path string) error {
	resolved, err := usable(path)
	if err == nil {
		err = unix.Access(filepath.Dir(resolved), unix.W_OK|unix.X_OK)
	}
	if err == nil {
		err = unix.Access(resolved, unix.R_OK)
	}
	if errors.Is(err, fs.ErrNotExist) && resolved != "" {
		return nil
	}
	return outside.Cause(err)
}

// usable returns the path behind links, if a cache file is or can be there.
func usable(path string) (string, error) {
	resolved, err := resolve(path)
	if err != nil {
		return "", err
	}
	switch info, err := os.Stat(resolved); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("not a regular file; give a --cache.path that is one or does not exist yet")
	}
	var stat unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, resolved, 0, 0, &stat) == nil && stat.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return "", errMounted
	}
	return resolved, nil
}

// resolve follows links, also one to a file that is not there yet.
func resolve(path string) (string, error) {
	for range 40 {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("its directory does not exist; create it for the exporter's user: %w", outside.Cause(err))
		}
		if err != nil {
			return "", err
		}
		path = filepath.Join(folder, filepath.Base(path))
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(folder, link)
		}
		path = link
	}
	return "", syscall.ELOOP
}

// load reads the file, if there is one, into memory.
func (f *File) load() error {
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlockFile(file)
	// Versions that wrote the earlier format lock the file itself.
	if err := lockFile(file); err != nil {
		return err
	}
	f.there = true
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case info.Size() == 0:
		return nil
	case earlierFormat(file):
		f.logger.Info("cache file has the format of an earlier version, a new one takes its place")
		return nil
	case info.Size() > f.limits.Bytes+2*recordHeader:
		return fmt.Errorf("%w: %d bytes are more than is ever kept", errDamaged, info.Size())
	}
	err = readRecords(file, info.Size(), time.Now(), f.restore)
	if errors.Is(err, ErrFull) {
		f.logger.Warn("cache file holds more than fits into memory")
		return nil
	}
	return err
}

// earlierFormat looks for what every bbolt file has behind its first page header.
func earlierFormat(file io.ReaderAt) bool {
	b := make([]byte, 8)
	_, err := file.ReadAt(b, 16)
	return err == nil && binary.NativeEndian.Uint32(b) == 0xED0CDAED && binary.NativeEndian.Uint32(b[4:]) == 2
}

// moveAside makes room for a new file. All that is known is to be written to it.
func (f *File) moveAside(reason error) error {
	aside := fmt.Sprintf("%s.damaged-%d", f.path, time.Now().Unix())
	if err := os.Rename(f.path, aside); err != nil {
		return fmt.Errorf("move the damaged file aside: %w", err)
	}
	f.logger.Warn("cache file is damaged, moved it aside and began a new one", "moved_to", aside, "err", reason)
	f.dirty, f.there = true, false
	return nil
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
