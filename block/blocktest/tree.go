// Package blocktest writes trees of sysfs, udev's records and /dev, laid out as the
// kernel and udev lay them out, links included.
package blocktest

import (
	"os"
	"path/filepath"
	"strings"

	"storage_exporter/internal/kit"
)

// Tree is a made-up host.
type Tree struct {
	t    kit.T
	root string
}

// New makes an empty host.
func New(t kit.T) *Tree {
	t.Helper()
	tr := &Tree{t: t, root: t.TempDir()}
	tr.mkdir("sys/class")
	tr.mkdir("sys/block")
	return tr
}

// Sys is the tree's /sys.
func (tr *Tree) Sys() string { return tr.Path("sys") }

// Dev is the tree's /dev.
func (tr *Tree) Dev() string { return tr.Path("dev") }

// Udev is the tree's /run/udev/data.
func (tr *Tree) Udev() string { return tr.Path("udev") }

// Path is a path below the tree's root.
func (tr *Tree) Path(path string) string { return filepath.Join(tr.root, path) }

// Write makes a file, in place of what stands there.
func (tr *Tree) Write(path, content string) {
	tr.t.Helper()
	tr.mkdir(filepath.Dir(path))
	tr.must(os.WriteFile(tr.Path(path), []byte(content), 0o644))
}

// Remove takes a file, link or directory away.
func (tr *Tree) Remove(path string) {
	tr.t.Helper()
	tr.must(os.RemoveAll(tr.Path(path)))
}

// Link makes a relative link, as sysfs has them, to what need not be there.
func (tr *Tree) Link(path, target string) {
	tr.t.Helper()
	rel, err := filepath.Rel(filepath.Dir(tr.Path(path)), tr.Path(target))
	tr.must(err)
	tr.Symlink(path, rel)
}

// Symlink makes a link of any text, in place of a link that stands there.
func (tr *Tree) Symlink(path, target string) {
	tr.t.Helper()
	tr.mkdir(filepath.Dir(path))
	if _, err := os.Readlink(tr.Path(path)); err == nil {
		tr.Remove(path)
	}
	tr.must(os.Symlink(target, tr.Path(path)))
}

// Dir puts a directory in place of what stands there: reading it is an error.
func (tr *Tree) Dir(path string) {
	tr.t.Helper()
	tr.Remove(path)
	tr.mkdir(path)
}

// Resolve is where links lead, below the root.
func (tr *Tree) Resolve(path string) string {
	tr.t.Helper()
	target, err := filepath.EvalSymlinks(tr.Path(path))
	tr.must(err)
	rel, err := filepath.Rel(tr.root, target)
	tr.must(err)
	return rel
}

// Attribute writes a file of sysfs, which ends with a newline, unless it is empty.
func (tr *Tree) Attribute(dir, name, value string) {
	tr.t.Helper()
	if value != "" {
		tr.Write(filepath.Join(dir, name), value+"\n")
	}
}

// Record adds lines to udev's record of a device: "S:disk/by-id/x", "E:ID_WWN=0x1".
func (tr *Tree) Record(number string, lines ...string) {
	tr.t.Helper()
	path := "udev/b" + number
	before, _ := os.ReadFile(tr.Path(path))
	tr.Write(path, string(before)+strings.Join(lines, "\n")+"\n")
}

func (tr *Tree) mkdir(path string) {
	tr.t.Helper()
	tr.must(os.MkdirAll(tr.Path(path), 0o755))
}

func (tr *Tree) must(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
