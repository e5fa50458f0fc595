package smartctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart/report"
	"storage_exporter/smart/report/reporttest"
)

// fakeTool plays these drives.
func fakeTool(tb testing.TB, drives ...fleet.Drive) (*Tool, *fleet.Fleet) {
	tb.Helper()
	path, f := faketest.New(tb, drives...)
	return toolAt(tb, path), f
}

func toolAt(tb testing.TB, path string) *Tool {
	tb.Helper()
	tool, err := New(Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	return tool
}

// script is a Tool that runs a shell script.
func script(tb testing.TB, body string) *Tool {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "smartctl")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		tb.Fatal(err)
	}
	return toolAt(tb, path)
}

// recorded is a drive that answers with one of the documents.
func recorded(tb testing.TB, name string) fleet.Drive {
	tb.Helper()
	doc := reporttest.Documents(tb)[name]
	r, err := report.Parse(doc)
	if err != nil {
		tb.Fatal(err)
	}
	d := fleet.Drive{Name: r.Device.Name, Type: "scsi", Report: doc}
	if d.Name == "" {
		d.Name = "/dev/sda"
	}
	if r.Device.Type == "nvme" {
		d.Type = "nvme"
	}
	return d
}

func TestRead(t *testing.T) {
	for name, doc := range reporttest.Documents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := recorded(t, name)
			tool, _ := fakeTool(t, d)
			got, err := tool.Read(t.Context(), Device{Name: d.Name, Type: Auto}, 0)
			switch {
			case strings.HasPrefix(name, "asleep"), strings.HasPrefix(name, "idle"):
				if err != nil || !got.Asleep || got.Report.PowerMode == "" {
					t.Fatalf("got %+v, %v; want asleep", got, err)
				}
			case strings.HasPrefix(name, "open"):
				if !errors.Is(err, ErrNoReport) {
					t.Fatalf("got %v, want ErrNoReport", err)
				}
				return
			case err != nil || got.Asleep:
				t.Fatalf("got %+v, %v", got, err)
			}
			var want, have any
			if err := errors.Join(json.Unmarshal(doc, &want), json.Unmarshal(got.JSON, &have)); err != nil && !strings.Contains(name, "huge") {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("document differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	half, empty, garbage := `{"smartctl":{"version":[7,4]`, "", "Segmentation fault\n"
	drive := func(change func(*fleet.Drive)) fleet.Drive {
		d := fleet.ATA("/dev/sda", 1, 2)
		change(&d)
		return d
	}
	tests := []struct {
		name  string
		drive fleet.Drive
		want  error
		says  string
	}{
		{"half a JSON", drive(func(d *fleet.Drive) { d.Print = &half }), report.ErrBadOutput, "unexpected end"},
		{"nothing", drive(func(d *fleet.Drive) { d.Print, d.Exit, d.Stderr = &empty, 1, "cannot allocate" }), report.ErrBadOutput, "cannot allocate"},
		{"garbage", drive(func(d *fleet.Drive) { d.Print = &garbage }), report.ErrBadOutput, "Segmentation"},
		{"exit bit 0", drive(func(d *fleet.Drive) { d.Exit = 1 }), ErrNoReport, "exit status 1"},
		{"exit bit 1", drive(func(d *fleet.Drive) { d.Exit = 2 }), ErrNoReport, "exit status 2"},
		{"no such device", fleet.ATA("/dev/sdb", 1, 2), ErrNoSuchDevice, "No such device"},
		{"no permission", recorded(t, "open-denied-7.4"), ErrPermission, "CAP_SYS_RAWIO"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tool, _ := fakeTool(t, tt.drive)
			doc, err := tool.Read(t.Context(), Device{Name: "/dev/sda", Type: Auto}, 0)
			if doc != nil || !errors.Is(err, tt.want) {
				t.Fatalf("got %v, %v; want %v", doc, err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "/dev/sda") {
				t.Errorf("%q does not say %q and the device", err, tt.says)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than a line", err)
			}
		})
	}
}

// Bits 2 to 7 of the exit status are about the drive, not about the read.
func TestReadExitBits(t *testing.T) {
	for bit := 2; bit < 8; bit++ {
		t.Run(strconv.Itoa(bit), func(t *testing.T) {
			d := fleet.ATA("/dev/sda", 1, 2)
			d.Exit = 1 << bit
			tool, _ := fakeTool(t, d)
			doc, err := tool.Read(t.Context(), Device{Name: "/dev/sda", Type: Auto}, 0)
			if err != nil || doc.Report.Smartctl.ExitStatus != 1<<bit {
				t.Errorf("got %+v, %v", doc, err)
			}
		})
	}
}

func TestReadArguments(t *testing.T) {
	tool, f := fakeTool(t, fleet.NVMe("/dev/nvme0", 1))
	if _, err := tool.Read(t.Context(), Device{Name: "/dev/nvme0", Type: "nvme"}, 0); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"nvme error selftest devstat scterc background ssd"}, f.Reads("/dev/nvme0")); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}

	// All arguments, in order, with nothing of our environment.
	t.Setenv("REDIS_PASSWORD", "secret")
	args := filepath.Join(t.TempDir(), "args")
	tool = script(t, `printf '%s\n' "$@" "LANG=$LANG" "[$REDIS_PASSWORD]" "$(cat)" >`+args+`; echo '{"smartctl":{},"device":{"protocol":"ATA"}}'`)
	if _, err := tool.Read(t.Context(), Device{Name: "/dev/x y;$(reboot)", Type: "sat"}, allLogs); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(args)
	want := "--json\n--info\n--health\n--attributes\n--tolerance=verypermissive\n--nocheck=standby\n--format=brief\n--log=error\n--device=sat\n/dev/x y;$(reboot)\nLANG=C\n[]\n\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}

	for _, d := range []Device{{Name: "sda", Type: "sat"}, {Name: "--all", Type: "sat"}, {Name: "/dev/sda", Type: ""}, {Name: "/dev/sda", Type: "sat --all"}, {Name: "/dev/s\x00", Type: "sat"}} {
		if _, err := tool.Read(t.Context(), d, 0); err == nil {
			t.Errorf("%+v was handed to smartctl", d)
		}
	}
}

