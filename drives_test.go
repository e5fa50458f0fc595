package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart"
)

// The device is named without a type, and a threshold comes with a reload.
func TestDrivesAsConfigured(t *testing.T) {
	file := writeFile(t, "c.toml", "[smart.thresholds]\nfailing_rate_percent = \"off\"\n")
	change := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	drive := fleet.ATA("/dev/sdb", 1, 14) // 37 reallocated sectors
	smartctl, _ := faketest.New(t, fleet.ATA("/dev/sda", 2, 4), drive)
	in := start(t, "--config.file="+file, "--smartctl.path="+smartctl, "--smartctl.device=/dev/sdb", "--web.enable-lifecycle")
	in.awaitReady()
	const verdict = `jbod_drive_assessment{device="sdb",serial_number="EXA0000001",verdict=`
	in.await("a warning", func() bool { return value(in.scrape(), verdict+`"warning"}`) == "1" })
	if page := in.scrape(); value(page, "smartctl_devices") != "1" {
		t.Error("sda, which was not named, is observed")
	}
	change("[smart.thresholds]\n")
	if status, _, body := in.do("POST", "/-/reload", ""); status != 200 {
		t.Fatalf("reload: %d %s", status, body)
	}
	in.await("failing by its rates", func() bool { return value(in.scrape(), verdict+`"failing"}`) == "1" })

	var off []string
	for name := range smart.DefaultSettings().Thresholds {
		off = append(off, name+" = \"off\"")
	}
	change("[smart.thresholds]\n" + strings.Join(off, "\n") + "\n")
	if status, _, body := in.do("POST", "/-/reload", ""); status != 200 {
		t.Fatalf("reload: %d %s", status, body)
	}
	in.await("unknown without rules", func() bool { return value(in.scrape(), verdict+`"unknown"}`) == "1" })
}

// That smartctl is not there is one warning, however many drives there are.
func TestManyDrivesNoSmartctl(t *testing.T) {
	args := []string{"--smartctl.path=/nonexistent/smartctl"}
	for i := range 30 {
		args = append(args, fmt.Sprintf("--smartctl.device=/dev/sdx%02d", i))
	}
	in := start(t, args...)
	in.await("the warning", func() bool { return strings.Contains(in.log.String(), "sdx00, sdx01, sdx02 and 27 more") })
	if n := strings.Count(in.log.String(), "observation failed"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, in.log)
	}
}
