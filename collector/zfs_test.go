package collector

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"storage_exporter/block"
	"storage_exporter/block/blocktest"
	"storage_exporter/cache"
	"storage_exporter/collector/exposition"
	"storage_exporter/internal/cachetest"
	"storage_exporter/internal/fakezpool/fake"
	"storage_exporter/internal/fakezpool/zpooltest"
	"storage_exporter/zpool"
)

// somePools always has these pools, or always fails.
type somePools struct {
	pools []zpool.Pool
	err   error
}

func (p somePools) Get(context.Context) (cache.Snapshot[[]zpool.Pool], error) {
	return cache.Snapshot[[]zpool.Pool]{Value: &p.pools, ObservedAt: time.UnixMilli(1794700100500), Revision: 1}, p.err
}

// poolsOf is what the fake zpool reports, on a host with the disks that are present.
func poolsOf(t *testing.T, b fake.Behaviour) []zpool.Pool {
	t.Helper()
	pools, err := zpool.NewTool(zpooltest.New(t, b).Path()).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tr := blocktest.New(t)
	for i := range pools {
		for j, v := range pools[i].Vdevs {
			if !strings.HasPrefix(v.Path, "/dev/disk/") || v.NotPresent {
				continue
			}
			disk := blocktest.DiskName(j % 26)
			tr.AddDisk(blocktest.Disk{Name: disk, Address: disk, Device: blocktest.Device{Links: []string{strings.TrimPrefix(v.Path, "/dev/")}}})
		}
	}
	zpool.Resolve(t.Context(), block.System{Dev: tr.Dev(), Sys: tr.Sys(), Udev: tr.Udev()}, pools)
	return pools
}

func zfsDocument(t *testing.T, file string) *string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../zpool/testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return new(string(b))
}

func TestZFSSeriesGolden(t *testing.T) {
	resilver := fake.Slots("slots", 2, 3)
	resilver.Scan = &fake.Scan{Function: "RESILVER", State: "SCANNING", Start: 1794700000, ToExamine: 1000, Issued: 250}
	file := fake.Pool{
		Name: "odd \"name\"", GUID: "7", State: "SUSPENDED", Errors: 3,
		Vdevs: []fake.Vdev{{Name: "/var/tmp/a file", GUID: "8", Type: "file", State: "FAULTED", Write: 12}},
	}
	covered := make(map[string]bool)
	for name, b := range map[string]fake.Behaviour{
		"raidz2-spare-2.3": {Version: "2.3", Print: zfsDocument(t, "raidz2-spare-2.3.json")},
		// No guids: the fake prints the same for -g.
		"raidz2-spare-2.1": {Print: zfsDocument(t, "raidz2-spare-2.1.txt")},
		"humanised-0.7":    {Version: "0.7", Print: zfsDocument(t, "humanised-0.7.txt")},
		"two-pools-2.2":    {Version: "2.2", Pools: []fake.Pool{resilver, file}},
		"no-pools":         {Version: "2.3"},
	} {
		t.Run(name, func(t *testing.T) {
			got := shown(t, newZFSCollector(somePools{pools: poolsOf(t, b)}, nothingMonitored))
			golden(t, "zfs/"+name, got)
			cover(covered, got)
		})
	}
	all := newZFSFamilies()
	for _, name := range names(all.list) {
		if !covered[name] {
			t.Errorf("no golden file shows %s", name)
		}
	}
}

func TestZFSFamiliesLint(t *testing.T) {
	pools := poolsOf(t, fake.Behaviour{Version: "2.3", Print: zfsDocument(t, "raidz2-spare-2.3.json")})
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(exposition.NewCollector(newZFSCollector(somePools{pools: pools}, nothingMonitored)))
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// A reader joins by pool and vdev: each stands for one vdev in one state.
func TestZFSVdevsAreUnique(t *testing.T) {
	pools := poolsOf(t, fake.Behaviour{Version: "2.3", Print: zfsDocument(t, "raidz2-spare-2.3.json")})
	seen := make(map[string]bool)
	for line := range strings.Lines(shown(t, newZFSCollector(somePools{pools: pools}, nothingMonitored))) {
		if !strings.HasPrefix(line, "jbod_zfs_vdev_info{") {
			continue
		}
		_, vdev, _ := strings.Cut(line, `vdev="`)
		vdev, _, _ = strings.Cut(vdev, `"`)
		if seen[vdev] {
			t.Errorf("vdev %s twice", vdev)
		}
		seen[vdev] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d vdevs", len(seen))
	}
}

func TestZFSCollectorReads(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pools somePools
		parts int
		ok    bool
	}{
		{"two pools", somePools{pools: []zpool.Pool{{Name: "a"}, {Name: "b"}}}, 3, true},
		{"no pools", somePools{}, 0, true},
		{"not known", somePools{err: fmt.Errorf("x: %w", cache.ErrTimeout)}, 0, false},
		{"no right", somePools{err: zpool.ErrPermission}, 0, false},
		{"taken away", somePools{err: fmt.Errorf("x: %w", cache.ErrClosed)}, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parts, ok := newZFSCollector(tt.pools, nothingMonitored).Read(t.Context())
			if len(parts) != tt.parts || ok != tt.ok {
				t.Errorf("%d parts, ok %v", len(parts), ok)
			}
		})
	}
}

// The whole way: a scrape reads what was observed in the background.
func TestZFSScrape(t *testing.T) {
	h := zpooltest.New(t, fake.Behaviour{Version: "2.3", Pools: []fake.Pool{fake.Slots("tank", 7, 12)}})
	pools, err := zpool.New(zpool.Config{Cache: cachetest.New(t), Tool: zpool.NewTool(h.Path()), Host: "host"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pools.Close)
	pools.Start()
	e := newTestExporter(t, exposition.Config{}, newZFSCollector(pools, nothingMonitored))
	for range 3 {
		page, _ := scrape(t, e, "/metrics", "")
		wantLines(t, page,
			`jbod_zfs_pool_state{pool="tank",state="ONLINE"} 1`,
			`jbod_zfs_vdev_state{device="",path="/dev/disk/by-vdev/A83-part1",pool="tank",state="ONLINE",vdev="90000083"} 1`,
			`jbod_zfs_vdev_errors{device="",kind="checksum",path="raidz2-6",pool="tank",vdev="80000006"} 0`,
			`storage_scrape_collector_success{collector="zfs"} 1`)
	}
	if runs := h.Runs(); len(runs) != 1 {
		t.Errorf("scrapes cost runs: %v", runs)
	}
}
