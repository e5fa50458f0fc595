package hammerspace

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
	"storage_exporter/volume/volumetest"
)

// hostView is a host on which directories are mounts of shares, as its kernel
// tells it.
type hostView struct {
	dir, proc string
}

// newHostView mounts each export at a directory of its name.
func newHostView(t *testing.T, exports ...string) hostView {
	v := hostView{t.TempDir(), t.TempDir()}
	mounts := "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
	for i, export := range exports {
		point := filepath.Join(v.dir, export)
		if err := os.MkdirAll(point, 0o755); err != nil {
			t.Fatal(err)
		}
		mounts += fmt.Sprintf("%d 1 0:%d / %s rw - nfs4 10.1.1.10:/%s rw,vers=4.2\n", i+2, i+60, point, export)
	}
	v.write(t, "mountinfo", mounts)
	v.count(t, 0, exports...)
	return v
}

func (v hostView) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(v.proc, "self"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(v.proc, "self", name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// count makes each mount have read so many times.
func (v hostView) count(t *testing.T, reads int, exports ...string) {
	t.Helper()
	var stats strings.Builder
	for _, export := range exports {
		fmt.Fprintf(&stats, "device 10.1.1.10:/%s mounted on %s with fstype nfs4 statvers=1.1\n\tage:\t9\n\tbytes:\t0 0 0 0 %d 0 0 0\n\tper-op statistics\n"+
			"\tREAD: %d %d 0 0 0 0 0 %d 0\n\tWRITE: 0 0 0 0 0 0 0 0 0\n\n", export, filepath.Join(v.dir, export), 4096*reads, reads, reads, 2*reads)
	}
	v.write(t, "mountstats", stats.String())
}

func (v hostView) on(cfg *volume.Config, paths *mount.Paths) {
	cfg.Path, paths.Proc = v.dir, v.proc
}

func TestPerformanceOfTheMounts(t *testing.T) {
	v := newHostView(t, "s1", "s2")
	b, a := open(t, well(nil), v.on)
	if all, err := b.Performance(volumetest.Within(t)); err != nil || !errors.Is(all["v"].Err, volume.ErrNoSample) {
		t.Fatalf("the first reading: %v, %+v", err, all)
	}
	v.count(t, 1000, "s1", "s2")
	var p volume.Performance
	for deadline := time.Now().Add(5 * time.Second); p.IOPSRead == nil && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		all, err := b.Performance(volumetest.Within(t)) // half a second makes a window
		if err != nil {
			t.Fatal(err)
		}
		p = all["v"].Value
	}
	if p.IOPSRead == nil || *p.IOPSRead <= 0 || *p.BytesRead != 4096**p.IOPSRead || math.Abs(*p.LatencyReadUsec-2000) > 1e-6 || p.LatencyWriteUsec != nil {
		t.Errorf("%+v", p)
	}
	if n := len(a.Calls()); n > 0 {
		t.Errorf("%d calls for what the kernel counts", n)
	}
}

func TestNothingMounted(t *testing.T) {
	v := newHostView(t)
	for _, required := range []bool{false, true} {
		b, _ := open(t, well(nil), v.on, func(cfg *volume.Config, _ *mount.Paths) { cfg.RequireMount = &required })
		all, err := b.Performance(volumetest.Within(t))
		if err != nil || !errors.Is(all["v"].Err, volume.ErrUnsupported) {
			t.Errorf("the local disk is not the volume: %v, %+v", err, all["v"])
		}
		health, err := b.Health(volumetest.Within(t))
		want := map[bool]volume.Status{false: volume.Healthy, true: volume.Offline}[required]
		if err != nil || health["v"].Value.Status != want {
			t.Errorf("required %v: %v, %+v", required, err, health["v"])
		}
	}
}

func TestHealthOfMountedShares(t *testing.T) {
	shares := func(first, second string) samples {
		return well(samples{"/shares": fmt.Sprintf(`[{"name": "root", "path": "/", "shareState": "OFFLINE"}, {"name": "s1", "path": "/s1", "shareState": %q},
			{"name": "s2", "path": "/s2/", "shareState": %q}, {"name": "other", "path": "/other", "shareState": "OFFLINE"}]`, first, second)})
	}
	for _, test := range []struct {
		name   string
		serve  samples
		status volume.Status
		info   string
	}{
		{"well", shares("PUBLISHED", "PUBLISHED"), volume.Healthy, ""},
		{"one offline", shares("PUBLISHED", "OFFLINE"), volume.Degraded, "share s2 is OFFLINE"},
		{"all offline", shares("REMOVED", "OFFLINE"), volume.Offline, "share s1 is REMOVED, share s2 is OFFLINE"},
		{"one offline, the other not known", well(samples{"/shares": `[{"name": "s1", "path": "/s1", "shareState": "OFFLINE"}]`}), volume.Degraded, "share s1 is OFFLINE"},
		{"made anew", well(samples{"/shares": `[{"name": "s1", "path": "/s1", "shareState": "REMOVED"}, {"name": "s1", "path": "/s1", "shareState": "ONLINE"}]`}), volume.Healthy, ""},
		{"none known", well(samples{"/shares": "[]"}), volume.Healthy, ""},
		{"shares not shown", well(samples{"/shares": ""}), volume.Healthy, ""},
		{"shares not understood", well(samples{"/shares": `{"a": 1}`}), volume.Degraded, "the state of the shares is not known: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, _ := open(t, test.serve, newHostView(t, "s1", "s2").on)
			all, err := b.Health(volumetest.Within(t))
			h := all["v"].Value
			if prefix := strings.HasSuffix(test.info, ": ") && strings.HasPrefix(h.Info, test.info); err != nil || h.Status != test.status || h.Info != test.info && !prefix {
				t.Errorf("%v: %s (%s), not %s (%s)", err, h.Status, h.Info, test.status, test.info)
			}
			if _, hidden := h.Metadata["share_states"]; h.Metadata["shares"] != "2" || h.Metadata["cluster"] != "hs-a" || hidden != (test.name == "shares not shown") {
				t.Errorf("%v", h.Metadata)
			}
		})
	}
}

