package local

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/mount/mounttest"
	"storage_exporter/volume/rates"
	"storage_exporter/volume/volumetest"
)

// rig is one volume "v" on a Backend.
type rig struct{ volumetest.One }

func newRig(t testing.TB, kind volume.Kind, cfg volume.Config) rig {
	t.Helper()
	cfg.Name, cfg.PerformanceInterval = "v", 10*time.Second
	return rig{volumetest.One{T: t, Backend: volumetest.Open[volume.Backend](t, kind, cfg)}}
}

func (r rig) health() volume.Health { return r.OwnHealth(5 * time.Second) }

func newHost() *mount.Host { return mount.NewHost(mount.Paths{}, nil) }

var kinds = map[string]func(*mount.Host) volume.Kind{"xfs": XFS, "ext4": VFS, "btrfs": VFS}

// Real requests to a real file system make real rates.
func TestFileSystems(t *testing.T) {
	for fstype, kind := range kinds {
		t.Run(fstype, func(t *testing.T) {
			t.Parallel()
			point := loop(t, fstype)
			r := newRig(t, kind(newHost()), volume.Config{Backend: fstype, Path: point})
			if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
				t.Fatalf("the first reading: %v, want no sample", err)
			}
			r.WantHealth(volume.Healthy, "")
			facts := r.health().Metadata
			if facts["mount_point"] != point || facts["fstype"] != fstype || !strings.HasPrefix(facts["device"], "loop") {
				t.Errorf("metadata: %v", facts)
			}
			usage, err := r.OwnUsage()
			if err != nil || *usage.CapacityBytes < 32<<20 || *usage.AvailableBytes > *usage.CapacityBytes || *usage.UsedBytes > *usage.CapacityBytes {
				t.Errorf("usage: %+v, %v", usage, err)
			}
			if has := usage.Inodes != nil; has != (fstype != "btrfs") {
				t.Errorf("inodes are told: %v", has)
			}
			for deadline := time.Now().Add(20 * time.Second); ; {
				writeAndRead(t, point)
				rates, err := r.OwnPerformance()
				if err == nil && complete(rates) {
					if *rates.BytesWrite < 1<<20/20 {
						t.Errorf("%v bytes written a second", *rates.BytesWrite)
					}
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("no complete rates: %+v, %v", rates, err)
				}
			}
		})
	}
}

func complete(p volume.Performance) bool {
	for _, f := range []*float64{p.IOPSRead, p.IOPSWrite, p.BytesRead, p.BytesWrite, p.LatencyReadUsec, p.LatencyWriteUsec} {
		if f == nil || *f <= 0 {
			return false
		}
	}
	return true
}

