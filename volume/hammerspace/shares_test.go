package hammerspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/mount/mounttest"
	"storage_exporter/volume/volumetest"
)

// mountFUSE makes each share a real mount, which can hang: the directory below
// the path is a link to it.
func (r *baseRig) mountFUSE(names ...string) map[string]*mounttest.FUSE {
	r.t.Helper()
	all := map[string]*mounttest.FUSE{}
	for _, name := range names {
		all[name] = mounttest.NewFUSE(r.t)
		if err := os.Symlink(all[name].Point, filepath.Join(r.path, name)); err != nil {
			r.t.Fatal(err)
		}
	}
	r.mounts(names...)
	return all
}

// Shares that hang are named, the others served; when all hang, none is. Each
// holds one request in the kernel, however often it is looked at.
func TestHungShares(t *testing.T) {
	r := newBaseRig(t, t.TempDir())
	all := r.mountFUSE("s1", "s2", "s3")
	h := r.OwnHealth(5 * time.Second)
	volumetest.WantHealth(t, h, volume.Healthy, "")
	if h.Metadata["shares"] != "3" || h.Metadata["shares_answering"] != "3" || h.ReadOnly == nil || *h.ReadOnly || h.Backend != "hammerspace-base" {
		t.Errorf("%+v", h)
	}
	all["s2"].Hang()
	for range 10 {
		h = r.OwnHealth(400 * time.Millisecond)
		volumetest.WantHealth(t, h, volume.Degraded, "1 of 3 shares in trouble: "+filepath.Join(r.path, "s2")+" (nfs4, 10.1.1.10:/s2) does not answer")
		if h.Metadata["shares_answering"] != "2" || strings.Contains(h.Info, "/s1") || strings.Contains(h.Info, "/s3") {
			t.Errorf("%+v", h)
		}
	}
	all["s1"].Hang()
	all["s3"].Hang()
	for range 10 {
		h = r.OwnHealth(400 * time.Millisecond)
		volumetest.WantHealth(t, h, volume.Offline, "3 of 3 shares in trouble")
		if h.Metadata["shares_answering"] != "0" || h.ReadOnly != nil {
			t.Errorf("%+v", h)
		}
	}
	// What they have done is the kernel's, which goes on counting.
	r.counts(map[string]counter{"s1": {}, "s2": {}, "s3": {}})
	if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
		t.Errorf("performance: %v", err)
	}
	for name, f := range all {
		if n := f.Waiting(); n != 1 {
			t.Errorf("%s: %d requests wait in the kernel", name, n)
		}
		f.Resume()
	}
	r.awaitHealthy()
}

func (r *baseRig) awaitHealthy() {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); r.OwnHealth(time.Second).Status != volume.Healthy; {
		if time.Now().After(deadline) {
			r.t.Fatal("the mounts answer again, and nobody noticed")
		}
	}
}

// A mount at the path that hangs takes everything below along, but its counters.
func TestHungPath(t *testing.T) {
	fuse := mounttest.NewFUSE(t)
	r := newBaseRig(t, fuse.Point)
	r.mounts(".", "sub")
	r.counts(map[string]counter{".": {}, "sub": {}})
	h := r.OwnHealth(5 * time.Second)
	volumetest.WantHealth(t, h, volume.Healthy, "")
	if h.Metadata["shares"] != "2" {
		t.Errorf("%s shares, want the one at the path and the one below", h.Metadata["shares"])
	}
	fuse.Hang()
	for range 10 {
		begun := time.Now()
		volumetest.WantHealth(t, r.OwnHealth(400*time.Millisecond), volume.Offline, "does not answer")
		if _, err := r.OwnPerformance(); !errors.Is(err, volume.ErrNoSample) {
			t.Errorf("performance: %v", err)
		}
		if _, err := r.OwnUsage(); !errors.Is(err, mount.ErrHung) {
			t.Errorf("usage: %v", err)
		}
		if time.Since(begun) > 5*time.Second {
			t.Fatal("the answers did not come in time")
		}
	}
	if n := fuse.Waiting(); n != 1 {
		t.Errorf("%d requests wait in the kernel", n)
	}
	fuse.Resume()
	r.awaitHealthy()
}

// Of many shares that hang no more than a bound are asked at once; those whose
// turn does not come are told, and the answer comes in time.
func TestManyHungShares(t *testing.T) {
	r := newBaseRig(t, t.TempDir())
	fuse := mounttest.NewFUSE(t)
	var hung atomic.Int64
	host := mount.NewHost(mount.Paths{Proc: filepath.Join(r.root, "proc")}, func(delta int) { hung.Add(int64(delta)) })
	var names []string
	for i := range maxAsked + 8 {
		names = append(names, fmt.Sprintf("s%02d", i))
		if err := os.Symlink(fuse.Point, filepath.Join(r.path, names[i])); err != nil {
			t.Fatal(err)
		}
	}
	r.mounts(names...)
	r.Backend = newBase(host, []volume.Config{{Name: "v", Path: r.path}})
	fuse.Hang()
	begun := time.Now()
	h := r.OwnHealth(800 * time.Millisecond)
	volumetest.WantHealth(t, h, volume.Offline, fmt.Sprintf("%d of %d shares in trouble", len(names), len(names)))
	if !strings.HasSuffix(h.Info, fmt.Sprintf("and %d more", len(names)-maxNamed)) {
		t.Errorf("%q", h.Info)
	}
	if n := hung.Load(); n != maxAsked {
		t.Errorf("%d shares were asked at once, at most %d should be", n, maxAsked)
	}
	if time.Since(begun) > 5*time.Second {
		t.Error("the answer did not come in time")
	}
	fuse.Resume()
	r.awaitHealthy()
	fuse.Hang()
	_, nfs, _, err := r.Backend.(*base).find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	notAsked := 0
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	for _, state := range ask(ctx, host, nfs, "") {
		switch {
		case errors.Is(state.Err, errNotAsked):
			notAsked++
		case !errors.Is(state.Err, mount.ErrHung):
			t.Errorf("%s: %v", state.Path, state.Err)
		}
	}
	if notAsked != len(names)-maxAsked {
		t.Errorf("%d shares were not asked", notAsked)
	}
	fuse.Resume()
	r.awaitHealthy()
	if n := hung.Load(); n != 0 {
		t.Errorf("%d calls still hang", n)
	}
}

