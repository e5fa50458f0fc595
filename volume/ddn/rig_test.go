package ddn

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/mount/mounttest"
	"storage_exporter/volume/volumetest"
)

const mountID = "ff47bce9ca35d800"

// rig is a host with a Lustre client that is made of files, and one volume "v" on it.
type rig struct {
	volumetest.One
	t     testing.TB
	root  string
	point string // a real directory, for statfs
	log   bytes.Buffer
	host  *mount.Host
}

// newRig makes a host with the file system exa1, of two OSTs and one MDT, as
// Lustre 2.15 shows it to root.
func newRig(t testing.TB, cfg volume.Config) *rig {
	t.Helper()
	r := &rig{One: volumetest.One{T: t}, t: t, root: t.TempDir(), point: mounttest.Roomy(t)}
	r.mounts("rw,flock,lazystatfs")
	r.stats(mountID, sample(t, "t0_llite_stats_2.15.txt"))
	for i := range 2 {
		r.state(fmt.Sprintf("exa1-OST%04x", i), "FULL")
	}
	r.state("exa1-MDT0000", "FULL")
	r.file("sys/fs/lustre/health_check", sample(t, "health_check.txt"))
	r.file("sys/fs/lustre/version", "2.15.3_ddn\n")
	r.open(cfg)
	return r
}

func (r *rig) open(cfg volume.Config) {
	r.t.Helper()
	cfg.Name, cfg.Backend, cfg.PerformanceInterval = "v", "exascaler", 10*time.Second
	if cfg.Path == "" {
		cfg.Path = r.point
	}
	r.host = mount.NewHost(mount.Paths{Proc: filepath.Join(r.root, "proc"), Sys: filepath.Join(r.root, "sys")}, nil)
	kind := EXAScaler(r.host)
	if _, err := kind.Identify(cfg); err != nil {
		r.t.Fatal(err)
	}
	b, err := kind.New([]volume.Config{cfg}, slog.New(slog.NewTextHandler(&r.log, nil)))
	if err != nil {
		r.t.Fatal(err)
	}
	r.Backend = b
}

func (r *rig) file(name, content string) {
	r.t.Helper()
	name = filepath.Join(r.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) remove(name string) {
	r.t.Helper()
	if err := os.RemoveAll(filepath.Join(r.root, name)); err != nil {
		r.t.Fatal(err)
	}
}

// mounts makes the table of mounts, with Lustre at the volume's path.
func (r *rig) mounts(super string) {
	r.table("28 1 8:1 / / rw - ext4 /dev/sda1 rw",
		"701 28 0:61 / "+r.point+" rw,relatime shared:401 - lustre 172.16.0.1@o2ib:172.16.0.2@o2ib:/exa1 "+super)
}

func (r *rig) table(lines ...string) {
	r.file("proc/self/mountinfo", strings.Join(lines, "\n")+"\n")
}

func (r *rig) stats(id, content string) {
	r.file("sys/kernel/debug/lustre/llite/exa1-"+id+"/stats", content)
}

// dir is where debugfs has the connection to a target.
func dir(target string) string {
	kind := "osc"
	if strings.Contains(target, "-MDT") {
		kind = "mdc"
	}
	return fmt.Sprintf("%s/%s-%s-%s", kind, target, kind, mountID)
}

// state makes a connection that has been in a state since before the grace.
func (r *rig) state(target, state string) { r.since(target, state, time.Now().Add(-time.Hour)) }

func (r *rig) since(target, state string, at time.Time) {
	r.file("sys/kernel/debug/lustre/"+dir(target)+"/state", fmt.Sprintf(
		"current_state: %s\nstate_history:\n - [ 1700000001, CONNECTING ]\n - [ 1700000002, FULL ]\n - [ %d, %s ]\n", state, at.Unix(), state))
}

// room is what sysfs says of an OST, in KiB.
func (r *rig) room(target, total, avail string) {
	r.file("sys/fs/lustre/"+dir(target)+"/kbytestotal", total+"\n")
	r.file("sys/fs/lustre/"+dir(target)+"/kbytesavail", avail+"\n")
}
