//go:build vm

// Package vmtest tries the exporter where there are drives: in a virtual machine
// with emulated NVMe, ATA and SCSI drives, two paths to the first, md arrays, XFS on
// NVMe and an NFS server, all with the host's own programs. What happens in there is in the
// folder guest: a test binary that is the guest's only job.
package vmtest

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// limit bounds the machine's life; it is done in a third of that.
const limit = 4 * time.Minute

func TestVM(t *testing.T) {
	kernel := newestKernel(t)
	dir := t.TempDir()
	binaries := filepath.Join(dir, "bin")
	build(t, "build", "-o", filepath.Join(binaries, "storage_exporter"), "../..")
	build(t, "test", "-c", "-tags", "vm", "-o", filepath.Join(binaries, "guest"), "./guest")

	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	boot(ctx, t, machine{
		dir: dir, kernel: kernel, root: "/", command: "storage_exporter.guest", devices: controllers, drives: drives,
		initramfs: initramfs(t, dir, kernel, script, filepath.Join(binaries, "guest")),
	})
}

// boot runs the machine until it is off, and fails where its job does not pass.
func boot(ctx context.Context, t *testing.T, m machine) {
	t.Helper()
	booted := time.Now()
	output, wait := m.start(ctx, t)
	passed := replay(t, output)
	if err := wait(); err != nil {
		t.Errorf("qemu: %v", err)
	}
	if !passed {
		console, _ := os.ReadFile(m.console())
		t.Fatalf("the guest did not pass; the end of its console:\n%s", console[max(0, len(console)-8<<10):])
	}
	t.Logf("the machine ran for %v", time.Since(booted).Round(time.Second))
}

// build compiles a static program: the guest is to need nothing but the kernel.
func build(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}

var (
	speaks = regexp.MustCompile(`^=== (?:RUN|NAME) +TestGuest(?:/(\S+))?`)
	ended  = regexp.MustCompile(`^ +--- (PASS|FAIL): TestGuest/(\S+) `)
)

// replay makes the guest's subtests subtests here, when all are done, and says
// whether they went well.
func replay(t *testing.T, output io.Reader) (passed bool) {
	t.Helper()
	said := map[string]*strings.Builder{"": {}} // by subtest
	now := said[""]
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		if m := speaks.FindStringSubmatch(line); m != nil {
			if now = said[m[1]]; now == nil {
				now = &strings.Builder{}
				said[m[1]] = now
			}
			continue
		}
		if m := ended.FindStringSubmatch(line); m != nil {
			t.Run(m[2], func(t *testing.T) {
				t.Logf("%s\n%s", line, said[m[2]])
				if m[1] == "FAIL" {
					t.Fail()
				}
			})
			continue
		}
		now.WriteString(line + "\n")
		passed = passed || line == "PASS"
	}
	t.Log(said[""])
	return passed
}
