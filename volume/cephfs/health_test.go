package cephfs

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/volumetest"
)

const mnt = "/vfroot/ceph"

// good is a probe that found nothing wrong, of a file system of 1 GiB.
func good(fstype string) probe {
	return probe{
		path: mnt,
		state: mount.State{
			Path: mnt, Real: mnt, Mount: mount.Mount{Point: mnt, FSType: fstype, Source: "ceph-fuse", Options: []string{"rw"}},
			FS: unix.Statfs_t{Frsize: 4 << 20, Blocks: 256, Bfree: 200, Bavail: 200, Files: 7, Ffree: 1<<64 - 1},
		},
		asked: attributes{values: told()},
	}
}

// Every state has its status, and words that say what to do.
func TestHealth(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(p *probe)
		status volume.Status
		info   string
	}{
		"good":             {func(*probe) {}, volume.Healthy, ""},
		"kernel":           {func(p *probe) { p.state.Mount.FSType = kernelType }, volume.Healthy, ""},
		"older ceph-fuse":  {func(p *probe) { p.state.Mount.FSType = otherFuse }, volume.Healthy, ""},
		"not mounted":      {func(p *probe) { p.state.Mount.Point, p.state.Mount.FSType = "/", "ext4" }, volume.Offline, "nothing mounted"},
		"another mount":    {func(p *probe) { p.state.Mount.FSType = "nfs4" }, volume.Offline, "not of type ceph"},
		"statfs hangs":     {func(p *probe) { p.state.Err = fmt.Errorf("no answer: %w", mount.ErrHung) }, volume.Offline, "does not answer"},
		"attribute hangs":  {func(p *probe) { p.err = fmt.Errorf("no answer: %w", mount.ErrHung) }, volume.Offline, "metadata servers and monitors"},
		"lost":             {func(p *probe) { p.state.Err = unix.ENOTCONN }, volume.Offline, "mount it anew"},
		"shut down":        {func(p *probe) { p.err = unix.ESHUTDOWN }, volume.Offline, "was shut out by the cluster, or shut down"},
		"stale":            {func(p *probe) { p.err = unix.ESTALE }, volume.Offline, "stale"},
		"not connected":    {func(p *probe) { p.state.Mount.FSType, p.err = kernelType, unix.ENOTCONN }, volume.Offline, "does not reach its server"},
		"i/o error":        {func(p *probe) { p.err = unix.EIO }, volume.Offline, "answers with errors"},
		"timed out":        {func(p *probe) { p.err = unix.ETIMEDOUT }, volume.Offline, "does not reach its server"},
		"refused":          {func(p *probe) { p.err = unix.EACCES }, volume.Unavailable, "no permission"},
		"odd error":        {func(p *probe) { p.err = unix.EINVAL }, volume.Unavailable, "cannot be looked at"},
		"not told":         {func(p *probe) { delete(p.asked.values, recursiveBytes) }, volume.Unavailable, "does not tell ceph.dir.rbytes"},
		"no number":        {func(p *probe) { p.asked.values[recursiveBytes] = "many" }, volume.Unavailable, "does not tell ceph.dir.rbytes"},
		"slow":             {func(p *probe) { p.asked.took = 1400 * time.Millisecond }, volume.Degraded, "took 1.4s"},
		"not slow":         {func(p *probe) { p.asked.took = 999 * time.Millisecond }, volume.Healthy, ""},
		"read-only":        {func(p *probe) { p.state.Mount.Options = []string{"ro"} }, volume.Degraded, "read-only"},
		"full":             {func(p *probe) { p.state.FS.Bfree, p.state.FS.Bavail = 0, 0 }, volume.Degraded, "is full"},
		"quota nearly":     {func(p *probe) { p.asked.values[quotaBytes] = "4617948836659" }, volume.Degraded, "95 % of the quota of bytes"},
		"quota used up":    {func(p *probe) { p.asked.values[quotaBytes] = "4398046511104" }, volume.Degraded, "quota of bytes is used up"},
		"files nearly":     {func(p *probe) { p.asked.values[quotaFiles] = "1300000" }, volume.Degraded, "96 % of the quota of files"},
		"blocklisted":      {func(p *probe) { p.client = &status{Blocklisted: true} }, volume.Offline, "blocklisted"},
		"so, and hung":     {func(p *probe) { p.client, p.err = &status{Blacklisted: true}, mount.ErrHung }, volume.Offline, "blocklisted"},
		"requests wait":    {func(p *probe) { p.stuck = waiting{3, request{"lookup", 31, 1}} }, volume.Degraded, `requests that wait for an answer: 3, the oldest ("lookup", of metadata server 1) for 31s`},
		"requests, a bit":  {func(p *probe) { p.stuck = waiting{3, request{"lookup", 29, 1}} }, volume.Healthy, ""},
		"hung by requests": {func(p *probe) { p.err, p.stuck = mount.ErrHung, waiting{1, request{"getattr", 2, 0}} }, volume.Offline, "metadata server 0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := good(fuseType)
			tt.change(&p)
			h := p.health(mount.WantOf(volume.Config{Backend: "cephfs"}, true, kernelType, fuseType, otherFuse))
			volumetest.WantHealth(t, h, tt.status, tt.info)
			if strings.Contains(h.Info, "; ;") || strings.HasSuffix(h.Info, "; ") {
				t.Errorf("%q", h.Info)
			}
		})
	}
}

