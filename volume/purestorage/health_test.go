package purestorage

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"storage_exporter/volume"
	"storage_exporter/volume/appliancetest"
	"storage_exporter/volume/purestorage/purestoragetest"
	"storage_exporter/volume/rest"
	"storage_exporter/volume/volumetest"
)

func TestHealthOfSamples(t *testing.T) {
	file := func(fields string) samples {
		return v2(samples{"file-systems": fmt.Sprintf(`{"items": [{"name": "vfolder-a", %s}]}`, fields)})
	}
	blades := func(statuses ...string) samples {
		var items []string
		for i, s := range statuses {
			items = append(items, fmt.Sprintf(`{"name": "FB%d", "status": %q}`, i+1, s))
		}
		return v2(samples{"blades": `{"items": [` + strings.Join(items, ",") + `]}`})
	}
	alerts := func(items string) samples { return v2(samples{"alerts": `{"items": [` + items + `]}`}) }
	for _, test := range []struct {
		name   string
		serve  samples
		fs     string
		status volume.Status
		info   string
	}{
		{"well, 1.x", v1(), "", volume.Healthy, ""},
		{"well, 2.x", v2(nil), "", volume.Healthy, ""},
		{"unknown", v2(nil), "vfolder-z", volume.Unavailable, `file system "vfolder-z" is not there: check its name, and that the account may see it`},
		{"destroyed", v2(samples{"file-systems": "v2_filesystems_destroyed.json"}), "vfolder-old", volume.Offline, "the file system vfolder-old is destroyed: it can be recovered for 22.8 hours"},
		{"demoted", file(`"promotion_status": "demoted"`), "", volume.Degraded, "the file system is demoted"},
		{"unknown promotion", file(`"promotion_status": "Sideways"`), "", volume.Degraded, `the file system has an unknown promotion status "sideways"`},
		{"read-only", file(`"writable": false`), "", volume.Degraded, "the file system is read-only"},
		{"rebuilding", v2(samples{"arrays/space": "v2_arrays_space_rebuilding.json"}), "", volume.Degraded, "rebuilding: parity 0.93, so that not all data is fully redundant"},
		{"almost rebuilt", v2(samples{"arrays/space": `{"items": [{"parity": 0.99999}]}`}), "", volume.Degraded, "rebuilding: parity 0.99999, so that not all data is fully redundant"},
		{"a blade", v2(samples{"blades": "v2_blades.json"}), "", volume.Degraded, "2 of 3 blades healthy: CH1.FB3 unhealthy (Blade is not responding)"},
		{"fine blades", blades("HEALTHY", "identifying", "evacuated", "unused"), "", volume.Healthy, ""},
		{"many blades", blades("critical", "unhealthy", "unknown", "evacuating", "", "odd", "healthy"), "", volume.Degraded, "1 of 7 blades healthy: FB1 critical, FB2 unhealthy, FB3 in unknown state, 3 more"},
		{"unknown blade", blades("healthy", "sideways"), "", volume.Degraded, `1 of 2 blades healthy: FB2 in a state that is not known here, "sideways"`},
		{"nodes", v2(samples{"blades": `{"items": []}`, "nodes": `{"items": [{"name": "N1", "status": "critical"}]}`}), "", volume.Degraded, "0 of 1 blades healthy: N1 critical"},
		{"hardware", v2(samples{"hardware": "v2_hardware.json"}), "", volume.Degraded, "hardware: CH1.PWR2 critical (Power supply has failed)"},
		{"a blade is told once", v2(samples{
			"blades": "v2_blades.json", "hardware": `{"items": [{"name": "CH1.FB3", "type": "fb", "status": "unhealthy"}]}`,
		}), "", volume.Degraded, "2 of 3 blades healthy: CH1.FB3 unhealthy (Blade is not responding)"},
		{"a warning", v2(samples{"alerts": "v2_alerts_open.json"}), "", volume.Healthy, "open alert (warning): File system 'vfolder-a' approaching space quota"},
		{"a warning about another", v2(samples{"alerts": "v2_alerts_open.json"}), "vfolder-b", volume.Healthy, ""},
		{"critical", alerts(`{"severity": "critical", "component_type": "file-systems", "component_name": "vfolder-a", "summary": "bad"}`), "", volume.Degraded, "open alert (critical): bad"},
		{"critical about another", alerts(`{"severity": "critical", "component_type": "file-systems", "component_name": "b", "summary": "bad"}`), "", volume.Healthy, ""},
		{"critical, 1.x", alerts(`{"severity": "critical", "component": "CH1.FB1", "subject": "failure of a blade"}`), "", volume.Degraded, "open alert (critical): failure of a blade"},
		{"an unknown severity", alerts(`{"severity": "dire", "component_type": "array", "summary": "bad"}`), "", volume.Degraded, `open alert (severity "dire"): bad`},
		{"closed", alerts(`{"severity": "critical", "state": "closed", "summary": "bad"}`), "", volume.Healthy, ""},
		{"not shown", v2(samples{"alerts": "", "hardware": "", "blades": "", "arrays": "", "arrays/space": ""}), "", volume.Healthy, ""},
		{"not known", v2(samples{"blades": `{"items": 7}`}), "", volume.Degraded, "the state of the blades is not known: "},
		{"all at once", v2(samples{"blades": "v2_blades.json", "hardware": "v2_hardware.json", "alerts": "v2_alerts_open.json"}), "", volume.Degraded,
			"2 of 3 blades healthy: CH1.FB3 unhealthy (Blade is not responding); hardware: CH1.PWR2 critical (Power supply has failed)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fs := test.fs
			if fs == "" {
				fs = "vfolder-a"
			}
			got, err := open(t, test.serve, nil, fs).Health(volumetest.Within(t))
			if err != nil {
				t.Fatal(err)
			}
			h := got[fs].Value
			if err := got[fs].Err; err != nil {
				h.Status, h.Info = volume.Diagnose(err)
			}
			if h.Status != test.status || h.Info != test.info && (test.info == "" || !strings.HasSuffix(test.info, ": ") || !strings.HasPrefix(h.Info, test.info)) {
				t.Errorf("%s (%s), not %s (%s)", h.Status, h.Info, test.status, test.info)
			}
		})
	}
}

