// Package outside takes what comes from outside the program, the small files of
// the kernel and of udev and the words in them, without trusting it.
package outside

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// MaxText bounds what Text returns, in bytes.
const MaxText = 512

// maxFile bounds what is read of a file, in bytes.
const maxFile = 64 << 10

// ReadFile reads at most 64 KiB of a file; nil if it cannot be read.
func ReadFile(path string) []byte {
	b, err := Read(path)
	if err != nil {
		return nil
	}
	return b
}

// Read is ReadFile for who needs to know why a file cannot be read.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// ReadLine is the first line of a file as Text, empty if there is none.
func ReadLine(path string) string {
	line, _, _ := strings.Cut(string(ReadFile(path)), "\n")
	return Text(line)
}

// Text makes a text fit to be shown and stored: Printable, without white space around
// it, of at most 512 bytes.
func Text(s string) string { return TextUpTo(s, MaxText) }

// TextUpTo is Text with another bound.
func TextUpTo(s string, most int) string {
	s = strings.TrimSpace(Printable(s))
	if len(s) > most {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:most], ""))
	}
	return s
}

// List is the names in a directory, sorted, at most n; none if it cannot be read.
func List(dir string, n int) []string {
	names, _ := Names(dir, n)
	return names
}

// Names is List for who needs to know why a directory cannot be read.
func Names(dir string, n int) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.Sort(names)
	return names, err
}

// Dangles says whether a path is a link to what is not there.
func Dangles(path string) bool {
	if _, err := os.Readlink(path); err != nil {
		return false
	}
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// Exists says whether there is something at the end of a path, links followed.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