// Of several btrfs on a host each has its own figures, whatever the source of its
// mount says: here it names no device, or that of a subvolume does.
func TestBtrfsSource(t *testing.T) {
	t.Parallel()
	one, other := loop(t, "btrfs"), loop(t, "btrfs")
	host := newHost()
	device := newRig(t, VFS(host), volume.Config{Path: one}).health().Metadata["device"]
	var info unix.Stat_t
	if err := unix.Stat("/dev/"+device, &info); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	nameless, sub := filepath.Join(dir, "nameless"), filepath.Join(dir, "sub")
	for _, point := range []string{nameless, sub} {
		if err := os.Mkdir(point, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	node := filepath.Join(dir, "node")
	if err := unix.Mknod(node, unix.S_IFBLK|0o600, int(info.Rdev)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("btrfs", "subvolume", "create", filepath.Join(other, "v")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mountAt(t, nameless, "-t", "btrfs", node)
	mountAt(t, sub, "-t", "btrfs", "-o", "subvol=v", newRig(t, VFS(host), volume.Config{Path: other}).health().Metadata["source"])
	if err := os.Remove(node); err != nil {
		t.Fatal(err)
	}
	var rigs []rig
	for i, point := range []string{one, nameless, other, sub} {
		r := newRig(t, VFS(host), volume.Config{Path: point})
		if facts := r.health().Metadata; (facts["device"] == device) != (i < 2) || !strings.HasPrefix(facts["device"], "loop") {
			t.Errorf("%s: %v", point, facts)
		}
		if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
			t.Errorf("%s: %v", point, err)
		}
		rigs = append(rigs, r)
	}
	writeAndRead(t, nameless)
	time.Sleep(rates.MinWindow)
	for i, r := range rigs {
		p, err := r.OwnPerformance()
		if err != nil {
			t.Fatal(err)
		}
		if wrote := *p.BytesWrite > 1<<20; wrote != (i < 2) {
			t.Errorf("%d: %v bytes written a second", i, *p.BytesWrite)
		}
	}
}

// A btrfs that lacks a device serves, with the figures of the one that it has.
func TestBtrfsLacks(t *testing.T) {
	t.Parallel()
	point := mirror(t)
	r := newRig(t, VFS(newHost()), volume.Config{Path: point})
	r.WantHealth(volume.Degraded, "the btrfs at "+point+" lacks 1 of its 2 devices")
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("performance: %v", err)
	}
}

func TestReadOnlyRemount(t *testing.T) {
	t.Parallel()
	point := loop(t, "ext4")
	r := newRig(t, VFS(newHost()), volume.Config{Path: point})
	expected := newRig(t, VFS(newHost()), volume.Config{Path: point, ReadOnly: true})
	r.WantHealth(volume.Healthy, "")
	if h := r.health(); h.ReadOnly == nil || *h.ReadOnly {
		t.Error("it is writable")
	}
	remount(t, point, "ro")
	r.WantHealth(volume.Degraded, "read-only")
	expected.WantHealth(volume.Healthy, "")
	if h := r.health(); h.ReadOnly == nil || !*h.ReadOnly {
		t.Error("it is read-only")
	}
	remount(t, point, "rw")
	r.WantHealth(volume.Healthy, "")
}

func TestUnmountWhileRunning(t *testing.T) {
	t.Parallel()
	point, image := loopImage(t, "xfs")
	sub := filepath.Join(point, "volume")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	host := newHost()
	strict := newRig(t, XFS(host), volume.Config{Path: point})
	loose := newRig(t, VFS(host), volume.Config{Path: point})
	below := newRig(t, XFS(host), volume.Config{Path: sub})
	for _, r := range []rig{strict, loose, below} {
		r.WantHealth(volume.Healthy, "")
		if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
			t.Errorf("performance: %v", err)
		}
	}
	unmount(t, point)
	strict.WantHealth(volume.Offline, "nothing mounted")
	below.WantHealth(volume.Offline, "does not exist")
	loose.WantHealth(volume.Offline, "is gone") // although the directory is still there
	for _, r := range []rig{strict, loose, below} {
		if _, err := r.OwnPerformance(); !errors.Is(err, mount.ErrNotMounted) {
			t.Errorf("performance of the disk below: %v", err)
		}
		if _, err := r.OwnUsage(); !errors.Is(err, mount.ErrNotMounted) {
			t.Errorf("usage of the disk below: %v", err)
		}
		if facts := r.health().Metadata; len(facts) > 0 {
			t.Errorf("what is not mounted is %v", facts)
		}
	}
	mountAt(t, point, "-t", "xfs", "-o", "loop", image)
	for _, r := range []rig{strict, loose, below} {
		r.WantHealth(volume.Healthy, "")
	}
	unmount(t, point)
	loose.WantHealth(volume.Offline, "is gone")
	host.Forget()
	loose.WantHealth(volume.Healthy, "")
	strict.WantHealth(volume.Offline, "nothing mounted")
}

func TestBindAndOverMount(t *testing.T) {
	t.Parallel()
	point := loop(t, "ext4")
	bind := filepath.Join(t.TempDir(), "bind")
	if err := os.Mkdir(bind, 0o755); err != nil {
		t.Fatal(err)
	}
	mountAt(t, bind, "--bind", point)
	r := newRig(t, VFS(newHost()), volume.Config{Path: bind, RequireMount: new(true)})
	r.WantHealth(volume.Healthy, "")
	if got, want := r.health().Metadata["device"], newRig(t, VFS(newHost()), volume.Config{Path: point}).health().Metadata["device"]; got != want {
		t.Errorf("a bind mount is on %s, its file system on %s", got, want)
	}
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("performance: %v", err)
	}
	mountAt(t, bind, "-t", "tmpfs", "none")
	if got := r.health().Metadata["fstype"]; got != "tmpfs" {
		t.Errorf("over-mounted, it is on %s", got)
	}
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrUnsupported) {
		t.Errorf("performance of a tmpfs: %v, want unsupported", err)
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"link": dir, "relative": "../" + filepath.Base(dir), "circle": "circle", "dangling": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		path   string
		kind   func(*mount.Host) volume.Kind
		status volume.Status
		info   string
	}{
		{dir, VFS, volume.Healthy, ""},
		{dir + "/link", VFS, volume.Healthy, ""},
		{dir + "/relative/link/", VFS, volume.Healthy, ""},
		{dir + "/missing", VFS, volume.Offline, "does not exist"},
		{dir + "/dangling", VFS, volume.Offline, "does not exist"},
		{file, VFS, volume.Offline, "not a directory"},
		{file + "/x", VFS, volume.Offline, "not a directory"},
		{dir + "/circle", VFS, volume.Unavailable, "links"},
		{"/proc", XFS, volume.Offline, "not of type xfs"},
		{"/proc", NFS, volume.Offline, "not of type nfs or nfs4"},
	}
	for _, tt := range tests {
		t.Run(strings.TrimPrefix(tt.path, dir)+" "+string(tt.status), func(t *testing.T) {
			r := newRig(t, tt.kind(newHost()), volume.Config{Path: tt.path})
			h := r.health()
			if tt.status == volume.Healthy && h.Status == volume.Degraded {
				t.Skip("skipped: this machine's disk is nearly full")
			}
			r.WantHealth(tt.status, tt.info)
			_, perf := r.OwnPerformance()
			_, usage := r.OwnUsage()
			if tt.status != volume.Healthy && (perf == nil || errors.Is(perf, volume.ErrNoSample) || usage == nil) {
				// A file is on a disk that can be measured, but it is no volume.
				if tt.path != file {
					t.Errorf("performance: %v, usage: %v", perf, usage)
				}
			}
		})
	}
}

