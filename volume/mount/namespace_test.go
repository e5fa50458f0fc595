package mount

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"storage_exporter/block/blocktest"
	"storage_exporter/volume/mount/mounttest"
)

const hostTable = `21 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
30 21 8:1 / /boot rw,relatime shared:2 - vfat /dev/sda1 rw
31 21 8:2 /srv/a /bound rw,relatime shared:3 - ext4 /dev/sda2 rw
32 21 8:3 / /data ro,relatime shared:4 - xfs /dev/sdb ro
33 21 0:50 / /auto rw - autofs systemd-1 rw
34 33 0:51 / /auto rw - nfs4 nas:/e rw
35 21 8:4 / /late rw - xfs /dev/sdc rw
36 21 0:25 /@ /btr rw - btrfs /dev/sdd rw
`

// What is mounted for our eyes only says nothing about the host; what is mounted
// for us in another place is what our calls reach.
func TestOutside(t *testing.T) {
	const sandbox = `121 100 8:2 / / ro,nosuid,relatime master:1 - ext4 /dev/sda2 rw
130 121 8:1 / /boot ro,nosuid,relatime master:2 - vfat /dev/sda1 rw
131 121 8:2 /srv/a /bound ro,relatime master:3 - ext4 /dev/sda2 rw
132 121 8:3 / /data ro,relatime master:4 - xfs /dev/sdb ro
133 121 0:50 / /auto rw - autofs systemd-1 rw
134 133 0:51 / /auto ro - nfs4 nas:/e rw
136 121 0:25 /@ /btr ro - btrfs /dev/sdd rw
140 121 8:2 /usr /usr ro,relatime master:1 - ext4 /dev/sda2 rw
141 121 8:2 /var/lib/storage_exporter /var/lib/storage_exporter rw,relatime master:1 - ext4 /dev/sda2 rw
142 136 0:25 /@/sub /btr/sub ro - btrfs /dev/sdd rw
143 121 0:60 / /home ro - tmpfs tmpfs ro
144 121 8:2 /tmp/private /tmp rw - ext4 /dev/sda2 rw
`
	const container = "1 0 0:70 / / rw - overlay overlay rw\n2 1 8:3 / /data ro - xfs /dev/sdb rw\n"
	const below = "1 0 8:2 /var/lib/machines/m / ro - ext4 /dev/sda2 rw\n"
	const elsewhere = "1 0 8:2 / /x ro - ext4 /dev/sda2 rw\n"
	type seen struct {
		point, fstype string
		readOnly      bool
	}
	for name, tt := range map[string]struct {
		own  string
		want map[string]seen // by path
	}{
		"a unit that may not write": {sandbox, map[string]seen{
			"/":                         {"/", "ext4", false},
			"/usr/share":                {"/", "ext4", false},
			"/var/lib/storage_exporter": {"/", "ext4", false},
			"/boot":                     {"/boot", "vfat", false},
			"/bound/x":                  {"/bound", "ext4", false},
			"/data":                     {"/data", "xfs", true}, // the host has it so
			"/auto/x":                   {"/auto", "nfs4", false},
			"/btr/sub/x":                {"/btr", "btrfs", false},
			"/home/x":                   {"/home", "tmpfs", true}, // our calls reach nothing else
			"/tmp/x":                    {"/tmp", "ext4", false},
			"/late":                     {"/", "ext4", false}, // nor there
		}},
		"no namespace of our own": {hostTable, map[string]seen{"/usr": {"/", "ext4", false}, "/late": {"/late", "xfs", false}}},
		"a container":             {container, map[string]seen{"/": {"/", "overlay", false}, "/data": {"/data", "xfs", true}, "/boot": {"/", "overlay", false}}},
		"a root below the host's": {below, map[string]seen{"/boot": {"/", "ext4", true}}},
		"no root of our own":      {elsewhere, map[string]seen{"/x": {"/x", "ext4", true}}},
		"only the first process":  {"", map[string]seen{"/data": {"/data", "xfs", true}, "/usr": {"/", "ext4", false}}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := blocktest.New(t)
			tr.Write("proc/1/mountinfo", hostTable)
			if tt.own != "" {
				tr.Write("proc/self/mountinfo", tt.own)
			}
			table, err := hostOf(tr).Mounts()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]seen{}
			for path := range tt.want {
				m, _ := table.Covering(path)
				got[path] = seen{m.Point, m.FSType, m.ReadOnly()}
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(seen{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A real namespace that is read-only, as that of a unit.
func TestReadOnlyNamespace(t *testing.T) {
	const inside = "STORAGE_EXPORTER_TEST_NAMESPACE=1"
	if slices.Contains(os.Environ(), inside) {
		path, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for _, flags := range []uintptr{unix.MS_BIND, unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY} {
			if err := unix.Mount(path, path, "", flags, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path+"/x", nil, 0o600); err == nil {
			t.Fatal("it is not read-only")
		}
		h := NewHost(Paths{}, nil).NewPoint(path, time.Second).Look(t.Context()).Health(Want{})
		if h.ReadOnly == nil || *h.ReadOnly || h.Metadata["mount_point"] == path {
			t.Errorf("%+v", h)
		}
		return
	}
	mounttest.NeedRoot(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReadOnlyNamespace$", "-test.count=1")
	cmd.Env, cmd.Dir = append(os.Environ(), inside), t.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
