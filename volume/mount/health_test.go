package mount

import (
	"fmt"
	"math"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"storage_exporter/volume"
	"storage_exporter/volume/volumetest"
)

func TestUsage(t *testing.T) {
	huge := uint64(math.MaxUint64)
	tests := []struct {
		name string
		fs   unix.Statfs_t
		want volume.Usage
	}{
		{"a reserve for root", unix.Statfs_t{Bsize: 4096, Frsize: 4096, Blocks: 100, Bfree: 30, Bavail: 25, Files: 50, Ffree: 20},
			volume.Usage{CapacityBytes: new(uint64(409600)), UsedBytes: new(uint64(70 * 4096)), AvailableBytes: new(uint64(25 * 4096)),
				Inodes: new(uint64(50)), InodesUsed: new(uint64(30))}},
		{"fragments are smaller than blocks", unix.Statfs_t{Bsize: 1 << 20, Frsize: 512, Blocks: 4, Bfree: 4, Bavail: 4},
			volume.Usage{CapacityBytes: new(uint64(2048)), UsedBytes: new(uint64(0)), AvailableBytes: new(uint64(2048))}},
		{"no fragment size", unix.Statfs_t{Bsize: 1024, Blocks: 2, Bfree: 1, Bavail: 0},
			volume.Usage{CapacityBytes: new(uint64(2048)), UsedBytes: new(uint64(1024)), AvailableBytes: new(uint64(0))}},
		{"no size", unix.Statfs_t{Bsize: 4096, Files: 5}, volume.Usage{}},
		{"inodes of all ones", unix.Statfs_t{Bsize: 1, Blocks: 1, Bfree: 1, Bavail: 1, Files: huge, Ffree: huge},
			volume.Usage{CapacityBytes: new(uint64(1)), UsedBytes: new(uint64(0)), AvailableBytes: new(uint64(1))}},
		{"free inodes of all ones", unix.Statfs_t{Bsize: 1, Blocks: 1, Bfree: 1, Bavail: 1, Files: 9, Ffree: huge},
			volume.Usage{CapacityBytes: new(uint64(1)), UsedBytes: new(uint64(0)), AvailableBytes: new(uint64(1))}},
		{"beyond 64 bits", unix.Statfs_t{Bsize: 4096, Blocks: 1 << 60, Bfree: 1, Bavail: 1}, volume.Usage{}},
		{"more free than there is", unix.Statfs_t{Bsize: 1, Blocks: 5, Bfree: 6, Bavail: huge}, volume.Usage{CapacityBytes: new(uint64(5))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			volumetest.Same(t, tt.want, usage(tt.fs))
		})
	}
}