func TestIdentify(t *testing.T) {
	for path, ok := range map[string]bool{"": false, "a/b": false, "/a/b": true} {
		if _, err := VFS(nil).Identify(volume.Config{Path: path}); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
	a, _ := VFS(nil).Identify(volume.Config{Path: "/a/b/"})
	b, _ := VFS(nil).Identify(volume.Config{Path: "/a/./b"})
	if a != b {
		t.Errorf("%+v and %+v are one path", a, b)
	}
}

// A mount that hangs costs one thread, however often it is asked, and nobody
// else anything.
func TestHungMount(t *testing.T) {
	fuse := mounttest.NewFUSE(t)
	var hung atomic.Int64
	host := mount.NewHost(mount.Paths{}, func(delta int) { hung.Add(int64(delta)) })
	r := newRig(t, VFS(host), volume.Config{Path: fuse.Point, RequireMount: new(true)})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(fuse.Point, link); err != nil {
		t.Fatal(err)
	}
	same := newRig(t, VFS(host), volume.Config{Path: link})
	below := newRig(t, VFS(host), volume.Config{Path: fuse.Point + "/sub"})
	other := newRig(t, VFS(host), volume.Config{Path: t.TempDir()})

	below.WantHealth(volume.Healthy, "")
	r.WantHealth(volume.Healthy, "")
	same.WantHealth(volume.Healthy, "")
	usage, err := r.OwnUsage()
	if err != nil || *usage.CapacityBytes != 1000*4096 || *usage.UsedBytes != 400*4096 || *usage.AvailableBytes != 500*4096 || *usage.InodesUsed != 60 {
		t.Errorf("usage: %+v, %v", usage, err)
	}
	asked := fuse.Asked()
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrUnsupported) {
		t.Errorf("performance: %v, want unsupported", err)
	}
	if fuse.Asked() != asked {
		t.Error("performance touches the mount")
	}

	fuse.Hang()
	begun := time.Now()
	h := r.OwnHealth(200 * time.Millisecond)
	if h.Status != volume.Offline || !strings.Contains(h.Info, "does not answer") || h.Metadata["mount_point"] != fuse.Point {
		t.Errorf("hung: %+v", h)
	}
	if time.Since(begun) > 5*time.Second {
		t.Error("the answer did not come in time")
	}
	goroutines, threads := runtime.NumGoroutine(), countThreads(t)
	for range 300 {
		for _, r := range []rig{r, same, below} {
			if h := r.OwnHealth(time.Second); h.Status != volume.Offline {
				t.Fatalf("hung: %+v", h)
			}
			if _, err := r.OwnUsage(); !errors.Is(err, mount.ErrHung) {
				t.Fatalf("usage: %v", err)
			}
			// The mount is known although it hangs, and with it its counters.
			if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrUnsupported) {
				t.Fatalf("performance: %v", err)
			}
		}
		if _, err := other.OwnUsage(); err != nil {
			t.Fatalf("another volume: %v", err)
		}
	}
	if n := fuse.Waiting(); n != 1 || hung.Load() != 1 {
		t.Errorf("%d requests wait in the kernel, %d are counted", n, hung.Load())
	}
	if more := runtime.NumGoroutine() - goroutines; more > 1 {
		t.Errorf("%d more goroutines", more)
	}
	if more := countThreads(t) - threads; more > 4 { // the runtime's own vary
		t.Errorf("%d more threads", more)
	}

	fuse.Resume()
	for deadline := time.Now().Add(10 * time.Second); r.health().Status != volume.Healthy; {
		if time.Now().After(deadline) {
			t.Fatal("the mount answers again, and nobody noticed")
		}
		runtime.Gosched()
	}
	if hung.Load() != 0 {
		t.Errorf("%d calls still count as hung", hung.Load())
	}
}

