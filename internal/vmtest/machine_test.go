//go:build vm

package vmtest

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// machine is the virtual machine. KVM is not to be had everywhere: it is plain
// emulation, several times slower than the host.
type machine struct {
	dir               string // of its drives
	kernel, initramfs string
	root              string // the guest's, read-only
	command           string // what the kernel is told
	devices           []string
	drives            []drive
}

// drive is one emulated drive: the arguments of -device but for drive=.
type drive struct {
	name, device string
	mib          int64
}

// controllers have two paths to the NVMe drive.
var controllers = []string{
	"ahci,id=ahci", "virtio-scsi-pci,id=scsi",
	"nvme-subsys,id=nvme", "nvme,serial=NV0001,subsys=nvme,id=path0", "nvme,serial=NV0001,subsys=nvme",
}

var drives = []drive{
	{"nvme", "nvme-ns,bus=path0,nsid=1,shared=on", 320},
	{"ata", "ide-hd,bus=ahci.0,serial=AT0001", 64},
	{"scsi", "scsi-hd,bus=scsi.0,serial=SC0001", 64},
	// The two halves of the mirror, and of the array without redundancy; smartctl
	// does not look at these.
	{"half0", "virtio-blk-pci", 64},
	{"half1", "virtio-blk-pci", 64},
	{"stripe0", "virtio-blk-pci", 32},
	{"stripe1", "virtio-blk-pci", 32},
}

func (m machine) console() string { return filepath.Join(m.dir, "console") }

// start boots the machine. output is what the guest's job writes, until the
// machine is off; then wait returns at once. It dies with ctx and with this test.
func (m machine) start(ctx context.Context, t *testing.T) (output io.Reader, wait func() error) {
	t.Helper()
	args := []string{
		"-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024",
		"-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none",
		"-kernel", "/boot/vmlinuz-" + m.kernel, "-initrd", m.initramfs,
		"-append", "console=ttyS0 loglevel=5 panic=-1 " + m.command,
		"-serial", "file:" + m.console(), "-serial", "stdio",
		"-fsdev", "local,id=root,path=" + m.root + ",security_model=none,readonly=on,multidevs=remap",
		"-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
	}
	for _, c := range m.devices {
		args = append(args, "-device", c)
	}
	for _, d := range m.drives {
		args = append(args,
			"-drive", "if=none,format=raw,id="+d.name+",file="+m.image(t, d),
			"-device", d.device+",drive="+d.name)
	}
	cmd := exec.CommandContext(ctx, tool(t, "qemu-system-x86_64", "qemu-system-x86"), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return output, cmd.Wait
}

// image makes a drive's content. The file system on NVMe is made here, where it
// takes no time.
func (m machine) image(t *testing.T, d drive) string {
	t.Helper()
	name := filepath.Join(m.dir, d.name)
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, d.mib<<20); err != nil {
		t.Fatal(err)
	}
	if d.name == "nvme" {
		output(t, tool(t, "mkfs.xfs", "xfsprogs"), "-q", name)
	}
	return name
}
