package collector

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"storage_exporter/block"
	"storage_exporter/block/blocktest"
	"storage_exporter/cache"
	"storage_exporter/cachestore"
	"storage_exporter/collector/exposition"
	"storage_exporter/internal/fakesmartctl/faketest"
	fakefleet "storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart"
	"storage_exporter/smart/report"
	"storage_exporter/smart/smartctl"
)

// quickDrives are read twice a second and scanned for once a second.
func quickDrives(t *testing.T, sys block.System, drives ...fakefleet.Drive) (*smart.Drives, *fakefleet.Fleet) {
	t.Helper()
	path, f := faketest.New(t, drives...)
	tool, err := smartctl.New(smartctl.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	c := cache.New(cache.Config{Store: cachestore.NewMemory(), Observer: "test", Logger: slog.New(slog.DiscardHandler), Metrics: cache.NewMetrics(prometheus.NewRegistry())})
	ds, err := smart.NewDrives(smart.DrivesConfig{
		Cache: c, Tool: tool, System: sys, Host: "host", Metrics: smart.NewMetrics(prometheus.NewRegistry()),
		Interval: 500 * time.Millisecond, Timeout: 10 * time.Second, ScanInterval: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ds.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	ds.Start()
	return ds, f
}

func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// Drives come and go while many scrape: each page is whole, and shows a drive
// with all that belongs to it or not at all.
func TestDrivesComeAndGoWhileScraping(t *testing.T) {
	t.Parallel()
	ds, f := quickDrives(t, block.System{Sys: "/nonexistent", Udev: "/nonexistent"}, fakefleet.ATA("/dev/sda", 1, 4), fakefleet.SCSI("/dev/sdb", 2))
	e := newTestExporter(t, exposition.Config{}, newSmartCollector(ds))
	page := func() string {
		page, _ := scrape(t, e, "/metrics", "")
		return page
	}
	has := func(series string) func() bool { return func() bool { return strings.Contains(page(), "\n"+series) } }
	await(t, "both drives", func() bool {
		return has(`smartctl_device_smartctl_exit_status{device="sda"`)() && has(`smartctl_device_smartctl_exit_status{device="sdb"`)()
	})

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				page, _ := scrape(t, e, "/metrics", "") // its status is 200
				parser := expfmt.NewTextParser(model.UTF8Validation)
				if _, err := parser.TextToMetricFamilies(strings.NewReader(page)); err != nil {
					t.Error(err)
					return
				}
				for _, device := range []string{"sda", "sdb", "nvme0"} {
					shown := strings.Contains(page, fmt.Sprintf("\nsmartctl_device_smartctl_exit_status{device=%q", device))
					verdicts := strings.Count(page, fmt.Sprintf("\njbod_drive_assessment{device=%q", device))
					if shown && verdicts != 4 || verdicts != 0 && verdicts != 4 {
						t.Errorf("%s: shown %v, %d verdicts", device, shown, verdicts)
					}
				}
			}
		})
	}
	defer wg.Wait()
	defer stop()
	for range 2 {
		if err := f.Remove("/dev/sda", "scsi"); err != nil {
			t.Fatal(err)
		}
		await(t, "sda is gone with all its series", func() bool { return !strings.Contains(page(), `device="sda"`) })
		if !has(`smartctl_device_smartctl_exit_status{device="sdb"`)() {
			t.Error("sdb is not shown any more")
		}
		if err := f.Put(fakefleet.ATA("/dev/sda", 1, 4), fakefleet.NVMe("/dev/nvme0", 3)); err != nil {
			t.Fatal(err)
		}
		await(t, "sda is back", has(`smartctl_device_smartctl_exit_status{device="sda"`))
		await(t, "nvme0 is there", has(`smartctl_device_smartctl_exit_status{device="nvme0"`))
	}
}