func countThreads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}

// The process of a FUSE file system dies: the mount answers, with an error.
func TestLostMount(t *testing.T) {
	fuse := mounttest.NewFUSE(t)
	r := newRig(t, VFS(newHost()), volume.Config{Path: fuse.Point})
	r.WantHealth(volume.Healthy, "")
	fuse.Die(t)
	r.WantHealth(volume.Offline, "mount it anew")
}

// Looking leaves no trace: a volume is never written to.
func TestNothingIsWritten(t *testing.T) {
	dir := t.TempDir()
	var before, after unix.Stat_t
	if err := unix.Stat(dir, &before); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, VFS(newHost()), volume.Config{Path: dir})
	r.health()
	_, _ = r.OwnUsage()
	_, _ = r.OwnPerformance()
	if err := unix.Stat(dir, &after); err != nil {
		t.Fatal(err)
	}
	if before.Mtim != after.Mtim || before.Ctim != after.Ctim {
		t.Error("the volume's directory was changed")
	}
}

func BenchmarkRefresh(b *testing.B) {
	r := newRig(b, VFS(newHost()), volume.Config{Path: b.TempDir()})
	ctx := context.Background()
	for b.Loop() {
		_, _ = r.Performance(ctx)
		_, _ = r.Health(ctx)
		_, _ = r.Usage(ctx)
	}
}
