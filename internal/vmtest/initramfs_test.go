//go:build vm

package vmtest

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"storage_exporter/internal/needtest"
)

// skip skips the test, unless everything is required.
func skip(t *testing.T, why string) {
	t.Helper()
	needtest.Skip(t, why)
}

// tool finds a program, in the directories of root's as well.
func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	return needtest.Program(t, name, pkg)
}

// output is what a command says.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	var complaint strings.Builder
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, complaint.String())
	}
	return string(out)
}

// newestKernel is the release of an installed kernel with its modules.
func newestKernel(t *testing.T) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		skip(t, "the virtual machine is an amd64")
	}
	images, _ := filepath.Glob("/boot/vmlinuz-*")
	slices.SortFunc(images, func(a, b string) int { return strings.Compare(b, a) })
	for _, image := range images {
		release := strings.TrimPrefix(image, "/boot/vmlinuz-")
		if _, err := os.Stat("/lib/modules/" + release); err == nil {
			return release
		}
	}
	skip(t, "no kernel with modules in /boot: apt-get install linux-image-amd64")
	return ""
}

// script is the guest's first process. Its root is the host's, read-only.
// Nothing there changes that the guest looks at twice, hence the cache.
const script = head + `
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose root /mnt
for dir in proc sys dev; do mount --move /$dir /mnt/$dir; done
exec switch_root /mnt %s sh -c 'PATH=/usr/sbin:/usr/bin:/sbin:/bin %s -test.v -test.timeout=5m >/dev/ttyS1 2>&1; %[2]s poweroff -f'
`

// head loads what the kernel lacks.
const head = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in %s; do insmod $module; done`

// pack makes an archive of a folder, with busybox and the modules in it.
const pack = `
cd "$0"; cpio=$1; busybox=$2; shift 2
mkdir bin proc sys dev mnt low over
cp "$busybox" bin/busybox
cp --parents "$@" .
find . | "$cpio" --quiet -o -H newc
`

// initramfs packs what the kernel needs until it has its root. The script gets the
// modules, and what else it names.
func initramfs(t *testing.T, dir, kernel, script, job string) string {
	t.Helper()
	busybox := tool(t, "busybox", "busybox-static")
	if file, err := elf.Open(busybox); err != nil {
		t.Fatal(err)
	} else if libraries, _ := file.ImportedLibraries(); len(libraries) > 0 {
		skip(t, busybox+" is not static: apt-get install busybox-static")
	}
	// In this order, or symbols are unknown.
	var modules []string
	for _, name := range []string{"9p", "9pnet_virtio", "virtio_pci", "overlay"} {
		for line := range strings.Lines(output(t, tool(t, "modprobe", "kmod"), "-S", kernel, "-D", name)) {
			if words := strings.Fields(line); len(words) > 1 && words[0] == "insmod" && !slices.Contains(modules, words[1]) {
				modules = append(modules, words[1])
			}
		}
	}
	root, image := filepath.Join(dir, "initramfs"), filepath.Join(dir, "initramfs.cpio")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	first := fmt.Appendf(nil, script, strings.Join(modules, " "), busybox, job)
	if err := os.WriteFile(filepath.Join(root, "init"), first, 0o755); err != nil {
		t.Fatal(err)
	}
	archive := output(t, "sh", append([]string{"-ec", pack, root, tool(t, "cpio", "cpio"), busybox}, modules...)...)
	if err := os.WriteFile(image, []byte(archive), 0o600); err != nil {
		t.Fatal(err)
	}
	return image
}
