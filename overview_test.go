package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"storage_exporter/enclosure/enclosuretest"
	"storage_exporter/internal/redistest"
	"storage_exporter/overview"
)

// The overview of three enclosures is asked for, built and served without a single
// run of smartctl or zpool; of another host's there is no trace.
func TestOverview(t *testing.T) {
	const drives = 78
	flags, f, pools := enclosures(t, drives)
	server := redistest.Start(t, redistest.Options{})
	in := start(t, append(flags, "--redis.address="+server.Addr, "--node.name=n1", "--smartctl.interval=10m")...)
	in.awaitReady()
	body := in.awaitOverview(drives)
	scans, reads := f.Runs()
	zpools := len(pools.Runs())

	status, header, _ := in.get("/api/overview")
	if status != http.StatusOK || header.Get("X-Cache") != "HIT" || header.Get("Age") == "" {
		t.Errorf("%d %v", status, header)
	}
	var o overview.Overview
	if err := json.Unmarshal([]byte(body), &o); err != nil {
		t.Fatal(err)
	}
	if len(o.Enclosures) != 3 || len(o.Outside) != 0 || o.Counts.Slots.Populated != drives {
		t.Errorf("counts %+v", o.Counts)
	}
	for _, e := range o.Enclosures {
		for _, s := range e.Slots {
			if s.Drive == nil || s.Drive.NotMonitored || len(s.Drive.Pools) != 1 || s.Drive.Pools[0].Role != "data" || s.Drive.Assessment.Verdict == "" {
				t.Errorf("%s slot %s: %+v", e.ID, s.Slot, s.Drive)
			}
		}
	}
	for _, v := range o.Pools[0].Vdevs {
		if v.Type == "disk" && (v.Device == "" || v.Enclosure == "" || v.Slot == "" || v.Verdict == "") {
			t.Errorf("member without its drive or slot: %+v", v)
		}
	}
	for range 40 {
		for _, path := range []string{"/api/overview", "/api/overview?assessment=failing", "/api/enclosures", "/api/pools", "/api/drives?assessment=ok"} {
			if status, _, body := in.get(path); status != http.StatusOK {
				t.Fatalf("%s: %d %.300s", path, status, body)
			}
		}
	}
	scansAfter, readsAfter := f.Runs()
	if scansAfter != scans || !maps.Equal(reads, readsAfter) || len(pools.Runs()) != zpools {
		t.Errorf("scans %d, then %d; zpool %d, then %d; reads equal: %v", scans, scansAfter, zpools, len(pools.Runs()), maps.Equal(reads, readsAfter))
	}
	if status, _, body := in.get("/api/openapi.yaml"); status != http.StatusOK || !strings.Contains(body, "/api/overview:") {
		t.Errorf("/api/openapi.yaml: %d", status)
	}

	other := start(t, "--redis.address="+server.Addr, "--node.name=n2", flags[0], "--path.sysfs="+enclosuretest.New(t).Sys(), "--no-collector.zfs")
	other.awaitReady()
	other.await("its own overview", func() bool {
		_, _, body := other.get("/api/overview")
		return strings.Contains(body, `"enclosures":[]`) && strings.Contains(body, `"pools":"not observed"`) && strings.Contains(body, `"outside":78`)
	})
}

// What is not observed hides nothing else.
func TestPartsNotObserved(t *testing.T) {
	in := start(t, "--no-collector.smart", "--no-collector.enclosures", "--no-collector.zfs")
	in.awaitReady()
	in.await("the volume's health", func() bool {
		status, header, body := in.get("/api/overview")
		return status == http.StatusOK && header.Get("X-Cache") == "HIT" && strings.Contains(body, `"drives":"not observed"`) &&
			strings.Contains(body, `"volumes":[{"name":"root","backend":"vfs","status":"healthy"`) && !strings.Contains(body, `"drives_outside"`)
	})
	for _, path := range []string{"/api/enclosures", "/api/pools"} {
		if status, _, body := in.get(path); status != http.StatusNotFound || !strings.Contains(body, "not observed") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// A host without smartctl shows its enclosures, pools and volumes.
func TestOverviewWithoutSmartctl(t *testing.T) {
	flags, _, _ := enclosures(t, 26)
	flags[0] = "--smartctl.path=" + filepath.Join(t.TempDir(), "smartctl")
	in := start(t, flags...)
	in.await("the other parts", func() bool {
		status, _, body := in.get("/api/overview")
		var o overview.Overview
		return status == http.StatusOK && json.Unmarshal([]byte(body), &o) == nil && strings.Contains(o.Errors["drives"], "no usable smartctl") &&
			len(o.Enclosures) == 1 && len(o.Pools) == 1 && len(o.Volumes) == 1 && o.Counts.Drives == nil && o.Outside == nil
	})
}
