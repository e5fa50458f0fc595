package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A volume whose file system was unmounted is offline, and shows nothing of the disk
// below it, until a reload.
func TestUnmounted(t *testing.T) {
	root, proc := t.TempDir(), t.TempDir()
	for _, dir := range []string{root + "/data", proc + "/1"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mounted := func(lines string) { // as a whole, for it is read all the time
		t.Helper()
		name := filepath.Join(proc, "1/mountinfo")
		if err := os.WriteFile(name+".new", []byte("1 0 8:1 / / rw - ext4 /dev/a rw\n"+lines), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	mounted("2 1 8:2 / /data rw - ext4 /dev/b rw\n")
	file := writeFile(t, "exporter.toml", "[volumes]\nhealth_check_interval = \"1s\"\nhealth_check_timeout = \"900ms\"\nusage_interval = \"1s\"\nusage_timeout = \"900ms\"\nusage_ttl = \"3s\"\n"+
		"[volume.v]\nbackend = \"vfs\"\npath = \"/data\"\n")
	in := start(t, noSmartctl, "--no-collector.enclosures", "--no-collector.zfs", "--web.enable-lifecycle",
		"--config.file="+file, "--path.procfs="+proc, "--path.rootfs="+root)
	is := func(status string) func() bool {
		return func() bool {
			return value(in.scrape(), fmt.Sprintf(`backendai_storage_volume_health_status{status=%q,volume="v"}`, status)) == "1"
		}
	}
	hwinfo := func() string { _, _, body := in.do("GET", "/volume/hwinfo", `{"volume": "v"}`); return body }
	const capacity = `backendai_storage_volume_capacity_bytes{volume="v"}`
	in.await("mounted", func() bool { return !is("offline")() && value(in.scrape(), capacity) != "" })
	if body := hwinfo(); !strings.Contains(body, `"mount_point":"/data"`) {
		t.Error(body)
	}
	mounted("")
	in.await("unmounted", is("offline"))
	if body := hwinfo(); !strings.Contains(body, "is gone") || strings.Contains(body, "mount_point") || strings.Contains(body, "/dev/a") {
		t.Error(body)
	}
	in.await("no size of the disk below", func() bool { return value(in.scrape(), capacity) == "" })
	if status, _, body := in.do("POST", "/-/reload", ""); status != 200 {
		t.Fatalf("reload: %d %s", status, body)
	}
	in.await("reloaded", func() bool { return !is("offline")() && value(in.scrape(), capacity) != "" })
	if body := hwinfo(); !strings.Contains(body, `"mount_point":"/"`) {
		t.Error(body)
	}
}
