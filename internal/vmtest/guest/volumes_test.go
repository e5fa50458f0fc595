//go:build vm

package guest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	mdPoint     = "/mnt/md"
	stripePoint = "/mnt/stripe"
	xfsPoint    = "/mnt/xfs"
	nfsPoint    = "/mnt/nfs"
	exported    = "/mnt/export"

	// nvme is the drive with two paths, which has the number of either.
	nvme = "/dev/nvme[01]n1"

	ataLabel  = `device="sda"`
	nvmeLabel = `device="nvme0"`
)

// nfsdArgs start the server, of NFS 4 only: that needs no rpcbind. A short grace
// time lets clients go on soon after a restart.
var nfsdArgs = []string{"--no-nfs-version=3", "--host=127.0.0.1", "--grace-time=10", "--lease-time=10", "2"}

// setUp makes the machine a storage host. Nothing is taken down: it ends with the
// machine.
func setUp(t *testing.T) {
	t.Helper()
	started := time.Now()
	for _, dir := range []string{"/run", "/mnt", "/var/log", "/var/lib/nfs"} {
		mount(t, "tmpfs", "tmpfs", dir)
	}
	t.Setenv("TMPDIR", "/run")
	command(t, "busybox", "ifconfig", "lo", "127.0.0.1", "up")
	// ahci comes first, so that its drive is sda.
	command(t, "modprobe", "-a", "nvme", "ahci", "sd_mod")
	await(t, "/dev/sda")
	command(t, "modprobe", "-a", "virtio_scsi", "virtio_blk", "raid0", "raid1", "ext4", "xfs", "nfsv4", "nfsd")
	command(t, "modprobe", "scsi_debug", "dev_size_mb=16")
	for _, dir := range []string{mdPoint, stripePoint, xfsPoint, nfsPoint, exported} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "/dev/vdd")
	command(t, "mdadm", "--create", "/dev/md0", "--run", "--assume-clean", "--level=1", "--raid-devices=2", "/dev/vda", "/dev/vdb")
	command(t, "mkfs.ext4", "-q", "/dev/md0")
	mount(t, "/dev/md0", "ext4", mdPoint)
	command(t, "mdadm", "--create", "/dev/md1", "--run", "--level=0", "--raid-devices=2", "/dev/vdc", "/dev/vdd")
	command(t, "mkfs.ext4", "-q", "/dev/md1")
	mount(t, "/dev/md1", "ext4", stripePoint)
	write(t, "/sys/block/md1/queue/iostats", "0") // its counters stand still

	mount(t, await(t, nvme), "xfs", xfsPoint)

	mount(t, "nfsd", "nfsd", "/proc/fs/nfsd")
	write(t, "/var/lib/nfs/etab", "")
	write(t, "/var/lib/nfs/rmtab", "")
	command(t, "exportfs", "-o", "rw,no_root_squash,fsid=0,insecure", "127.0.0.1:"+exported)
	command(t, "rpc.nfsd", nfsdArgs...)
	mountd := exec.Command("rpc.mountd", "--foreground", "--no-nfs-version=3")
	if err := mountd.Start(); err != nil {
		t.Fatal(err)
	}
	// A hard mount, as they are by default, waits for its server for ever.
	command(t, "mount", "-t", "nfs", "-o", "vers=4.2,hard,timeo=50", "127.0.0.1:/", nfsPoint)
	// The client counts in its server's blocks of a MiB.
	write(t, exported+"/ballast", strings.Repeat("ballast ", 1<<20))
	t.Logf("set up after %v", time.Since(started).Round(100*time.Millisecond))
}

func mount(t *testing.T, source, fstype, point string) {
	t.Helper()
	if err := unix.Mount(source, point, fstype, 0, ""); err != nil {
		t.Fatalf("mount %s on %s: %v", source, point, err)
	}
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// await waits for a device, which drivers make when they find it.
func await(t *testing.T, pattern string) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if names, _ := filepath.Glob(pattern); len(names) > 0 {
			return names[0]
		}
	}
	t.Fatalf("no %s within %v", pattern, patience)
	return ""
}

// scsiAddress is where a SCSI drive is: its adapter, and what is scanned there to
// find it again.
func scsiAddress(t *testing.T, name string) (adapter, place string) {
	t.Helper()
	path, err := os.Readlink("/sys/block/" + name + "/device")
	parts := strings.Split(filepath.Base(path), ":")
	if err != nil || len(parts) != 4 {
		t.Fatalf("no SCSI address of %q: %s: %v", name, path, err)
	}
	return "host" + parts[0], strings.Join(parts[1:], " ")
}

// load writes to a volume and reads from it, past the cache, until it is stopped.
type load struct {
	quit   chan struct{}
	worker sync.WaitGroup
	err    error
}

func startLoad(t *testing.T, dir string) *load {
	t.Helper()
	l := &load{quit: make(chan struct{})}
	block, err := unix.Mmap(-1, 0, 64<<10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE) // aligned
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "load"), os.O_CREATE|os.O_RDWR|unix.O_DIRECT, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	l.worker.Go(func() {
		defer file.Close()
		for {
			if _, l.err = file.WriteAt(block, 0); l.err != nil {
				return
			}
			if _, l.err = file.ReadAt(block, 0); l.err != nil {
				return
			}
			select {
			case <-l.quit:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return l
}

func (l *load) stop(t *testing.T) {
	t.Helper()
	close(l.quit)
	l.worker.Wait()
	if l.err != nil {
		t.Error(l.err)
	}
}
