package local

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

	"storage_exporter/volume/mount/mounttest"
)

// sizes are the smallest images that each mkfs makes, with some room to write.
var sizes = map[string]int64{"xfs": 320 << 20, "btrfs": 128 << 20, "ext4": 64 << 20}

// loop makes a file system of the type in a file and mounts it. It returns the
// mount point.
func loop(t testing.TB, fstype string, options ...string) string {
	t.Helper()
	point, _ := loopImage(t, fstype, options...)
	return point
}

// loopImage is loop with the file.
func loopImage(t testing.TB, fstype string, options ...string) (point, image string) {
	t.Helper()
	mounttest.NeedRoot(t)
	image = filepath.Join(t.TempDir(), fstype+".img")
	file, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(sizes[fstype]), file.Close()); err != nil {
		t.Fatal(err)
	}
	mkfs, err := exec.LookPath("mkfs." + fstype)
	if err != nil {
		mounttest.Skip(t, "mkfs."+fstype+" is not installed")
	}
	flag := "-f"
	if fstype == "ext4" {
		flag = "-F"
	}
	if out, err := exec.Command(mkfs, "-q", flag, image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.%s: %v: %s", fstype, err, out)
	}
	point = filepath.Join(t.TempDir(), "mnt")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mount", "-t", fstype, "-o", strings.Join(append([]string{"loop"}, options...), ","), image, point).CombinedOutput()
	if err != nil {
		mounttest.Skip(t, fmt.Sprintf("no loop mount of %s: %v: %s", fstype, err, out))
	}
	t.Cleanup(func() { unmount(t, point) })
	return point, image
}

// mirror mounts a btrfs of two devices of which one is not there any more.
func mirror(t testing.TB) (point string) {
	t.Helper()
	mounttest.NeedRoot(t)
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			mounttest.Skip(t, fmt.Sprintf("%s %v: %v: %s", name, args, err, out))
		}
		return strings.TrimSpace(string(out))
	}
	args := []string{"-q", "-d", "raid1", "-m", "raid1"}
	for _, name := range []string{"a", "b"} {
		image := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 160<<20)); err != nil {
			t.Fatal(err)
		}
		device := run("losetup", "--find", "--show", image)
		t.Cleanup(func() { _ = exec.Command("losetup", "--detach", device).Run() }) // it may be gone already
		args = append(args, device)
	}
	run("mkfs.btrfs", args...)
	run("losetup", "--detach", args[len(args)-1])
	point = filepath.Join(dir, "mnt")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Fatal(err)
	}
	mountAt(t, point, "-t", "btrfs", "-o", "degraded", args[len(args)-2])
	return point
}

// mountAt calls mount(8) and unmounts the point when the test ends.
func mountAt(t testing.TB, point string, args ...string) {
	t.Helper()
	mounttest.NeedRoot(t)
	if out, err := exec.Command("mount", append(args, point)...).CombinedOutput(); err != nil {
		t.Fatalf("mount %v %s: %v: %s", args, point, err, out)
	}
	t.Cleanup(func() { unmount(t, point) })
}

// remount changes the options of a mount.
func remount(t testing.TB, point, options string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,"+options, point).CombinedOutput(); err != nil {
		t.Fatalf("remount %s: %v: %s", point, err, out)
	}
}

// unmount takes a mount away; it may be gone already.
func unmount(t testing.TB, point string) {
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

// writeAndRead makes real requests to the device below dir: files written through
// and read back without the cache of pages.
func writeAndRead(t testing.TB, dir string) {
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