// A log that the drive lacks must not look like a fault of the drive.
func TestReadWithoutMissingLogs(t *testing.T) {
	d := fleet.SCSI("/dev/sda", 1)
	d.MissingLogs = []string{"selftest", "background"}
	tool, f := fakeTool(t, d)
	dev := Device{Name: "/dev/sda", Type: Auto}
	doc, err := tool.Read(t.Context(), dev, 0)
	if err != nil || doc.Report.Smartctl.ExitStatus != 0 || doc.Missing != LogSelfTest|LogBackgroundScan {
		t.Fatalf("got exit status %d, missing %b, %v", doc.Report.Smartctl.ExitStatus, doc.Missing, err)
	}
	if doc, err = tool.Read(t.Context(), dev, doc.Missing); err != nil || doc.Report.Smartctl.ExitStatus != 0 {
		t.Fatal(doc, err)
	}
	want := []string{"auto error selftest devstat scterc background ssd", "auto error devstat scterc ssd", "auto error devstat scterc ssd"}
	if diff := cmp.Diff(want, f.Reads("/dev/sda")); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

// A smartctl that does not know one of our logs still gives what it gave smartctl_exporter.
func TestReadWithRefusedLog(t *testing.T) {
	d := fleet.ATA("/dev/sda", 1, 2)
	d.RefusedLogs = []string{"devstat"}
	tool, f := fakeTool(t, d)
	for range 2 {
		if doc, err := tool.Read(t.Context(), Device{Name: "/dev/sda", Type: "sat"}, 0); err != nil || doc.Report.SerialNumber == "" {
			t.Fatalf("got %v, %v", doc, err)
		}
	}
	want := []string{"sat error selftest devstat scterc background ssd", "sat error", "sat error"}
	if diff := cmp.Diff(want, f.Reads("/dev/sda")); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestReadStripsTextBeforeTheJSON(t *testing.T) {
	text := "  Pending defect count:" + string(reporttest.Documents(t)["scsi-hdd-7.1"])
	d := fleet.Drive{Name: "/dev/sda", Type: "scsi", Behaviour: fleet.Behaviour{Print: &text}, Report: json.RawMessage("{}")}
	tool, _ := fakeTool(t, d)
	doc, err := tool.Read(t.Context(), Device{Name: "/dev/sda", Type: Auto}, 0)
	if err != nil || doc.Report.SerialNumber != "EXOLD1" || !json.Valid(doc.JSON) {
		t.Errorf("got %v, %v", doc, err)
	}
}

func TestReadMakesValidUTF8(t *testing.T) {
	tool := script(t, `printf '{"smartctl":{},"device":{"protocol":"ATA"},"model_name":"EX\377 1"}'`)
	doc, err := tool.Read(t.Context(), Device{Name: "/dev/sda", Type: Auto}, 0)
	if err != nil || doc.Report.ModelName != "EX\uFFFD 1" || !strings.Contains(string(doc.JSON), "\uFFFD") {
		t.Errorf("got %v, %v", doc, err)
	}
}

func TestReadBoundsTheOutput(t *testing.T) {
	tool := script(t, `exec yes '{"smartctl":{}}'`)
	begun := time.Now()
	_, err := tool.Read(t.Context(), Device{Name: "/dev/sda", Type: Auto}, 0)
	if !errors.Is(err, report.ErrBadOutput) || !strings.Contains(err.Error(), "too much output") {
		t.Errorf("got %v", err)
	}
	if time.Since(begun) > netTimeout/2 {
		t.Error("the program was not ended")
	}
}

// The whole process group is killed at the end of the context, and nothing of
// it is left behind.
func TestReadKillsTheGroup(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	tool := script(t, `trap '' TERM; sleep 1000 & echo $$ $! >`+pids+`.new; mv `+pids+`.new `+pids+`; wait`)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := tool.Read(ctx, Device{Name: "/dev/sda", Type: Auto}, 0)
		done <- err
	}()
	b := waitForFile(t, pids)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, word := range strings.Fields(string(b)) {
		pid, _ := strconv.Atoi(word)
		// The grandchild is a zombie until init reaps it.
		eventually(t, "process "+word+" is gone", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || err == nil && strings.Contains(string(stat), ") Z ")
		})
	}
}

