package mounttest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Requests of the FUSE protocol that an empty directory has to answer, and the
// sizes of its messages (linux/fuse.h, protocol 7.31).
const (
	fuseLookup      = 1
	fuseForget      = 2
	fuseGetattr     = 3
	fuseStatfs      = 17
	fuseGetxattr    = 22
	fuseInit        = 26
	fuseInterrupt   = 36
	fuseBatchForget = 42

	fuseHeader = 40
	fuseReply  = 16

	subNode = 2
)

// FUSE is a mounted file system, an empty directory but for the one named sub,
// that can stop answering: a hung mount without a dead server.
type FUSE struct {
	Point string

	mu      sync.Mutex // guards the fields below
	hung    bool
	waiting [][]byte // requests that were not answered
	asked   int
	xattrs  map[string]string // of every node; nil when there are none at all
	refused unix.Errno        // the answer to all questions for one; 0 is none
	silent  bool              // questions for one are not answered

	device int // of /dev/fuse; reads of it block
	served sync.WaitGroup
}

// NewFUSE mounts the file system.
func NewFUSE(t testing.TB) *FUSE {
	t.Helper()
	return NewFUSEOf(t, "fuse.mounttest", nil)
}

// NewFUSEOf mounts the file system as one of the type, which begins with "fuse.",
// where both directories have the extended attributes.
func NewFUSEOf(t testing.TB, fstype string, xattrs map[string]string) *FUSE {
	t.Helper()
	NeedRoot(t)
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		Skip(t, fmt.Sprintf("open /dev/fuse: %v", err))
	}
	f := &FUSE{Point: filepath.Join(t.TempDir(), "fuse"), device: device, xattrs: xattrs}
	if err := os.Mkdir(f.Point, 0o755); err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device)
	if err := unix.Mount("mounttest", f.Point, fstype, unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(device)
		Skip(t, fmt.Sprintf("no FUSE mount: %v", err))
	}
	f.served.Go(f.serve)
	t.Cleanup(func() {
		f.Resume()
		if err := unix.Unmount(f.Point, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			t.Errorf("unmount %s: %v", f.Point, err)
		}
		f.served.Wait()
		_ = unix.Close(device)
	})
	return f
}

// Hang leaves all further requests unanswered.
func (f *FUSE) Hang() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hung = true
}

// HangXattrs leaves all further questions for extended attributes unanswered.
func (f *FUSE) HangXattrs() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.silent = true
}

// RefuseXattrs answers them with an error; 0 is none.
func (f *FUSE) RefuseXattrs(err unix.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = err
}

// SetXattr sets an extended attribute.
func (f *FUSE) SetXattr(name, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.xattrs[name] = value
}

// Resume answers what was left waiting, and what follows.
func (f *FUSE) Resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hung, f.silent = false, false
	for _, request := range f.waiting {
		f.answer(request)
	}
	f.waiting = nil
}

// Waiting is how many requests the kernel has sent that were not answered.
func (f *FUSE) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting)
}

// Asked is how many requests came.
func (f *FUSE) Asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// serve ends when the file system is unmounted.
func (f *FUSE) serve() {
	buffer := make([]byte, 1<<20)
	for {
		n, err := unix.Read(f.device, buffer)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOENT), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil || n < fuseHeader:
			return
		}
		request := append([]byte(nil), buffer[:n]...)
		f.mu.Lock()
		xattr := binary.LittleEndian.Uint32(request[4:]) == fuseGetxattr
		if f.asked++; f.hung || f.silent && xattr {
			f.waiting = append(f.waiting, request)
		} else {
			f.answer(request)
		}
		f.mu.Unlock()
	}
}

// answer replies to one request; f.mu is held.
func (f *FUSE) answer(request []byte) {
	order := binary.LittleEndian
	var body []byte
	code := int32(0)
	switch order.Uint32(request[4:]) {
	case fuseInit:
		body = make([]byte, 64)
		order.PutUint32(body[0:], 7)
		order.PutUint32(body[4:], 31)
		order.PutUint32(body[20:], 64<<10) // max_write
	case fuseLookup:
		if string(bytes.TrimRight(request[fuseHeader:], "\x00")) != "sub" {
			code = -int32(unix.ENOENT)
			break
		}
		body = make([]byte, 40) // valid for no time at all
		order.PutUint64(body[0:], subNode)
		body = append(body, directory(subNode)...)
	case fuseGetattr:
		body = append(make([]byte, 16), directory(order.Uint64(request[16:]))...)
	case fuseStatfs:
		body = make([]byte, 80)
		for i, n := range []uint64{1000, 600, 500, 100, 40} { // blocks, free, available, files, free
			order.PutUint64(body[8*i:], n)
		}
		order.PutUint32(body[40:], 4096)
		order.PutUint32(body[44:], 255)
		order.PutUint32(body[48:], 4096)
	case fuseGetxattr:
		body, code = f.xattr(request[fuseHeader:])
	case fuseForget, fuseBatchForget, fuseInterrupt:
		return // want no reply
	default:
		code = -int32(unix.ENOSYS)
	}
	reply := make([]byte, fuseReply, fuseReply+len(body))
	order.PutUint32(reply[0:], uint32(fuseReply+len(body)))
	order.PutUint32(reply[4:], uint32(code))
	copy(reply[8:16], request[8:16]) // the request's number
	// A caller that was killed meanwhile does not wait any more.
	_, _ = unix.Write(f.device, append(reply, body...))
}

// xattr answers a struct fuse_getxattr_in, which a name follows; f.mu is held.
func (f *FUSE) xattr(question []byte) (body []byte, code int32) {
	name, _, _ := bytes.Cut(question[8:], []byte{0})
	value, ok := f.xattrs[string(name)]
	switch room := int(binary.LittleEndian.Uint32(question)); {
	case f.refused != 0:
		return nil, -int32(f.refused)
	case f.xattrs == nil:
		return nil, -int32(unix.ENOSYS)
	case !ok:
		return nil, -int32(unix.ENODATA)
	case room == 0:
		return binary.LittleEndian.AppendUint64(nil, uint64(len(value))), 0
	case room < len(value):
		return nil, -int32(unix.ERANGE)
	}
	return []byte(value), 0
}

// directory is a struct fuse_attr.
func directory(node uint64) []byte {
	attr := make([]byte, 88)
	binary.LittleEndian.PutUint64(attr[0:], node)
	binary.LittleEndian.PutUint32(attr[60:], unix.S_IFDIR|0o755)
	binary.LittleEndian.PutUint32(attr[64:], 2) // links
	return attr
}

// Die aborts the connection, as when the file system's process ends.
func (f *FUSE) Die(t testing.TB) {
	t.Helper()
	busy, err := unix.Open(f.Point, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(busy)
	// A forced unmount aborts the connection first; then it fails, for the mount
	// is in use.
	if err := unix.Unmount(f.Point, unix.MNT_FORCE); !errors.Is(err, unix.EBUSY) {
		t.Fatalf("forced unmount: %v", err)
	}
	f.served.Wait()
}
