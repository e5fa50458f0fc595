package api

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"storage_exporter/block"
	"storage_exporter/internal/cachetest"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/smart"
	"storage_exporter/smart/smartctl"
)

// The drives' paths with drives of all protocols, one that sleeps and one that
// cannot be read.
func TestDrives(t *testing.T) {
	failing, broken := fleet.ATA("/dev/sdb", 1, 14), fleet.SCSI("/dev/sdd", 3)
	failing.Report = failed(t, failing.Report)
	broken.Print = new("not JSON")
	asleep := fleet.ATA("/dev/sdc", 2, 5)
	asleep.PowerMode = "STANDBY"
	path, _ := faketest.New(t, fleet.SCSI("/dev/sda", 0), failing, asleep, broken, fleet.NVMe("/dev/nvme0", 4))
	tool, err := smartctl.New(smartctl.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	drives, err := smart.NewDrives(smart.DrivesConfig{
		Cache: cachetest.New(t), Tool: tool, Host: "host1", System: block.System{Sys: "/nonexistent", Udev: "/nonexistent"}, Metrics: smart.NewMetrics(prometheus.NewRegistry()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drives.Close)
	drives.Start()
	get := asking(t, Config{Logger: slog.New(slog.DiscardHandler), Drives: func() *smart.Drives { return drives }})
	list := func(query string) []string {
		t.Helper()
		w := get("/api/drives" + query)
		var answer struct {
			Drives []driveInfo `json:"drives"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.Drives == nil {
			t.Fatalf("%s: %d %.300s %v", query, w.Code, w.Body, err)
		}
		labels := []string{}
		for _, d := range answer.Drives {
			labels = append(labels, d.Device+" "+string(d.Assessment.Verdict))
		}
		return labels
	}
	for query, want := range map[string][]string{
		"":                            {"nvme0 ok", "sda ok", "sdb failing", "sdc unknown", "sdd unknown"},
		"?assessment=failing":         {"sdb failing"},
		"?assessment=failing,unknown": {"sdb failing", "sdc unknown", "sdd unknown"},
		"?assessment=warning":         {},
	} {
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	for path, status := range map[string]int{
		"/api/drives?assessment=fine": 400, "/api/drives/sdb": 200, "/api/drives/sdc": 200, "/api/drives/sdd": 503, "/api/drives/sdz": 404,
		"/api/drives/nvme0/smartctl": 200, "/api/drives/sdc/smartctl": 503,
	} {
		if w := get(path); w.Code != status {
			t.Errorf("%s: %d %.300s, want %d", path, w.Code, w.Body, status)
		}
	}
	var sleeper map[string]any
	if err := json.Unmarshal(get("/api/drives/sdc").Body.Bytes(), &sleeper); err != nil {
		t.Fatal(err)
	}
	if said, _ := sleeper["error"].(string); sleeper["observed_at"] != nil || sleeper["age_seconds"] != nil || sleeper["report"] != nil || !strings.Contains(said, "sleeps") {
		t.Errorf("a drive that was never read: %v", sleeper)
	}
	if w := get("/api/drives/sdb"); !strings.Contains(w.Body.String(), `"rule":"smart_status"`) {
		t.Errorf("no reasons: %.600s", w.Body)
	}
}

// failed is a document whose drive says that it is failing.
func failed(t *testing.T, document json.RawMessage) json.RawMessage {
	t.Helper()
	out := strings.Replace(string(document), `"passed": true`, `"passed": false`, 1)
	if out == string(document) {
		t.Fatal("the document has no verdict")
	}
	return json.RawMessage(out)
}