// A drive that cannot be read, one that sleeps, and one on two paths.
func TestDriveStateSeries(t *testing.T) {
	t.Parallel()
	tr := blocktest.New(t)
	for _, name := range []string{"sda", "sdq"} {
		tr.AddDisk(blocktest.Disk{Name: name, Address: name, WWID: "naa.5000c50000000aaa", Serial: "EXA1"})
	}
	tr.AddDisk(blocktest.Disk{Name: "sdb", Address: "sdb", Serial: "EXB1"})
	broken := fakefleet.ATA("/dev/sdb", 2, 4)
	broken.Exit = report.ExitOpen
	asleep := fakefleet.ATA("/dev/sdc", 3, 4)
	asleep.PowerMode = "STANDBY"
	ds, f := quickDrives(t, block.System{Sys: tr.Sys(), Udev: tr.Udev()}, fakefleet.ATA("/dev/sda", 1, 4), fakefleet.ATA("/dev/sdq", 1, 4), broken, asleep)
	c := newSmartCollector(ds)
	page := shown(t, c)
	for series, want := range map[string]bool{
		`jbod_drive_assessment{device="sdb",serial_number="EXB1",verdict="unknown"} 1`: true,
		`jbod_drive_assessment{device="sdb",serial_number="EXB1",verdict="ok"} 0`:      true,
		`jbod_drive_observe_error_info{device="sdb",reason="open_failed"} 1`:           true,
		`jbod_drive_assessment{device="sdc"`:                                           false, // its serial number is not known
		`jbod_drive_power_mode{device="sdc",mode="standby"} 1`:                         true,
		`jbod_drive_observe_error_info{device="sdc"`:                                   false,
		`jbod_drive_observe_error_info{device="sda"`:                                   false,
		`jbod_drive_path_info{device="sda",path="sda"} 1`:                              true,
		`jbod_drive_path_info{device="sda",path="sdq"} 1`:                              true,
		`jbod_drive_path_info{device="sdb"`:                                            false,
		`device="sdq"`:                                                                 false,
		"smartctl_devices 3\n":                                                         true,
	} {
		if got := strings.Contains(page, series); got != want {
			t.Errorf("%s: shown %v, want %v", series, got, want)
		}
	}

	// A drive that failed after it was read keeps its series' labels.
	await(t, "sda is read", func() bool {
		return strings.Contains(shown(t, c), `jbod_drive_assessment{device="sda",serial_number="EXA0000001"`)
	})
	failed := fakefleet.ATA("/dev/sda", 1, 4)
	failed.Exit = report.ExitOpen
	if err := f.Put(failed); err != nil {
		t.Fatal(err)
	}
	await(t, "sda's trouble is shown while its report lives", func() bool {
		page := shown(t, c)
		return strings.Contains(page, `jbod_drive_observe_error_info{device="sda",reason="open_failed"} 1`) && strings.Contains(page, `smartctl_device{`)
	})
	if err := f.Put(fakefleet.ATA("/dev/sda", 1, 4)); err != nil {
		t.Fatal(err)
	}
	await(t, "the observations are counted", func() bool { // just after the readers have their answer
		page := shown(t, c)
		return strings.Contains(page, `jbod_drive_observe_total{device="sdb",status="success"} 0`) &&
			!strings.Contains(page, `jbod_drive_observe_total{device="sdb",status="failure"} 0`) &&
			!strings.Contains(page, `jbod_drive_observe_total{device="sda",status="failure"} 0`) &&
			!strings.Contains(page, `jbod_drive_observe_total{device="sda",status="success"} 0`)
	})
	await(t, "the trouble is over", func() bool { return !strings.Contains(shown(t, c), `jbod_drive_observe_error_info{device="sda"`) })
}

// The labels of an assessment's series are the same before the first report and after
// it: where the kernel knows the serial number, that is kept, and else there is none
// before.
func TestAssessmentKeepsItsSerialNumber(t *testing.T) {
	t.Parallel()
	tr := blocktest.New(t)
	tr.AddDisk(blocktest.Disk{Name: "sda", Address: "sda", Serial: "KERNEL1"})
	broken, asleep, unknown := fakefleet.ATA("/dev/sdb", 2, 4), fakefleet.ATA("/dev/sda", 1, 4), fakefleet.ATA("/dev/sdc", 3, 4)
	broken.Exit, asleep.PowerMode, unknown.PowerMode = report.ExitOpen, "STANDBY", "STANDBY"
	ds, f := quickDrives(t, block.System{Sys: tr.Sys(), Udev: tr.Udev()}, asleep, broken, unknown)
	c := newSmartCollector(ds)
	serials := func(page string) string {
		var found []string
		for _, m := range regexp.MustCompile(`jbod_drive_assessment\{device="(\w+)",serial_number="(\w*)",verdict="unknown"\} (\d)`).FindAllStringSubmatch(page, -1) {
			found = append(found, strings.Join(m[1:], " "))
		}
		return strings.Join(found, ", ")
	}
	if got, want := serials(shown(t, c)), "sda KERNEL1 1"; got != want {
		t.Errorf("before the first report: %s, want %s", got, want)
	}
	if err := f.Put(fakefleet.ATA("/dev/sda", 1, 4), fakefleet.ATA("/dev/sdb", 2, 4), fakefleet.ATA("/dev/sdc", 3, 4)); err != nil {
		t.Fatal(err)
	}
	await(t, "all are read", func() bool { return strings.Count(shown(t, c), "smartctl_device{") == 3 })
	if got, want := serials(shown(t, c)), "sda KERNEL1 0, sdb EXA0000002 0, sdc EXA0000003 0"; got != want {
		t.Errorf("after it: %s, want %s", got, want)
	}
}

// Several attributes may fail by one rule: that is one series.
func TestAssessmentReasonsOnce(t *testing.T) {
	r := &report.Report{SerialNumber: "EX1", ATA: &report.ATA{Attributes: []report.Attribute{
		{ID: 1, Flags: "PO----", WhenFailed: "now"}, {ID: 3, Flags: "PO----", WhenFailed: "now"}, {ID: 190, Flags: "-O---K", WhenFailed: "now"},
	}}}
	page := shown(t, driveSource("sda", r))
	for _, severity := range []string{"failing", "warning"} {
		series := fmt.Sprintf("jbod_drive_assessment_reason{device=\"sda\",rule=\"attribute_failed_now\",serial_number=\"EX1\",severity=%q} 1\n", severity)
		if n := strings.Count(page, series); n != 1 {
			t.Errorf("%d times %s", n, series)
		}
	}
	without := &report.Report{SMARTAvailable: new(false)}
	if !without.WithoutSMART() || (&report.Report{SMARTAvailable: new(true)}).WithoutSMART() || (&report.Report{}).WithoutSMART() {
		t.Error("whether a drive has SMART")
	}
}
