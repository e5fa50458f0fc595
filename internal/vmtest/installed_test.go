//go:build vm

package vmtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"storage_exporter/internal/packagetest"
)

// installedLimit bounds the life of the machine with systemd; on an idle host it is done
// in a third of that.
const installedLimit = 12 * time.Minute

// installed starts a systemd on a root of its own, which it may write to. Its job is
// in a unit.
const installed = head + `
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose root /low
mount -t tmpfs tmpfs /over
mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/low,upperdir=/over/upper,workdir=/over/work overlay /mnt
for dir in proc sys dev; do mount --move /$dir /mnt/$dir; done
: %s # the first process needs no busybox
exec switch_root /mnt %s
`

// job is what the guest's systemd runs.
const job = `[Unit]
After=basic.target
[Service]
ExecStart=/guest -test.v -test.timeout=11m
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
ExecStopPost=/usr/bin/systemctl --no-block poweroff
`

const target = `[Unit]
Requires=basic.target
After=basic.target
Wants=job.service
`

// The package in a Debian with systemd: the unit is what keeps the exporter in, and it
// reads real drives. The job is in the folder installed.
func TestInstalled(t *testing.T) {
	kernel := newestKernel(t)
	if os.Getuid() != 0 {
		skip(t, "only root makes a Debian")
	}
	dir := t.TempDir()
	root, sources := filepath.Join(dir, "root"), filepath.Join(dir, "sources")
	if err := os.Mkdir(sources, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := packagetest.Make("../..", sources, "022", "packages", "PLATFORMS=linux/amd64"); err != nil {
		t.Fatal(err)
	}
	output(t, tool(t, "mmdebstrap", "mmdebstrap"), "--quiet", "--variant=essential", "--include=systemd,systemd-sysv,udev,kmod,smartmontools,adduser", "bookworm", root)
	output(t, "sh", "-ec", `cp "$1"/.tarballs/*.deb "$0"/package.deb; mkdir -p "$0"/lib/modules; cp -r /lib/modules/"$2" "$0"/lib/modules/`, root, sources, kernel)
	build(t, "test", "-c", "-tags", "vm", "-o", filepath.Join(root, "guest"), "./installed")
	for name, text := range map[string]string{"job.service": job, "job.target": target} {
		if err := os.WriteFile(filepath.Join(root, "etc/systemd/system", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), installedLimit)
	defer cancel()
	boot(ctx, t, machine{
		dir: dir, kernel: kernel, root: root,
		command:   "storage_exporter.installed systemd.unit=job.target systemd.show_status=0",
		initramfs: initramfs(t, dir, kernel, installed, "/lib/systemd/systemd"),
		devices:   []string{"ahci,id=ahci", "virtio-scsi-pci,id=scsi", "megasas,id=mega"},
		drives: []drive{
			{"controller", "nvme,serial=NV0001", 64},
			{"ata", "ide-hd,bus=ahci.0,serial=AT0001", 64},
			{"scsi", "scsi-hd,bus=scsi.0,serial=SC0001", 64},
			{"member", "scsi-hd,bus=mega.0,serial=MR0001", 64},
		},
	})
}