// looked is what a look at a share found.
func looked(name string, err error, options ...string) mount.State {
	s := mount.State{
		Path: "/hs/" + name, Real: "/hs/" + name, Err: err,
		Mount: mount.Mount{Point: "/hs/" + name, FSType: "nfs4", Source: "10.1.1.10:/" + name, Options: append(options, "v")},
	}
	s.FS = unix.Statfs_t{Frsize: 4096, Blocks: 100, Bfree: 50, Bavail: 50}
	return s
}

// Every combination of states has its status, and names what is wrong, the worst first.
func TestCombined(t *testing.T) {
	hung := fmt.Errorf("no answer: %w", mount.ErrHung)
	local := mount.State{Path: "/hs", Real: "/hs", Mount: mount.Mount{Point: "/", FSType: "ext4", Source: "/dev/sda1", Options: []string{"rw"}}}
	local.FS = unix.Statfs_t{Frsize: 4096, Blocks: 100} // its being full is not the volume's
	rootNFS := looked("", nil)
	rootNFS.Mount.Point = "/"
	full := looked("full", nil)
	full.FS.Bfree, full.FS.Bavail = 0, 0
	for name, tt := range map[string]struct {
		path     mount.State
		below    []mount.State
		want     mount.Want
		status   volume.Status
		info     string
		shares   string // and those that answer
		readOnly *bool
	}{
		"well":                {local, []mount.State{looked("a", nil), looked("b", nil)}, mount.Want{RequireMount: true}, volume.Healthy, "", "2 2", new(false)},
		"one of two":          {local, []mount.State{looked("a", hung), looked("b", nil)}, mount.Want{}, volume.Degraded, "1 of 2 shares in trouble: /hs/a", "2 1", new(false)},
		"not asked":           {local, []mount.State{looked("a", errNotAsked), looked("b", nil)}, mount.Want{}, volume.Degraded, "1 of 2 shares in trouble: /hs/a (nfs4, 10.1.1.10:/a) cannot be looked at: not asked in time", "2 1", new(false)},
		"all":                 {local, []mount.State{looked("a", hung), looked("b", unix.ESTALE)}, mount.Want{}, volume.Offline, "stale handle", "2 0", nil},
		"refused":             {local, []mount.State{looked("a", unix.EACCES), looked("b", errNotAsked)}, mount.Want{}, volume.Unavailable, "no permission", "2 0", nil},
		"refused and offline": {local, []mount.State{looked("a", unix.EACCES), looked("b", hung)}, mount.Want{}, volume.Offline, "trouble: /hs/b (nfs4, 10.1.1.10:/b) does not answer", "2 0", nil},
		"full":                {local, []mount.State{full, looked("b", nil)}, mount.Want{}, volume.Degraded, "/hs/full is full", "2 2", new(false)},
		"worst first": {local, []mount.State{full, looked("b", unix.EACCES), looked("c", hung), looked("d", nil)}, mount.Want{}, volume.Degraded,
			"3 of 4 shares in trouble: /hs/c", "4 2", new(false)},
		"one read-only":        {local, []mount.State{looked("a", nil, "ro"), looked("b", nil)}, mount.Want{}, volume.Degraded, "/hs/a is mounted read-only", "2 2", new(false)},
		"the last read-only":   {local, []mount.State{looked("a", nil), looked("b", nil, "ro")}, mount.Want{ReadOnly: true}, volume.Healthy, "", "2 2", new(false)},
		"the root is NFS":      {rootNFS, []mount.State{looked("a", nil)}, mount.Want{RequireMount: true}, volume.Healthy, "", "2 2", new(false)},
		"all read-only":        {local, []mount.State{looked("a", nil, "ro"), looked("b", nil, "ro")}, mount.Want{ReadOnly: true}, volume.Healthy, "", "2 2", new(true)},
		"with one at the path": {looked(".", nil), []mount.State{looked("a", nil), looked("b", hung)}, mount.Want{}, volume.Degraded, "1 of 3 shares", "3 2", new(false)},
		"five in trouble": {local, []mount.State{looked("a", hung), looked("b", hung), looked("c", hung), looked("d", hung), looked("e", hung), looked("f", nil)}, mount.Want{},
			volume.Degraded, "; and 2 more", "6 1", new(false)},
	} {
		t.Run(name, func(t *testing.T) {
			h := combined(tt.path, tt.below, tt.want)
			volumetest.WantHealth(t, h, tt.status, tt.info)
			if got := h.Metadata["shares"] + " " + h.Metadata["shares_answering"]; got != tt.shares {
				t.Errorf("%s shares, want %s", got, tt.shares)
			}
			if diff := cmp.Diff(tt.readOnly, h.ReadOnly); diff != "" {
				t.Errorf("read-only (-want +got):\n%s", diff)
			}
			if n := strings.Count(h.Info, "/hs/"); n > maxNamed {
				t.Errorf("too many are named: %q", h.Info)
			}
			if h.Metadata["fstype"] != tt.path.Mount.FSType {
				t.Errorf("%v", h.Metadata)
			}
		})
	}
}
