package cephfs

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/internal/outside"
	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/mount/mounttest"
)

const debugDir = "sys/kernel/debug/ceph"

// The counters of the client that the mount names become rates, in both layouts.
func TestKernelClient(t *testing.T) {
	t.Parallel()
	for name, single := range map[string]bool{"directory": false, "single file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, newFUSE(t, told()).Point, kernelType, nil)
			r.debugfs(fsid+".client7", "t1", single) // another mount's
			r.debugfs(client, "t0", single)
			p := r.rates(func() { r.debugfs(client, "t1", single) })
			if *p.LatencyReadUsec != 3000 || *p.LatencyWriteUsec != 7000 {
				t.Errorf("latencies: %v, %v", *p.LatencyReadUsec, *p.LatencyWriteUsec)
			}
			if *p.IOPSRead != 2**p.IOPSWrite || *p.BytesRead != 4194304**p.IOPSRead || *p.BytesWrite != 4194304**p.IOPSWrite {
				t.Errorf("%v, %v operations, %v, %v bytes", *p.IOPSRead, *p.IOPSWrite, *p.BytesRead, *p.BytesWrite)
			}
		})
	}
}

// A mount that hangs keeps its client, which the kernel still counts for; a new
// client of the mount begins anew.
func TestKernelClientRemembered(t *testing.T) {
	t.Parallel()
	fuse := newFUSE(t, told())
	r := newRig(t, fuse.Point, kernelType, nil)
	r.debugfs(client, "t0", false)
	r.debugfs(fsid+".client7", "t0", false)
	r.rates(func() { r.debugfs(client, "t1", false) })
	asked := fuse.Asked()
	if _, err := r.OwnPerformance(); err != nil || fuse.Asked() != asked {
		t.Errorf("%v: the mount is asked again", err)
	}
	fuse.HangXattrs()
	if h := r.OwnHealth(400 * time.Millisecond); h.Status != volume.Offline {
		t.Errorf("%+v", h)
	}
	if _, err := r.OwnPerformance(); err != nil {
		t.Errorf("hung: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(r.dir, debugDir, client)); err != nil {
		t.Fatal(err)
	}
	r.debugfs(fsid+".client4151", "t1", false)
	if _, err := r.OwnPerformance(); !errors.Is(err, mount.ErrHung) {
		t.Errorf("which client it is now cannot be asked: %v", err)
	}
	fuse.SetXattr(clientID, "client4151")
	fuse.Resume()
	for deadline := time.Now().Add(10 * time.Second); r.OwnHealth(time.Second).Status == volume.Offline; {
		if time.Now().After(deadline) {
			t.Fatal("the mount answers again, and nobody noticed")
		}
	}
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("a new client: %v, want no sample", err)
	}
}

// A client that counts no bytes has its other figures.
func TestKernelClientWithoutSizes(t *testing.T) {
	t.Parallel()
	r := newRig(t, newFUSE(t, told()).Point, kernelType, nil)
	latency := filepath.Join(debugDir, client, "metrics/latency")
	r.file(latency, testdata(t, "t0/latency"))
	p := r.rates(func() { r.file(latency, testdata(t, "t1/latency")) })
	if p.IOPSRead == nil || *p.LatencyReadUsec != 3000 || p.BytesRead != nil || p.BytesWrite != nil {
		t.Errorf("%+v", p)
	}
}

