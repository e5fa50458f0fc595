package browser_test

import (
	"strings"
	"testing"

	"storage_exporter/internal/demo"
	"storage_exporter/overview"
	"storage_exporter/smart/assess"
)

// pagesOf are the addresses of all kinds of pages, by name.
func pagesOf(t *testing.T, d *demo.Demo) map[string]string {
	t.Helper()
	at := map[string]string{
		"overview":    "/overview",
		"temperature": "/overview?show=temperature",
		"hours":       "/overview?show=hours",
		"errors":      "/overview?show=errors",
		"pools":       "/overview?show=pool",
		"drives":      "/drives",
		"few drives":  "/drives?q=tank&state=warning&sort=-temperature",
		"no drives":   "/drives?q=nothing+like+that",
		"no drive":    "/drives/nothing",
		"failing":     "/drives/" + driveThat(t, d, failing).Device,
		"well":        "/drives/" + driveThat(t, d, func(d *overview.Drive) bool { return d.Assessment.Verdict == assess.OK }).Device,
		"asleep":      "/drives/" + driveThat(t, d, func(d *overview.Drive) bool { return stateOf(d) == "asleep" }).Device,
		"SAS":         "/drives/" + driveThat(t, d, func(d *overview.Drive) bool { return d.Protocol == "SCSI" }).Device,
		"NVMe":        "/drives/nvme0",
		"fleet":       "/fleet",
		"a host":      "/fleet/storage-02",
		"no host":     "/fleet/nothing",
	}
	for name, path := range at {
		at[name] = d.URL() + path
	}
	return at
}

// reveal shows what is closed.
const reveal = `(document.querySelectorAll("details").forEach((d) => { d.open = true; }), true)`

// Each page can be read: by eye in the light, in the dark, on paper and on a phone, by
// ear, and with the keyboard.
func TestEachPage(t *testing.T) {
	titles := map[string]string{}
	texts := 0
	shared := quiet(t)
	for name, url := range pagesOf(t, demoOf(t)) {
		t.Run(name, func(t *testing.T) {
			x := &tab{shared.Tab, t}
			x.must(x.Size(500, 800)) // so that something scrolls
			x.must(x.Colours("light"))
			x.visit(url)
			eval[bool](x, reveal)
			x.heard()
			texts += x.legible("light")
			x.ringed()
			x.must(x.Print())
			x.legible("print")
			x.must(x.Colours("dark"))
			x.legible("dark")
			x.ringed()
			x.must(x.Size(phoneWidth, 740))
			x.narrow()
			x.expects("status of 404", "status of 503") // of pages that say so themselves
			if title := eval[string](x, "document.title"); !strings.Contains(url, "?") {
				if titles[title] != "" {
					t.Errorf("%s has the title %q as well", titles[title], title)
				}
				titles[title] = name
			}
		})
	}
	if texts < 4000 {
		t.Errorf("only %d texts are seen", texts)
	}
}