func TestReadHangingDrive(t *testing.T) {
	d := fleet.ATA("/dev/sda", 1, 2)
	d.Hang = true
	tool, _ := fakeTool(t, d)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := tool.Read(ctx, Device{Name: "/dev/sda", Type: Auto}, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestNotInstalled(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	text := filepath.Join(dir, "text")
	if err := errors.Join(os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o644), os.WriteFile(text, []byte("no program"), 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing"), "no-smartctl-of-that-name", plain, text, dir} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			tool := toolAt(t, path)
			_, readErr := tool.Read(t.Context(), Device{Name: "/dev/sda", Type: Auto}, 0)
			_, scanErr := tool.Scan(t.Context())
			for _, err := range []error{readErr, scanErr} {
				if !errors.Is(err, ErrNotInstalled) {
					t.Fatalf("got %v, want ErrNotInstalled", err)
				}
				for _, word := range []string{path, "smartmontools", "--smartctl.path"} {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%q does not name %s", err, word)
					}
				}
			}
		})
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Config{PowerModeCheck: "always"}); err == nil || !strings.Contains(err.Error(), "never, sleep, standby, idle") {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{ScanTypes: []string{"by-id; rm"}}); err == nil {
		t.Error("a scan type with a blank was taken")
	}
}

// realSmartctl is the real program, which has no drive to read here.
func realSmartctl(t *testing.T) *Tool {
	t.Helper()
	path, err := exec.LookPath("/usr/sbin/smartctl")
	if err != nil {
		t.Skip("smartctl is not installed: the test with the real program is left out; install smartmontools")
	}
	return toolAt(t, path)
}

func TestRealSmartctl(t *testing.T) {
	tool := realSmartctl(t)
	if _, err := tool.Scan(t.Context()); err != nil {
		t.Errorf("scan: %v", err)
	}
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		device Device
		want   error
		says   string
	}{
		{Device{Name: "/dev/null", Type: Auto}, ErrNoReport, "--smartctl.device='/dev/null;TYPE'"},
		{Device{Name: "/dev/sd-missing", Type: "sat"}, ErrNoSuchDevice, "No such"},
		{Device{Name: file, Type: "scsi"}, ErrNoReport, file},
		{Device{Name: "/dev/null", Type: "no-such-type"}, ErrNoReport, "no-such-type"},
	}
	for _, tt := range tests {
		doc, err := tool.Read(t.Context(), tt.device, 0)
		if doc != nil || !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%+v: got %v, want %v that says %q", tt.device, err, tt.want, tt.says)
		}
		if refused := (*ReportError)(nil); !errors.As(err, &refused) || refused.ExitStatus&(report.ExitCommandLine|report.ExitOpen) == 0 {
			t.Errorf("%+v: %#v", tt.device, err)
		}
	}
	if tool.plain.Load() {
		t.Error("the real smartctl refused one of our logs")
	}
}

// waitForFile is the file's content once it is there.
func waitForFile(t *testing.T, path string) []byte {
	t.Helper()
	var b []byte
	eventually(t, path+" is written", func() bool {
		var err error
		b, err = os.ReadFile(path)
		return err == nil
	})
	return b
}

// eventually waits for a condition, for as long as a loaded machine may need.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