// Where the client's counters are not to be had there are no figures, and it is
// said why.
func TestNoKernelCounters(t *testing.T) {
	t.Parallel()
	silent := map[string]string{recursiveBytes: "1"} // before Linux 5.11
	for name, tt := range map[string]struct {
		xattrs  map[string]string
		prepare func(r *rig)
		want    string // "" is a sample
	}{
		"no debugfs":  {told(), func(*rig) {}, "mount debugfs"},
		"only RBD":    {told(), func(r *rig) { r.file(debugDir+"/"+client+"/osdmap", "") }, "that needs Linux 5.8"},
		"only client": {silent, func(r *rig) { r.debugfs(client, "t0", false) }, ""},
		"two clients": {silent, func(r *rig) {
			r.debugfs(client, "t0", false)
			r.debugfs(fsid+".client7", "t0", false)
		}, "that needs Linux 5.11"},
		"another's client": {told(), func(r *rig) { r.debugfs(fsid+".client7", "t0", false) }, "no counters of " + client},
		"no counters":      {told(), func(r *rig) { r.file(debugDir+"/"+client+"/metrics", "unheard of\n") }, "counts no reads and writes"},
		"no name": {map[string]string{clusterID: "../..", clientID: "client1"}, func(r *rig) {
			r.debugfs(client, "t0", false)
			r.debugfs(fsid+".client7", "t0", false)
		}, "does not tell which"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, newFUSE(t, tt.xattrs).Point, kernelType, nil)
			tt.prepare(r)
			_, err := r.OwnPerformance()
			if tt.want == "" {
				if !errors.Is(err, volume.ErrNoSample) {
					t.Errorf("%v, want no sample", err)
				}
				return
			}
			if !errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			_, _ = r.OwnPerformance()
			if n := strings.Count(r.log.String(), "level=WARN"); n != 1 {
				t.Errorf("%d warnings:\n%s", n, r.log)
			}
			if p := r.OwnHealth(5 * time.Second).Metadata["performance"]; !strings.Contains(p, tt.want) {
				t.Errorf("health: performance %q", p)
			}
		})
	}
}

// Without the right to look at debugfs there are no figures.
func TestKernelCountersRefused(t *testing.T) {
	r := newRig(t, newFUSE(t, told()).Point, kernelType, nil)
	r.debugfs(client, "t0", false)
	remedies := map[string]string{"not root": "run as root or give CAP_DAC_READ_SEARCH", "gone": "mount debugfs"}
	for name, err := range map[string]error{
		"not root": &os.PathError{Op: "open", Path: "x", Err: os.ErrPermission},
		"gone":     &os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist},
	} {
		if got := r.Backend.(*backend).kernel.explain(err); !errors.Is(got, volume.ErrUnsupported) || !strings.Contains(got.Error(), remedies[name]) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if err := r.Backend.(*backend).kernel.explain(os.ErrClosed); errors.Is(err, volume.ErrUnsupported) {
		t.Error("an odd error is taken for unsupported")
	}
}

// A file of the kernel that does not answer costs its own part, and one thread.
func TestKernelCountersHang(t *testing.T) {
	t.Parallel()
	r := newRig(t, newFUSE(t, told()).Point, kernelType, nil)
	r.debugfs(client, "t0", false)
	latency := filepath.Join(r.dir, debugDir, client, "metrics/latency")
	if err := errors.Join(os.Remove(latency), unix.Mkfifo(latency, 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // lets the one that waits go
		if f, err := os.OpenFile(latency, os.O_RDWR, 0); err == nil {
			_ = f.Close()
		}
	})
	begun := time.Now()
	for range 3 {
		results, err := r.Performance(within(t, 300*time.Millisecond))
		if err != nil || !errors.Is(results["v"].Err, mount.ErrHung) {
			t.Errorf("%v, %v", err, results["v"].Err)
		}
		r.WantHealth(volume.Healthy, "")
	}
	if time.Since(begun) > 5*time.Second {
		t.Error("the answers did not come in time")
	}
}

// However much is in a directory, a part of it is looked at.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	for i := range 9 {
		if err := os.Mkdir(filepath.Join(dir, strconv.Itoa(i)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := outside.Names(dir, 5); len(all) != 5 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := outside.Names(dir, 50); len(all) != 9 || all[0] != "0" || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := outside.Names(t.TempDir(), 50); len(all) != 0 || err != nil {
		t.Errorf("empty: %v, %v", all, err)
	}
	if _, err := outside.Names(dir+"/none", 50); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

// The option names another place.
func TestDebugfsPath(t *testing.T) {
	mounttest.NeedRoot(t)
	elsewhere := t.TempDir()
	r := newRig(t, newFUSE(t, told()).Point, kernelType, map[string]any{"ceph_debugfs_path": elsewhere})
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), elsewhere) {
		t.Errorf("%v", err)
	}
}
