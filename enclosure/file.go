package enclosure

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds on what is taken from the system.
const (
	maxFile  = 4096 // bytes; what sysfs gives at most
	maxText  = 256  // bytes of a text that is shown
	maxPaths = 1024 // SES devices
	maxBays  = 1024 // of one path
	maxNames = 64   // entries of a directory that holds a handful
)

// readFile reads a file of sysfs, for reading only: some of them are switches.
// It is one system call past Go's poller, which would wait for ever for a driver
// that answers EAGAIN.
func readFile(path string) ([]byte, error) {
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	b := make([]byte, maxFile)
	n, err := retry(func() (int, error) { return unix.Read(fd, b) })
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b[:n], nil
}

func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR { //nolint:errorlint // a plain errno of a system call
			return n, err
		}
	}
}

// readDir lists at most n entries, by name.
func readDir(path string, n int) ([]os.DirEntry, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(n)
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	if err != nil && !errors.Is(err, io.EOF) && len(entries) == 0 {
		return nil, err
	}
	return entries, nil
}
