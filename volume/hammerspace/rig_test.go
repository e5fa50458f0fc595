package hammerspace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/volumetest"
)

// baseRig is a host whose kernel files are made up, and volumes on one path of it.
// What is mounted is a list of names, each a directory below the path; "." is the
// path itself, ".." the directory above it.
type baseRig struct {
	volumetest.One
	t       testing.TB
	host    *mount.Host
	root    string // of the kernel files
	path    string
	devices []string // names, in the order in which they were first mounted
}

// newBaseRig makes one with a volume "v" for the configuration and more volumes
// beside it. Nothing is mounted but the root file system.
func newBaseRig(t testing.TB, path string, cfgs ...volume.Config) *baseRig {
	t.Helper()
	r := &baseRig{One: volumetest.One{T: t}, t: t, root: t.TempDir(), path: path}
	r.mounts()
	r.counts(nil)
	r.host = mount.NewHost(mount.Paths{Proc: filepath.Join(r.root, "proc"), Sys: filepath.Join(r.root, "sys")}, nil)
	kind := Base(r.host)
	if len(cfgs) == 0 {
		cfgs = []volume.Config{{}}
	}
	for i := range cfgs {
		cfgs[i].Name = "v" + strings.Repeat("'", i)
		cfgs[i].Backend, cfgs[i].Path, cfgs[i].PerformanceInterval = "hammerspace-base", path, 10*time.Second
	}
	r.Backend = volumetest.Open[volume.Backend](t, kind, cfgs...)
	return r
}

func (r *baseRig) file(name, content string) {
	r.t.Helper()
	name = filepath.Join(r.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// device is a mount's number, the same as long as the test lasts.
func (r *baseRig) device(name string) int {
	if !slices.Contains(r.devices, name) {
		r.devices = append(r.devices, name)
	}
	return 60 + slices.Index(r.devices, name)
}

// mounts mounts the shares and nothing else. A name may have options, as in "s1 ro".
func (r *baseRig) mounts(shares ...string) {
	lines := "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
	for i, share := range shares {
		name, options, _ := strings.Cut(share, " ")
		if options == "" {
			options = "rw"
		}
		parent := 1
		if i > 0 && shares[0] == "." {
			parent = 2
		}
		lines += fmt.Sprintf("%d %d 0:%d / %s %s - nfs4 10.1.1.10:/%s rw,vers=4.2\n", i+2, parent, r.device(name), filepath.Join(r.path, name), options, name)
	}
	r.file("proc/self/mountinfo", lines)
}

// counter is what the kernel has counted of one share: each read has 4 KiB, each
// write 8 KiB.
type counter struct {
	age               int // seconds
	reads, readTime   int // milliseconds
	writes, writeTime int // milliseconds
}

// counts writes mountstats.
func (r *baseRig) counts(shares map[string]counter) {
	var stats strings.Builder
	for name, c := range shares {
		fmt.Fprintf(&stats, "device 10.1.1.10:/%s mounted on %s with fstype nfs4 statvers=1.1\n\tage:\t%d\n\tbytes:\t1 2 3 4 %d %d 7 8\n\tper-op statistics\n"+
			"\tREAD: %d 1 0 2 3 4 5 %d 0\n\tWRITE: %d 1 0 2 3 4 5 %d 0\n\n", name, filepath.Join(r.path, name), c.age, 4096*c.reads, 8192*c.writes,
			c.reads, c.readTime, c.writes, c.writeTime)
	}
	r.file("proc/self/mountstats", stats.String())
}

var none = volumetest.None

// wantFigures takes a reading; nil is "no sample".
func (r *baseRig) wantFigures(step string, want []float64) {
	r.t.Helper()
	got, err := r.OwnPerformance()
	volumetest.WantFigures(r.t, step, want, got, err)
}