func TestHealth(t *testing.T) {
	root := Mount{Device: "8:1", Root: "/", Point: "/", FSType: "ext4", Source: "/dev/sda1", Options: []string{"rw"}}
	nfs := Mount{Device: "0:51", Root: "/", Point: "/vf", FSType: "nfs4", Source: "nas:/e", Options: []string{"rw"}, Super: []string{"rw"}}
	readOnly := nfs
	readOnly.Options = []string{"ro", "relatime"}
	fuse := nfs
	fuse.FSType = "fuse.sshfs"
	shutdown := nfs
	shutdown.Super = []string{"rw", "emergency_ro"}
	fill := func(blocks, free, available, files, freeFiles uint64) unix.Statfs_t {
		return unix.Statfs_t{Bsize: 4096, Blocks: blocks, Bfree: free, Bavail: available, Files: files, Ffree: freeFiles}
	}
	plenty := fill(100, 60, 60, 100, 50)
	good := func(m Mount, fs unix.Statfs_t) State { return State{Path: "/vf", Real: "/vf", Mount: m, FS: fs} }
	bad := func(err error) State { return State{Path: "/vf", Real: "/vf", Mount: nfs, Err: err} }
	wantNFS := Want{FSTypes: []string{"nfs", "nfs4"}, RequireMount: true}
	tests := []struct {
		name   string
		state  State
		want   Want
		status volume.Status
		info   string // a part of it
	}{
		{"good", good(nfs, plenty), wantNFS, volume.Healthy, ""},
		{"the root disk below", good(root, plenty), wantNFS, volume.Offline, "with nothing mounted there: mount it"},
		{"the root disk is welcome", good(root, plenty), Want{}, volume.Healthy, ""},
		{"/ itself", State{Path: "/", Real: "/", Mount: root, FS: plenty}, Want{RequireMount: true}, volume.Healthy, ""},
		{"not of this type", good(nfs, plenty), Want{FSTypes: []string{"xfs"}}, volume.Offline, "is on /vf (nfs4, nas:/e), which is not of type xfs"},
		{"read-only", good(readOnly, plenty), wantNFS, volume.Degraded, "read-only"},
		{"read-only by an error", good(shutdown, plenty), wantNFS, volume.Degraded, "kernel log"},
		{"read-only as wanted, and full", good(readOnly, fill(100, 0, 0, 0, 0)), Want{ReadOnly: true}, volume.Healthy, ""},
		{"read-only says statfs", good(nfs, unix.Statfs_t{Flags: unix.ST_RDONLY}), Want{}, volume.Degraded, "read-only"},
		{"nearly full", good(nfs, fill(100, 10, 10, 0, 0)), Want{}, volume.Degraded, "90 % full"},
		{"not yet nearly full", good(nfs, fill(1000, 101, 101, 0, 0)), Want{}, volume.Healthy, ""},
		{"full but for root", good(nfs, fill(100, 50, 0, 0, 0)), Want{}, volume.Degraded, "is full"},
		{"full", good(nfs, fill(100, 2, 2, 0, 0)), Want{}, volume.Degraded, "is full"},
		{"no inodes", good(nfs, fill(100, 60, 60, 1000, 19)), Want{}, volume.Degraded, "inodes"},
		{"no size at all", good(nfs, unix.Statfs_t{}), Want{}, volume.Healthy, ""},
		{"hung", bad(fmt.Errorf("no answer for 4s: %w", ErrHung)), Want{}, volume.Offline, "/vf (nfs4, nas:/e) does not answer (no answer for 4s"},
		{"too many hang", bad(ErrTooManyHung), Want{}, volume.Unavailable, "too many"},
		{"gone", bad(fmt.Errorf("stat: %w", syscall.ENOENT)), Want{}, volume.Offline, "/vf does not exist"},
		{"a file", bad(syscall.ENOTDIR), Want{}, volume.Offline, "not a directory"},
		{"FUSE process died", State{Path: "/vf", Real: "/vf", Mount: fuse, Err: syscall.ENOTCONN}, Want{}, volume.Offline, "mount it anew"},
		{"not connected", bad(syscall.ENOTCONN), Want{}, volume.Offline, "does not reach its server"},
		{"stale", bad(syscall.ESTALE), Want{}, volume.Offline, "stale"},
		{"errors", bad(syscall.EIO), Want{}, volume.Offline, "kernel log"},
		{"soft mount", bad(syscall.ETIMEDOUT), Want{}, volume.Offline, "server"},
		{"no permission", bad(syscall.EACCES), Want{}, volume.Unavailable, "CAP_DAC_READ_SEARCH"},
		{"a circle of links", bad(syscall.ELOOP), Want{}, volume.Unavailable, "links"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.state.Health(tt.want)
			if h.Status != tt.status || !strings.Contains(h.Info, tt.info) || (tt.info == "") != (h.Info == "") {
				t.Errorf("%s: %q, want %s: %q", h.Status, h.Info, tt.status, tt.info)
			}
			if (h.ReadOnly != nil) != (tt.state.Err == nil && h.Status != volume.Offline) {
				t.Errorf("read-only is %v", h.ReadOnly)
			}
		})
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"rw,password=hunter2,uid=0":         "rw,password=…,uid=0",
		"rw,sec_TOKEN=x":                    "rw,sec_TOKEN=…",
		"https://me:p@ss@host/dav":          "https://host/dav",
		"nas:/export@home":                  "nas:/export@home",
		"a\xffb":                            "a�b",
		strings.Repeat("x", maxWord+1):      strings.Repeat("x", maxWord),
		"http://host/path@with-an-at/and:x": "http://host/path@with-an-at/and:x",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}
