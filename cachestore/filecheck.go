package cachestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// CheckFile returns what would keep OpenFile from using path, in words that follow
// the path's name. It opens nothing, so that it may be asked while an exporter has
// the file.
func CheckFile(path string) error {
	const readWrite = 0x6 // R_OK and W_OK of access(2)
	if !strings.HasPrefix(path, "/") {
		return errors.New("must be absolute: write `path = \"/…\"`")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return errors.New("must name a regular file, or one that does not exist yet")
	case err == nil:
		err = syscall.Access(path, readWrite)
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(path)
		if info, statErr := os.Stat(dir); statErr != nil || !info.IsDir() {
			return errors.New("must be in a directory that exists: create it for the exporter's user")
		}
		err = syscall.Access(dir, readWrite)
	}
	if err != nil {
		return fmt.Errorf("cannot be used: %w", withoutPath(err))
	}
	return nil
}
