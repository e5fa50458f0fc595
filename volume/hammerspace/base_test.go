package hammerspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/mount/mounttest"
	"storage_exporter/volume/volumetest"
)

// What the shares did is added up; each counts for itself, whatever the others do.
func TestSharesBelow(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newBaseRig(t, dir)
		for _, step := range []struct {
			name   string
			shares map[string]counter // what is mounted
			want   []float64
		}{
			{"the first reading", map[string]counter{"s1": {100, 1000, 9000, 50, 70}, "s2": {100, 1000, 1000, 0, 0}}, nil},
			// 100 reads of 2 ms and 300 of 10 ms: 8 ms, not the mean of the two.
			{"the sum", map[string]counter{"s1": {110, 1100, 9200, 60, 130}, "s2": {110, 1300, 4000, 0, 0}},
				[]float64{40, 1, 40 * 4096, 8192, 8000, 6000}},
			{"s2 vanishes", map[string]counter{"s1": {120, 1110, 9230, 60, 130}}, []float64{1, 0, 4096, 0, 3000, none}},
			{"it comes back", map[string]counter{"s1": {130, 1120, 9240, 60, 130}, "s2": {130, 9000, 9000, 0, 0}},
				[]float64{1, 0, 4096, 0, 1000, none}},
			{"s3 appears", map[string]counter{"s1": {140, 1130, 9250, 60, 130}, "s2": {140, 9010, 9030, 0, 0}, "s3": {1, 7000, 7000, 9, 9}},
				[]float64{2, 0, 8192, 0, 2000, none}},
			{"all three", map[string]counter{"s1": {150, 1140, 9260, 60, 130}, "s2": {150, 9020, 9060, 0, 0}, "s3": {11, 7010, 7050, 19, 19}},
				[]float64{3, 1, 12288, 8192, 3000, 1000}},
			{"s1 counts from zero", map[string]counter{"s1": {160, 20, 20, 0, 0}, "s2": {160, 9030, 9070, 0, 0}, "s3": {21, 7020, 7060, 19, 19}},
				[]float64{2, 0, 8192, 0, 1000, none}},
			{"s1 is mounted anew, and has more already", map[string]counter{"s1": {3, 500, 500, 0, 0}, "s2": {170, 9040, 9080, 0, 0}, "s3": {31, 7030, 7070, 19, 19}},
				[]float64{2, 0, 8192, 0, 1000, none}},
			{"s1 counts again", map[string]counter{"s1": {13, 510, 510, 0, 0}, "s2": {180, 9050, 9090, 0, 0}, "s3": {41, 7040, 7080, 19, 19}},
				[]float64{3, 0, 12288, 0, 1000, none}},
			{"idle", map[string]counter{"s1": {23, 510, 510, 0, 0}, "s2": {190, 9050, 9090, 0, 0}, "s3": {51, 7040, 7080, 19, 19}},
				[]float64{0, 0, 0, 0, none, none}},
			{"all begin anew", map[string]counter{"s1": {1, 1, 1, 0, 0}, "s2": {1, 1, 1, 0, 0}}, nil},
		} {
			var names []string
			for name := range step.shares {
				names = append(names, name)
			}
			r.mounts(names...)
			r.counts(step.shares)
			r.wantFigures(step.name, step.want)
			time.Sleep(10 * time.Second)
		}
	})
}

// One mount counts alone, be it at the path or above it, and once if it is there twice.
func TestOneMount(t *testing.T) {
	for name, mounts := range map[string][]string{"at the path": {"."}, "above it": {".."}, "at the path, and bound below": {".", "twice"}} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "vf")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				r := newBaseRig(t, dir)
				r.devices = append(r.devices, mounts[0])
				if len(mounts) > 1 {
					r.mounts(mounts[0])
					table, err := os.ReadFile(filepath.Join(r.root, "proc/self/mountinfo"))
					if err != nil {
						t.Fatal(err)
					}
					r.file("proc/self/mountinfo", string(table)+fmt.Sprintf("9 2 0:%d /a %s rw - nfs4 10.1.1.10:/. rw\n", r.device("."), filepath.Join(dir, mounts[1])))
				} else {
					r.mounts(mounts...)
				}
				r.counts(map[string]counter{mounts[0]: {100, 1000, 9000, 0, 0}})
				r.wantFigures("first", nil)
				time.Sleep(10 * time.Second)
				r.counts(map[string]counter{mounts[0]: {110, 1100, 9400, 20, 60}})
				r.wantFigures("second", []float64{10, 2, 40960, 16384, 4000, 3000})
			})
		})
	}
}

// A mount at the path counts together with those below it.
func TestMountAndShares(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newBaseRig(t, dir)
		r.mounts(".", "s1")
		r.counts(map[string]counter{".": {age: 100, reads: 10, readTime: 10}, "s1": {age: 100}})
		r.wantFigures("first", nil)
		time.Sleep(10 * time.Second)
		r.counts(map[string]counter{".": {age: 110, reads: 40, readTime: 40}, "s1": {age: 110, reads: 10, readTime: 50}})
		r.wantFigures("second", []float64{4, 0, 16384, 0, 2000, none})
	})
}

// An NFS mount of which nothing is counted is a failure, not an idle volume.
func TestUncounted(t *testing.T) {
	r := newBaseRig(t, t.TempDir())
	r.mounts("s1")
	if _, err := r.OwnPerformance(); err == nil || errors.Is(err, volume.ErrNoSample) || errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), r.path) {
		t.Errorf("no block in mountstats: %v", err)
	}
	if err := os.Remove(filepath.Join(r.root, "proc/self/mountstats")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.OwnPerformance(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no mountstats: %v", err)
	}
	r.file("proc/self/mountinfo", "")
	if _, err := r.OwnPerformance(); err == nil || errors.Is(err, volume.ErrNoSample) {
		t.Errorf("no mounts: %v", err)
	}
}