// What cannot be asked in time is unknown, and the file system is served all the
// same.
func TestHealthOfSlowArray(t *testing.T) {
	volumetest.Bubble(t, func(t *testing.T, network *appliancetest.Network) {
		e := purestoragetest.Start(t, network, 2, "2.9", "2.9")
		e.Break(appliancetest.Hangs(), func(r *http.Request) bool {
			return slices.Contains([]string{"/api/2.9/blades", "/api/2.9/hardware", "/api/2.9/alerts"}, r.URL.Path)
		})
		b := volumetest.Open[*backend](t, Kind(network.Dial), e.Volumes...)
		ctx, cancel := context.WithTimeout(t.Context(), 27*time.Second)
		defer cancel()
		got, err := b.Health(ctx)
		h := got["v1"].Value
		if err != nil || ctx.Err() != nil || h.Status != volume.Degraded || !strings.HasPrefix(h.Info, "the state of the blades is not known: ") || h.Metadata["name"] != "fb-a" {
			t.Errorf("%v, %+v", err, h)
		}
	})
}

func TestReadOnlyAsItShouldBe(t *testing.T) {
	f := fileSystem{Writable: rest.Flag{Valid: true}}
	if found := f.judge(options{readOnly: true}); found.Status() != volume.Healthy {
		t.Errorf("%+v", found)
	}
}

func TestMetadata(t *testing.T) {
	b := open(t, v2(samples{"alerts": "", "hardware": "v2_hardware.json", "blades": "v2_blades.json"}), nil, "vfolder-a")
	got, err := b.Health(volumetest.Within(t))
	if err != nil {
		t.Fatal(err)
	}
	m := got["vfolder-a"].Value.Metadata
	if !strings.HasPrefix(m["console_url"], "https://127.0.0.1:") {
		t.Errorf("console_url is %q", m["console_url"])
	}
	delete(m, "console_url")
	want := map[string]string{
		"id": "22222222-0000-4000-8000-000000000001", "name": "fb-a", "os": "Purity//FB", "revision": "4007aea5", "version": "4.1.2",
		"blade_count": "3", "parity": "1", "performance_scope": "volume", "performance_protocol": "NFS",
		"alerts": "not shown to this account, or not known to this version of the API",
	}
	volumetest.Same(t, want, m)
}
