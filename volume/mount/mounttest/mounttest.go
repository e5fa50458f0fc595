// Package mounttest mounts real file systems for tests. Everything is taken away
// when the test ends.
package mounttest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sizes are the smallest images that each mkfs makes, with some room to write.
var sizes = map[string]int64{"xfs": 320 << 20, "btrfs": 128 << 20, "ext4": 64 << 20}

// NeedRoot skips the test when it cannot mount.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "mounting needs root")
	}
}

// Skip skips the test, unless everything is required.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("STORAGE_EXPORTER_REQUIRE") == "all" {
		t.Fatalf("cannot run, and STORAGE_EXPORTER_REQUIRE=all: %s", why)
	}
	t.Skip("skipped: " + why)
}

// Loop makes a file system of the type in a file and mounts it. It returns the
// mount point.
func Loop(t testing.TB, fstype string, options ...string) string {
	t.Helper()
	NeedRoot(t)
	image := filepath.Join(t.TempDir(), fstype+".img")
	file, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(sizes[fstype]), file.Close()); err != nil {
		t.Fatal(err)
	}
	mkfs, err := exec.LookPath("mkfs." + fstype)
	if err != nil {
		Skip(t, "mkfs."+fstype+" is not installed")
	}
	flag := "-f"
	if fstype == "ext4" {
		flag = "-F"
	}
	if out, err := exec.Command(mkfs, "-q", flag, image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.%s: %v: %s", fstype, err, out)
	}
	point := filepath.Join(t.TempDir(), "mnt")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mount", "-t", fstype, "-o", strings.Join(append([]string{"loop"}, options...), ","), image, point).CombinedOutput()
	if err != nil {
		Skip(t, fmt.Sprintf("no loop mount of %s: %v: %s", fstype, err, out))
	}
	t.Cleanup(func() { Unmount(t, point) })
	return point
}

// Mount calls mount(8) and unmounts the point when the test ends.
func Mount(t testing.TB, point string, args ...string) {
	t.Helper()
	NeedRoot(t)
	if out, err := exec.Command("mount", append(args, point)...).CombinedOutput(); err != nil {
		t.Fatalf("mount %v %s: %v: %s", args, point, err, out)
	}
	t.Cleanup(func() { Unmount(t, point) })
}

// Remount changes the options of a mount.
func Remount(t testing.TB, point, options string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,"+options, point).CombinedOutput(); err != nil {
		t.Fatalf("remount %s: %v: %s", point, err, out)
	}
}

// Unmount takes a mount away; it may be gone already.
func Unmount(t testing.TB, point string) {
	t.Helper()
	for range 50 {
		err := unix.Unmount(point, 0)
		if err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			return
		}
		if !errors.Is(err, unix.EBUSY) {
			t.Errorf("unmount %s: %v", point, err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("unmount %s: it stays busy; it is detached", point)
	if err := unix.Unmount(point, unix.MNT_DETACH); err != nil {
		t.Errorf("detach %s: %v", point, err)
	}
}

// WriteAndRead makes real requests to the device below dir: files written through
// and read back without the cache of pages.
func WriteAndRead(t testing.TB, dir string) {
	t.Helper()
	name := filepath.Join(dir, "load")
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 31)
	}
	for range 4 {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write(block); err != nil {
			t.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			t.Fatal(err)
		}
		if _, err := file.ReadAt(block, 0); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Roomy is a directory on a file system that is far from full.
func Roomy(tb testing.TB) string {
	tb.Helper()
	if os.Geteuid() != 0 {
		return tb.TempDir()
	}
	return NewFUSE(tb).Point
}
