package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/internal/needtest"
)

// cephStartTimeout bounds how long the whole cluster may take to come up.
const cephStartTimeout = 60 * time.Second

// cephCluster is a real CephFS on this machine: a monitor, a manager, an OSD in memory,
// a metadata server, and ceph-fuse with the mount. It goes with the test.
type cephCluster struct {
	Point  string // where it is mounted
	Socket string // the admin socket of ceph-fuse
	// MDS, Monitor and Fuse may be stopped and continued. They all end with the
	// test, ceph-fuse first: then every call that hangs on the mount returns, and
	// it can be unmounted. An unmount before that hangs for good.
	MDS, Monitor, Fuse *cephDaemon

	tb   testing.TB
	dir  string
	fsid string
}

// startCeph brings a cluster up. It takes some seconds.
func startCeph(tb testing.TB) *cephCluster {
	tb.Helper()
	requireCeph(tb)
	dir := tb.TempDir()
	c := &cephCluster{Point: filepath.Join(dir, "mnt"), Socket: filepath.Join(dir, "run", "fuse.asok"), tb: tb, dir: dir, fsid: uuid(tb)}
	for _, sub := range []string{"run", "log", "mon", "mgr", "osd", "mds", "mnt"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	c.configure()
	ctx, cancel := context.WithTimeout(context.Background(), cephStartTimeout)
	defer cancel()
	c.run(ctx, "ceph-mon", "-i", "a", "--mkfs")
	c.Monitor = c.daemon("ceph-mon", "-i", "a")
	c.daemon("ceph-mgr", "-i", "x")
	osd := uuid(tb)
	c.run(ctx, "ceph", "osd", "new", osd)
	c.run(ctx, "ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
	c.daemon("ceph-osd", "-i", "0")
	c.run(ctx, "ceph", "osd", "pool", "create", "m", "8")
	c.run(ctx, "ceph", "osd", "pool", "create", "d", "8")
	c.run(ctx, "ceph", "fs", "new", "fs", "m", "d")
	c.MDS = c.daemon("ceph-mds", "-i", "a")
	c.until(ctx, "the metadata server is active", func() bool {
		return strings.Contains(c.run(ctx, "ceph", "mds", "stat"), "up:active")
	})
	c.mount(ctx)
	return c
}

// requireCeph skips the test where it cannot run, unless the environment says that
// all parts must be there.
func requireCeph(tb testing.TB) {
	tb.Helper()
	why := ""
	for _, program := range []string{"ceph", "ceph-mon", "ceph-mgr", "ceph-osd", "ceph-mds", "ceph-fuse"} {
		if _, err := exec.LookPath(program); err != nil {
			why = program + " is not installed: apt-get install --no-install-recommends ceph-mon ceph-mgr ceph-osd ceph-mds ceph-fuse ceph-common"
		}
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		why = "there is no /dev/fuse: " + err.Error()
	}
	if os.Geteuid() != 0 {
		why = "mounting needs root"
	}
	if why != "" {
		needtest.Skip(tb, why)
	}
}

func (c *cephCluster) configure() {
	const template = `[global]
fsid = FSID
mon_host = [v2:127.0.0.1:PORT2,v1:127.0.0.1:PORT1]
public_network = 127.0.0.1/32
cluster_network = 127.0.0.1/32
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
auth_allow_insecure_global_id_reclaim = false
run_dir = DIR/run
log_file = DIR/log/$name.log
crash_dir = DIR/log
mon_cluster_log_file = DIR/log/cluster.log
mon_data = DIR/mon
mgr_data = DIR/mgr
osd_data = DIR/osd
mds_data = DIR/mds
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_data_avail_warn = 1
mon_data_avail_crit = 0
mgr_initial_modules =
[mon]
public_addrv = [v2:127.0.0.1:PORT2,v1:127.0.0.1:PORT1]
`
	ports := freePortPair(c.tb)
	content := strings.NewReplacer("FSID", c.fsid, "DIR", c.dir, "PORT1", ports[0], "PORT2", ports[1]).Replace(template)
	if err := os.WriteFile(c.conf(), []byte(content), 0o600); err != nil {
		c.tb.Fatal(err)
	}
}

func (c *cephCluster) conf() string { return filepath.Join(c.dir, "ceph.conf") }

// mount starts ceph-fuse and waits for its mount.
func (c *cephCluster) mount(ctx context.Context) {
	c.tb.Helper()
	c.Fuse = c.daemon("ceph-fuse", c.Point, "--admin-socket", c.Socket)
	c.tb.Cleanup(c.unmountAfterwards())
	c.until(ctx, "ceph-fuse has mounted", c.mounted)
}

// unmountAfterwards starts a shell that unmounts as soon as it hears nothing more
// from us, be it that the test crashed. The function that it returns does so in
// order: once ceph-fuse is dead nothing hangs.
func (c *cephCluster) unmountAfterwards() func() {
	c.tb.Helper()
	cmd := exec.Command("sh", "-c", `read -r end; umount --lazy --no-canonicalize "$0"`, c.Point)
	alive, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.tb.Fatal(err)
	}
	return func() {
		c.Fuse.Kill()
		_ = alive.Close()
		_ = cmd.Wait() // it fails where nothing was mounted
		if c.mounted() {
			c.tb.Errorf("%s is still mounted", c.Point)
		}
	}
}

// mounted reads the table of mounts, which never touches one.
func (c *cephCluster) mounted() bool {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		c.tb.Fatal(err)
	}
	return strings.Contains(string(table), " "+c.Point+" ")
}

// run runs a program of Ceph to its end.
func (c *cephCluster) run(ctx context.Context, name string, args ...string) string {
	c.tb.Helper()
	cmd := exec.CommandContext(ctx, name, append([]string{"--conf", c.conf()}, args...)...)
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (c *cephCluster) until(ctx context.Context, what string, ok func() bool) {
	c.tb.Helper()
	for !ok() {
		select {
		case <-ctx.Done():
			c.tb.Fatalf("not within %v: %s\n%s", cephStartTimeout, what, c.Logs())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Logs are the ends of the daemons' logs.
func (c *cephCluster) Logs() string {
	names, err := filepath.Glob(filepath.Join(c.dir, "log", "*"))
	if err != nil {
		return err.Error()
	}
	var logs strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(name)
		fmt.Fprintf(&logs, "%s: %v\n%s\n", filepath.Base(name), err, content[max(0, len(content)-2000):])
	}
	return logs.String()
}

func uuid(tb testing.TB) string {
	content, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// freePortPair is two that nobody listens on.
func freePortPair(tb testing.TB) [2]string {
	var ports [2]string
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer l.Close()
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return ports
}
