package ddn

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/mount/mounttest"
	"storage_exporter/volume/volumetest"
)

// The counters are found wherever a release has them.
func TestPerformance(t *testing.T) {
	const name = "/exa1-" + mountID + "/stats"
	for _, tt := range []struct {
		name, root string
		options    map[string]any
	}{
		{"debugfs", "sys/kernel/debug/lustre/llite", nil},
		{"procfs", "proc/fs/lustre/llite", nil},
		{"sysfs", "sys/fs/lustre/llite", nil},
		{"another place", "elsewhere/llite", map[string]any{"lustre_path": "elsewhere"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, volume.Config{})
			r.remove("sys/kernel/debug/lustre/llite")
			if tt.options != nil {
				tt.options["lustre_path"] = filepath.Join(r.root, "elsewhere")
				r.open(volume.Config{Options: tt.options})
			}
			r.file(tt.root+name, sample(t, "t0_llite_stats_2.15.txt"))
			// What sysfs has of an instance is no statistics; another file system has its own.
			r.file("sys/fs/lustre/llite/exa1-"+mountID+"/uuid", "x\n")
			r.file(tt.root+"/exa1-x-"+mountID+"/stats", "nonsense")
			r.file(tt.root+"/exa10-"+mountID+"/stats", "nonsense")
			synctest.Test(t, func(t *testing.T) {
				r.t, r.T = t, t
				if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
					t.Fatalf("the first reading: %v", err)
				}
				time.Sleep(10 * time.Second)
				r.file(tt.root+name, sample(t, "t1_llite_stats_2.15.txt"))
				got, err := r.OwnPerformance()
				volumetest.WantFigures(t, "the second reading", []float64{200, 100, 838860800, 419430400, 3000, 7000}, got, err)
			})
		})
	}
}

func TestPerformanceOfMount(t *testing.T) {
	r := newRig(t, volume.Config{})
	r.table("28 1 8:1 / / rw - ext4 /dev/sda1 rw")
	if _, err := r.OwnPerformance(); !errors.Is(err, mount.ErrNotMounted) {
		t.Errorf("of the disk below: %v", err)
	}
	if _, err := r.OwnUsage(); !errors.Is(err, mount.ErrNotMounted) {
		t.Errorf("usage of the disk below: %v", err)
	}
	r.mounts("rw")
	r.stats(mountID, "healthy\n")
	if _, err := r.OwnPerformance(); !errors.Is(err, errNoStats) || !strings.Contains(err.Error(), "exa1-"+mountID) {
		t.Errorf("of a file that is something else: %v", err)
	}
	r.table("28 1 8:1 / / rw - ext4 /dev/sda1 rw", "29 28 0:9 / "+r.point+" rw - lustre nonsense rw")
	if _, err := r.OwnPerformance(); err == nil || errors.Is(err, volume.ErrNoSample) {
		t.Errorf("of a source without a name: %v", err)
	}
}

func TestUsage(t *testing.T) {
	mounttest.NeedRoot(t)
	r := newRig(t, volume.Config{})
	usage, err := r.OwnUsage()
	if err != nil || *usage.CapacityBytes != 1000*4096 || *usage.UsedBytes != 400*4096 || *usage.AvailableBytes != 500*4096 || *usage.InodesUsed != 60 {
		t.Errorf("usage: %+v, %v", usage, err)
	}
}

// Where there are no counters the volume says so in its metadata, and the log once.
func TestUncounted(t *testing.T) {
	r := newRig(t, volume.Config{})
	r.remove("sys/kernel/debug/lustre/llite")
	for range 3 {
		if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), "lustre_path") {
			t.Fatalf("performance: %v", err)
		}
	}
	h := r.WantHealth(volume.Healthy, "")
	if got := h.Metadata["performance"]; !strings.Contains(got, "mount debugfs") || strings.Contains(got, volume.ErrUnsupported.Error()) {
		t.Errorf("metadata: %q", got)
	}
	if n := bytes.Count(r.log.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("%d lines in the log: %s", n, r.log.String())
	}
	r.stats(mountID, sample(t, "llite_stats_2.10.txt"))
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("once there are: %v", err)
	}
	if got, ok := r.WantHealth(volume.Healthy, "").Metadata["performance"]; ok {
		t.Errorf("metadata: %q", got)
	}
}

// Who may not read debugfs is told what to do.
func TestNoRights(t *testing.T) {
	mounttest.NeedRoot(t)
	r := newRig(t, volume.Config{})
	for dir := r.root; dir != "/tmp" && len(dir) > 1; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			break
		}
	}
	if err := os.Chmod(filepath.Join(r.root, "sys/kernel/debug"), 0o700); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with its rights
		if err := unix.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		c := newClient(r.host, "")
		_, err := c.readings("exa1")
		if !errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), "run as root or give CAP_DAC_READ_SEARCH") {
			t.Errorf("readings: %v", err)
		}
		if found := c.targets("exa1"); len(found) != 0 {
			t.Errorf("targets: %+v", found)
		}
	}()
	<-done
}