func TestMetadata(t *testing.T) {
	p := good(fuseType)
	p.client = &status{FSName: "fs\xff"}
	p.client.Metadata.Version = strings.Repeat("v", 5000)
	want := map[string]string{
		"mount_point": mnt, "fstype": fuseType, "source": "ceph-fuse", "options": "rw", "fs_options": "", "device": "", "root": "",
		"client": "ceph-fuse", "fsid": fsid, "client_id": "client4150", "quota_max_bytes": "10995116277760",
		"rbytes": "4398046511104", "rfiles": "1200000", "rsubdirs": "50042", "rctime": "2026-01-09T23:06:40Z",
		"ceph_version": strings.Repeat("v", 256), "fs_name": "fs",
	}
	volumetest.Same(t, want, p.health(mount.Want{}).Metadata)
}

// A metadata server that does not answer hangs attributes alone: stat and statfs
// go on, and the volume is offline all the same, at the cost of one thread.
func TestMetadataServerHangs(t *testing.T) {
	t.Parallel()
	fuse := newFUSE(t, told())
	socket := filepath.Join(t.TempDir(), "fuse.asok")
	r := newRig(t, fuse.Point, fuseType, map[string]any{"ceph_admin_socket": socket})
	p := listen(t, socket, map[string]string{"status": statusOf(fuse.Point, 4136), "mds_requests": "{}\n"})
	h := r.WantHealth(volume.Healthy, "")
	if h.Metadata["ceph_version"] == "" || h.Metadata["client"] != "ceph-fuse" {
		t.Errorf("%v", h.Metadata)
	}
	fuse.HangXattrs()
	p.set("mds_requests", `{"request":{"tid":23,"op":"getattr","age":1.088267466,"mds":0}}`)
	begun := time.Now()
	h = r.OwnHealth(400 * time.Millisecond)
	volumetest.WantHealth(t, h, volume.Offline, "the oldest (\"getattr\", of metadata server 0) for 1s")
	if time.Since(begun) > 5*time.Second {
		t.Error("the answer did not come in time")
	}
	goroutines := runtime.NumGoroutine()
	for range 100 {
		if h := r.OwnHealth(time.Second); h.Status != volume.Offline {
			t.Fatalf("hung: %+v", h)
		}
		if _, err := r.OwnUsage(); !errors.Is(err, mount.ErrHung) {
			t.Fatalf("usage: %v", err)
		}
	}
	if n := fuse.Waiting(); n != 1 {
		t.Errorf("%d requests wait in the kernel", n)
	}
	if more := runtime.NumGoroutine() - goroutines; more > 20 { // of other tests, and of the socket
		t.Errorf("%d more goroutines", more)
	}
	fuse.Resume()
	for deadline := time.Now().Add(10 * time.Second); r.OwnHealth(time.Second).Status != volume.Healthy; {
		if time.Now().After(deadline) {
			t.Fatal("the mount answers again, and nobody noticed")
		}
	}
}

// What the mount says of itself decides, whoever asks.
func TestMount(t *testing.T) {
	t.Parallel()
	fuse := newFUSE(t, told())
	r := newRig(t, fuse.Point, kernelType, nil)
	r.WantHealth(volume.Healthy, "")
	fuse.RefuseXattrs(unix.EACCES)
	r.WantHealth(volume.Unavailable, "no permission")
	if _, err := r.OwnUsage(); !errors.Is(err, unix.EACCES) {
		t.Errorf("usage: %v", err)
	}
	fuse.RefuseXattrs(unix.ESHUTDOWN)
	r.WantHealth(volume.Offline, "mount it anew")
	fuse.RefuseXattrs(unix.EOPNOTSUPP)
	r.WantHealth(volume.Unavailable, "does not tell")
	fuse.RefuseXattrs(0)
	r.WantHealth(volume.Healthy, "")

	asked := fuse.Asked()
	r.mounts("xfs")
	r.WantHealth(volume.Offline, "not of type ceph")
	if _, err := r.OwnPerformance(); !errors.Is(err, mount.ErrNotMounted) {
		t.Errorf("performance: %v", err)
	}
	if _, err := r.OwnUsage(); !errors.Is(err, mount.ErrNotMounted) {
		t.Errorf("usage: %v", err)
	}
	if more := fuse.Asked() - asked; more > 4 { // stat and statfs, twice
		t.Errorf("a mount of another type is asked %d times", more)
	}
	if strings.Contains(r.log.String(), "level=WARN") && !strings.Contains(r.log.String(), "debugfs") {
		t.Errorf("log:\n%s", r.log)
	}
	r.mounts(kernelType)
	fuse.Die(t)
	r.WantHealth(volume.Offline, "does not reach its server")
	r.mounts(fuseType)
	r.WantHealth(volume.Offline, "mount it anew")
}

// We stop: that says nothing about the volume.
func TestCancel(t *testing.T) {
	t.Parallel()
	fuse := newFUSE(t, told())
	r := newRig(t, fuse.Point, fuseType, nil)
	r.sockets()
	fuse.HangXattrs()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = r.Health(ctx)
	}()
	for deadline := time.Now().Add(10 * time.Second); fuse.Waiting() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it is not asked")
		}
	}
	cancel()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end when it is cancelled")
	}
}