// Where nothing is mounted the directory is the local disk's, unless a mount is required.
func TestNoShares(t *testing.T) {
	dir := mounttest.Roomy(t)
	synctest.Test(t, func(t *testing.T) {
		r := newBaseRig(t, dir, volume.Config{}, volume.Config{RequireMount: new(true)})
		disk := func(reads int) {
			r.file("sys/dev/block/8:1/stat", fmt.Sprintf("%d 0 %d %d 0 0 0 0 0 0 0\n", reads, 8*reads, 2*reads))
		}
		disk(100)
		r.wantFigures("first", nil)
		time.Sleep(10 * time.Second)
		disk(200)
		results, err := r.Performance(volumetest.Within(t))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]float64{10, 0, 40960, 0, 2000, none}, volumetest.Figures(results["v"].Value), cmpopts.EquateNaNs()); diff != "" || results["v"].Err != nil {
			t.Errorf("%v (-want +got):\n%s", results["v"].Err, diff)
		}
		if err := results["v'"].Err; !errors.Is(err, mount.ErrNotMounted) {
			t.Errorf("required: %v", err)
		}
	})
	r := newBaseRig(t, dir, volume.Config{}, volume.Config{RequireMount: new(true)})
	health, err := r.Health(volumetest.Within(t))
	if err != nil {
		t.Fatal(err)
	}
	volumetest.WantHealth(t, health["v"].Value, volume.Healthy, "")
	volumetest.WantHealth(t, health["v'"].Value, volume.Offline, "nothing mounted there")
	if _, ok := health["v"].Value.Metadata["shares"]; ok {
		t.Errorf("shares where there are none: %v", health["v"].Value.Metadata)
	}
	usage, err := r.Usage(volumetest.Within(t))
	if err != nil || usage["v"].Err != nil || *usage["v"].Value.CapacityBytes == 0 {
		t.Errorf("usage: %v, %+v", err, usage["v"])
	}
	if err := usage["v'"].Err; !errors.Is(err, mount.ErrNotMounted) {
		t.Errorf("usage, required: %v", err)
	}
	// One share below is what is required.
	r.mounts("s1")
	r.counts(map[string]counter{"s1": {}})
	results, err := r.Performance(volumetest.Within(t))
	if err != nil || !errors.Is(results["v'"].Err, volume.ErrNoSample) {
		t.Errorf("required, and mounted: %v, %v", err, results["v'"].Err)
	}
}

// Shares that were there and are all gone make the volume offline; the local disk is
// not taken for it. One that is left is enough, and what is mounted automatically
// may go.
func TestSharesGone(t *testing.T) {
	r := newBaseRig(t, t.TempDir())
	for _, share := range []string{"s1", "s2", "s3"} {
		if err := os.Mkdir(filepath.Join(r.path, share), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const autofs = "8 1 0:99 / %s rw - autofs hs rw\n"
	for _, step := range []struct {
		name   string
		shares []string
		autofs bool
		reload bool
		gone   string // a part of the words; "" where none is
	}{
		{name: "none yet"},
		{name: "two", shares: []string{"s1", "s2"}},
		{name: "one", shares: []string{"s2"}},
		{name: "none left", gone: "the share that was mounted below"},
		{name: "back", shares: []string{"s1", "s2", "s3"}},
		{name: "none left of three", gone: "the 3 shares that were mounted below"},
		{name: "not to come back", reload: true},
		{name: "automatic", shares: []string{"s1"}, autofs: true},
		{name: "unmounted itself", autofs: true},
		{name: "not automatic any more", gone: "the share"},
		{name: "at the path", shares: []string{"."}, reload: true},
		{name: "the path's own", gone: "(nfs4, 10.1.1.10:/.) was mounted for"},
	} {
		r.mounts(step.shares...)
		if step.autofs {
			name := filepath.Join(r.root, "proc/self/mountinfo")
			table, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r.file("proc/self/mountinfo", string(table)+fmt.Sprintf(autofs, filepath.Join(r.path, "auto")))
		}
		if step.reload {
			r.host.Forget()
		}
		h := r.OwnHealth(5 * time.Second)
		_, usage := r.OwnUsage()
		_, rates := r.OwnPerformance()
		if gone := h.Status == volume.Offline; gone != (step.gone != "") || gone && (!strings.Contains(h.Info, step.gone) || len(h.Metadata) > 0) {
			t.Errorf("%s: %s %q, %v", step.name, h.Status, h.Info, h.Metadata)
		}
		for what, err := range map[string]error{"usage": usage, "performance": rates} {
			if errors.Is(err, mount.ErrNotMounted) != (step.gone != "") {
				t.Errorf("%s: %s: %v", step.name, what, err)
			}
		}
	}
}

// How full the shares are together nobody knows; one at the path says it.
func TestBaseUsage(t *testing.T) {
	mounttest.NeedRoot(t)
	r := newBaseRig(t, mounttest.Roomy(t))
	r.mounts("s1", "s2")
	if u, err := r.OwnUsage(); !errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), "2 shares") {
		t.Errorf("shares below: %+v, %v", u, err)
	}
	for _, mounts := range [][]string{{"."}, {".", "s1"}} {
		r.mounts(mounts...)
		if u, err := r.OwnUsage(); err != nil || *u.CapacityBytes != 1000*4096 || *u.UsedBytes != 400*4096 || *u.Inodes != 100 {
			t.Errorf("%v: %+v, %v", mounts, u, err)
		}
	}
	r.path += "/nonexistent"
	r.Backend = newBaseRig(t, r.path).Backend
	if _, err := r.OwnUsage(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such directory: %v", err)
	}
}
