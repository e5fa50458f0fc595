package block

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"storage_exporter/block/blocktest"
)

// opens notes what is opened in a tree, whoever does it.
type opens struct {
	t    testing.TB
	fd   int
	dirs map[int32]string // below the root, by the kernel's number of the watch
}

// watch begins to note what is opened in the directories that are there now.
func watch(t testing.TB, tr *blocktest.Tree) *opens {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	o := &opens{t: t, fd: fd, dirs: make(map[int32]string)}
	err = filepath.WalkDir(tr.Path(""), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		number, err := unix.InotifyAddWatch(fd, path, unix.IN_OPEN|unix.IN_ONLYDIR)
		o.dirs[int32(number)], _ = filepath.Rel(tr.Path(""), path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.take()
	return o
}

// take is how often each file was opened since the last call, by its path below the
// root. A directory that was listed is one, too.
func (o *opens) take() map[string]int {
	o.t.Helper()
	opened := make(map[string]int)
	b := make([]byte, 64<<10)
	for {
		n, err := unix.Read(o.fd, b)
		if err == unix.EAGAIN {
			return opened
		}
		if err != nil {
			o.t.Fatal(err)
		}
		for event := b[:n]; len(event) > 0; {
			number, mask := int32(binary.NativeEndian.Uint32(event)), binary.NativeEndian.Uint32(event[4:])
			size := int(binary.NativeEndian.Uint32(event[12:]))
			name, _, _ := bytes.Cut(event[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+size], []byte{0})
			event = event[unix.SizeofInotifyEvent+size:]
			if mask&unix.IN_Q_OVERFLOW != 0 {
				o.t.Fatal("more was opened than could be noted")
			}
			if len(name) > 0 { // else the directory itself, which its parent notes
				opened[filepath.Join(o.dirs[number], string(name))]++
			}
		}
	}
}