// Where the API is away and the mounts answer, data is served.
func TestBlind(t *testing.T) {
	v := newHostView(t, "s1")
	for _, test := range []struct {
		name    string
		path    bool
		refused bool
		status  volume.Status
	}{
		{"away, mounted", true, false, volume.Degraded},
		{"away, not mounted", false, false, volume.Offline},
		{"refused, mounted", true, true, volume.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			serve := well(nil)
			if test.refused {
				serve = samples{}
			}
			b, a := open(t, serve, func(cfg *volume.Config, paths *mount.Paths) {
				if test.path {
					v.on(cfg, paths)
				}
			})
			if !test.refused {
				a.Down()
			}
			all, err := b.Health(volumetest.Within(t))
			h := all["v"].Value
			if err == nil && all["v"].Err != nil {
				err = all["v"].Err
			}
			if err != nil {
				h.Status, h.Info = volume.Diagnose(err)
			}
			if h.Status != test.status || h.Info == "" {
				t.Errorf("%s (%s), not %s", h.Status, h.Info, test.status)
			}
		})
	}
}

func TestWorseOfBoth(t *testing.T) {
	hung := volume.Health{Status: volume.Offline, Info: "the mount hangs", ReadOnly: new(true), Metadata: map[string]string{"fstype": "nfs4"}}
	h := both(volume.Health{Status: volume.Degraded, Info: "a node is away", Metadata: map[string]string{"cluster": "a"}}, hung)
	if h.Status != volume.Offline || h.Info != "a node is away; the mount hangs" || !*h.ReadOnly || h.Metadata["fstype"] != "nfs4" || h.Metadata["cluster"] != "a" {
		t.Errorf("%+v", h)
	}
}

func TestExportOf(t *testing.T) {
	for source, want := range map[string]string{
		"10.1.1.10:/a": "/a", "10.1.1.10:/": "/", "[fe80::1]:/a/b/": "/a/b", "//cifs/share": "", "": "",
	} {
		if got := exportOf(source); got != want {
			t.Errorf("exportOf(%q) = %q, not %q", source, got, want)
		}
	}
}
