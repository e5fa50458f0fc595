package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A real CephFS under load reports what is done on it; when its metadata server or
// its monitor stands still the volume is offline, and only that one.
func TestCephFS(t *testing.T) {
	t.Parallel()
	cluster := startCeph(t)
	file := writeFile(t, "c.toml", fmt.Sprintf(`
[volumes]
performance_interval = "1s"
health_check_interval = "2s"
usage_interval = "2s"

[volume.ceph]
backend = "cephfs"
path = %q
[volume.ceph.options]
ceph_admin_socket = %q

[volume.other]
backend = "vfs"
path = %q
`, cluster.Point, cluster.Socket, t.TempDir()))
	in := start(t, "--config.file="+file, noSmartctl, "--no-collector.enclosures", "--no-collector.zfs")
	r := cephRig{in}
	in.await("healthy", func() bool { return r.status("ceph") == "healthy" && r.status("other") == "healthy" })
	facts := r.health("ceph").Metadata
	if facts["client"] != "ceph-fuse" || facts["fs_name"] != "fs" || len(facts["fsid"]) != 36 || !strings.HasPrefix(facts["client_id"], "client") {
		t.Errorf("metadata: %v", facts)
	}
	r.load(t, cluster.Point)
	r.usage(t, cluster.Point)

	for _, part := range []struct {
		name   string
		daemon *cephDaemon
	}{
		{"metadata server", cluster.MDS},
		{"monitor", cluster.Monitor},
	} {
		t.Run(part.name, func(t *testing.T) { r.standsStill(t, part.daemon) })
	}

	cluster.Fuse.Kill()
	in.await("offline without ceph-fuse", func() bool {
		h := r.health("ceph")
		return h.Status == "offline" && strings.Contains(h.Info, "mount it anew")
	})
	if s := r.status("other"); s != "healthy" {
		t.Errorf("the other volume is %s", s)
	}
}

type cephRig struct{ in *instance }

type volumeHealth struct {
	Status   string            `json:"status"`
	Info     string            `json:"status_info"`
	Metadata map[string]string `json:"metadata"`
}

func (r cephRig) health(volume string) volumeHealth {
	r.in.t.Helper()
	_, _, body := r.in.get("/volume/hwinfo?volume=" + volume)
	var h volumeHealth
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		r.in.t.Fatalf("%v: %s", err, body)
	}
	return h
}

func (r cephRig) status(volume string) string { return r.health(volume).Status }

// figure is a series of a volume as it is shown, "" when it is not.
func (r cephRig) figure(name, volume string) string {
	r.in.t.Helper()
	return value(r.in.scrape(), "backendai_storage_volume_"+name+`{volume="`+volume+`"}`)
}

// load does what the figures of performance must show.
func (r cephRig) load(t *testing.T, dir string) {
	t.Helper()
	shown := func(name string) bool {
		n, err := strconv.ParseFloat(r.figure(name, "ceph"), 64)
		return err == nil && n > 0
	}
	r.in.await("figures of the load", func() bool {
		if err := writeAndRead(filepath.Join(dir, "load")); err != nil {
			t.Fatal(err)
		}
		return shown("iops_read") && shown("iops_write") && shown("latency_usec_read") && shown("latency_usec_write") &&
			shown("throughput_bytes_write")
	})
	if v := r.figure("throughput_bytes_read", "ceph"); v != "" {
		t.Errorf("ceph-fuse counts no bytes read, %s a second are shown", v)
	}
}

// writeAndRead writes a file through to the cluster and reads it back from there.
func writeAndRead(name string) error {
	block := make([]byte, 1<<20)
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|unix.O_DIRECT, 0o600)
	if err != nil {
		return err
	}
	_, err1 := file.WriteAt(block, 0)
	err2 := file.Sync()
	_, err3 := file.ReadAt(block, 0)
	return errors.Join(err1, err2, err3, file.Close())
}

// usage sets a quota, which is what the volume may hold from then on.
func (r cephRig) usage(t *testing.T, dir string) {
	t.Helper()
	number := func(name string) float64 {
		n, err := strconv.ParseFloat(r.figure(name, "ceph"), 64)
		if err != nil {
			return -1
		}
		return n
	}
	r.in.await("its size", func() bool { return number("capacity_bytes") > 0 })
	if capacity, available := number("capacity_bytes"), number("available_bytes"); capacity < 512<<20 || available > capacity {
		t.Errorf("%v bytes of %v are available", available, capacity)
	}
	if inodes := r.figure("inodes", "ceph"); inodes != "" {
		t.Errorf("%s inodes: CephFS has no fixed number", inodes)
	}
	for name, value := range map[string]string{"ceph.quota.max_bytes": "67108864", "ceph.quota.max_files": "1000"} {
		if err := unix.Setxattr(dir, name, []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	r.in.await("the quota", func() bool {
		return r.figure("inodes", "ceph") == "1000" && number("capacity_bytes") == 64<<20 && number("used_bytes") == 1<<20 && number("available_bytes") == 63<<20
	})
}

// standsStill stops a part of the cluster and lets it go on.
func (r cephRig) standsStill(t *testing.T, daemon *cephDaemon) {
	checked := func(volume string) time.Time {
		seconds, err := strconv.ParseFloat(r.figure("health_last_checked_timestamp_seconds", volume), 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.UnixMilli(int64(seconds * 1000))
	}
	daemon.Stop()
	stopped := time.Now()
	r.in.await("offline", func() bool {
		at, h := checked("ceph"), r.health("ceph")
		if h.Status == "healthy" && at.Sub(stopped) > time.Second {
			t.Fatalf("it was checked %v after the stop, and found healthy", at.Sub(stopped))
		}
		return h.Status == "offline"
	})
	if h := r.health("ceph"); !strings.Contains(h.Info, "does not answer") {
		t.Errorf("%q", h.Info)
	}
	offline := time.Now()
	r.in.await("another check of the other volume", func() bool { return checked("other").After(offline) })
	if s := r.status("other"); s != "healthy" {
		t.Errorf("the other volume is %s", s)
	}
	if r.figure("iops_read", "ceph") == "" {
		t.Error("ceph-fuse still counts, and nothing is shown")
	}
	daemon.Continue()
	r.in.await("healthy again", func() bool { return r.status("ceph") == "healthy" })
}