// A mount that hangs has its counters and its connections: they are the kernel's.
func TestHungMount(t *testing.T) {
	fuse := mounttest.NewFUSE(t)
	r := newRig(t, volume.Config{})
	r.point = fuse.Point
	r.mounts("rw,lazystatfs")
	r.open(volume.Config{})
	r.WantHealth(volume.Healthy, "")
	fuse.Hang()
	r.state("exa1-OST0001", "DISCONN")
	for range 20 {
		h := r.OwnHealth(200 * time.Millisecond)
		if h.Status != volume.Offline || !strings.Contains(h.Info, "does not answer") || !strings.Contains(h.Info, "exa1-OST0001 DISCONN") {
			t.Fatalf("hung: %+v", h)
		}
		if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
			t.Fatalf("performance: %v", err)
		}
		if _, err := r.OwnUsage(); !errors.Is(err, mount.ErrHung) {
			t.Fatalf("usage: %v", err)
		}
	}
	if n := fuse.Waiting(); n != 1 {
		t.Errorf("%d requests wait in the kernel", n)
	}
	fuse.Resume()
	r.state("exa1-OST0001", "FULL")
	for deadline := time.Now().Add(10 * time.Second); r.OwnHealth(time.Second).Status != volume.Healthy; {
		if time.Now().After(deadline) {
			t.Fatal("the mount answers again, and nobody noticed")
		}
		runtime.Gosched()
	}
}

// A file of the client that never answers, as one whose lock is held, costs its
// own part only.
func TestHungFile(t *testing.T) {
	fifo := func(r *rig, name string) {
		t.Helper()
		name = filepath.Join(r.root, name)
		if err := errors.Join(os.Remove(name), unix.Mkfifo(name, 0o600)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if f, err := os.OpenFile(name, os.O_RDWR, 0); err == nil {
				_ = f.Close()
			}
		})
	}
	r := newRig(t, volume.Config{})
	begun := time.Now()
	r.room("exa1-OST0000", "4000000", "3000000")
	r.room("exa1-OST0001", "4000000", "3000000")
	fifo(r, "sys/fs/lustre/"+dir("exa1-OST0001")+"/kbytesavail")
	for range 3 {
		h := r.OwnHealth(200 * time.Millisecond)
		if _, told := h.Metadata["ost_least_available"]; told || h.Status != volume.Healthy || h.Metadata["osts_connected"] != "2" {
			t.Errorf("%+v", h)
		}
	}
	fifo(r, "sys/kernel/debug/lustre/"+dir("exa1-OST0000")+"/state")
	for range 3 {
		h := r.OwnHealth(200 * time.Millisecond)
		if h.Status != volume.Degraded || !strings.Contains(h.Info, "cannot be read") || h.Metadata["imports"] != "unknown" {
			t.Errorf("%+v", h)
		}
		if _, err := r.OwnUsage(); err != nil {
			t.Errorf("usage: %v", err)
		}
	}
	fifo(r, "sys/kernel/debug/lustre/llite/exa1-"+mountID+"/stats")
	for range 3 {
		if got := volumetest.Part(t, 200*time.Millisecond, r.Performance, "v"); !errors.Is(got.Err, mount.ErrHung) {
			t.Errorf("performance: %v", got.Err)
		}
	}
	if time.Since(begun) > 5*time.Second {
		t.Error("the answers did not come in time")
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t, volume.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := r.Performance(ctx)
	if err == nil && !errors.Is(results["v"].Err, context.Canceled) {
		t.Errorf("performance: %v", results["v"].Err)
	}
	usage, err := r.Usage(ctx)
	if err == nil && !errors.Is(usage["v"].Err, context.Canceled) {
		t.Errorf("usage: %v", usage["v"].Err)
	}
	if _, err := r.Health(ctx); err != nil {
		t.Errorf("health: %v", err)
	}
}

// The client is looked at and never written to: that would clear its counters.
func TestNothingIsWritten(t *testing.T) {
	r := newRig(t, volume.Config{})
	r.room("exa1-OST0000", "4000000", "3000000")
	state := func() string {
		var all strings.Builder
		err := filepath.Walk(r.root, func(name string, info os.FileInfo, err error) error {
			if err == nil {
				all.WriteString(name + " " + info.ModTime().String() + "\n")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all.String()
	}
	before := state()
	_, _ = r.OwnPerformance()
	_, _ = r.OwnUsage()
	r.OwnHealth(5 * time.Second)
	if state() != before {
		t.Error("something was changed")
	}
}

func TestIdentify(t *testing.T) {
	kind := EXAScaler(nil)
	identify := func(options map[string]any) (volume.Identity, error) {
		return kind.Identify(volume.Config{Name: "v", Path: "/exa/", Options: options})
	}
	plain, err := identify(nil)
	if err != nil || plain.Object != "/exa" {
		t.Errorf("%+v, %v", plain, err)
	}
	if other, err := identify(map[string]any{"lustre_path": "/x"}); err != nil || other.Share == plain.Share {
		t.Errorf("volumes with other options share a backend: %+v, %v", other, err)
	}
	if same, _ := identify(map[string]any{"unknown": 1}); same != plain {
		t.Errorf("%+v and %+v are one", same, plain)
	}
	for name, options := range map[string]map[string]any{
		"lustre_path": {"lustre_path": "sys"}, "lustre_ignored_targets": {"lustre_ignored_targets": []any{map[string]any{}}},
	} {
		if _, err := identify(options); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("wrong %s: %v", name, err)
		}
	}
	if _, err := kind.Identify(volume.Config{Name: "v"}); err == nil {
		t.Error("it needs no path")
	}
}

func BenchmarkHealth(b *testing.B) {
	r := newRig(b, volume.Config{})
	for i := range 256 {
		r.state("exa1-OST0"+string("0123456789abcdef"[i/16])+string("0123456789abcdef"[i%16])+"1", "FULL")
	}
	ctx := context.Background()
	for b.Loop() {
		if _, err := r.Health(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
