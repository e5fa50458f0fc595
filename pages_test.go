package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The pages are served from snapshots: looked at however often, they cause no run of
// smartctl or zpool.
func TestPages(t *testing.T) {
	const drives = 30
	flags, f, pools := enclosures(t, drives)
	config := writeFile(t, "c.toml", "[enclosure.0x5003048000000000]\ncolumns = 2\n")
	in := start(t, append(flags, "--smartctl.interval=10m", "--web.note=staging", "--web.enable-lifecycle", "--config.file="+config)...)
	in.awaitReady()
	in.awaitOverview(drives)
	scans, reads := f.Runs()
	zpools := len(pools.Runs())
	for range 20 {
		for path, want := range map[string]string{
			"/overview": `<span class="note">staging</span>`, "/overview?show=hours": `aria-current="true">Hours`, "/drives": "<h1>30 drives</h1>", "/drives?q=slot+3": "2 of 30 drives",
			"/drives/sdf": "What smartctl printed", "/drives/sda": "reallocated_sectors",
		} {
			status, header, body := in.get(path)
			if status != http.StatusOK || !strings.Contains(body, want) || header.Get("ETag") == "" {
				t.Fatalf("%s: %d, no %q: %v %.2000s", path, status, want, header, body)
			}
		}
	}
	if scansAfter, readsAfter := f.Runs(); scansAfter != scans || fmt.Sprint(readsAfter) != fmt.Sprint(reads) || len(pools.Runs()) != zpools {
		t.Error("looking at the pages caused observations")
	}
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	if _, header, _ := in.get("/overview"); len(header.Values("Content-Security-Policy")) != 1 || header.Get("Content-Security-Policy") != policy {
		t.Errorf("%q", header.Values("Content-Security-Policy"))
	}
	rows := func() int {
		_, _, page := in.get("/overview")
		card := page[strings.Index(page, `id="enclosure-A"`):strings.Index(page, `id="enclosure-B"`)]
		return strings.Count(card, `<ul class="row">`)
	}
	if n := rows(); n != 13 {
		t.Errorf("26 slots in 2 columns are %d rows", n)
	}
	if err := os.WriteFile(config, []byte("[enclosure.0x5003048000000000]\ncolumns = 26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, body := in.do("POST", "/-/reload", ""); status != http.StatusOK {
		t.Fatal(body)
	}
	if n := rows(); n != 1 {
		t.Errorf("after a reload: %d rows", n)
	}
	_, _, page := in.get("/overview")
	for _, asset := range regexp.MustCompile(`assets/[^"]+`).FindAllString(page, -1) {
		if status, header, _ := in.get("/" + asset); status != http.StatusOK || !strings.Contains(header.Get("Cache-Control"), "immutable") || header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", asset, status, header)
		}
	}
	tag := regexp.MustCompile(`data-tag="([^"]+)"`).FindStringSubmatch(page)[1]
	if status, _, _ := in.ask("GET", "/overview", "If-None-Match", strings.ReplaceAll(tag, "&#34;", `"`)); status != http.StatusNotModified {
		t.Errorf("the same page again: %d", status)
	}
}

// BenchmarkPages is the page of drives in enclosures of 26 over HTTP: as it is sent again
// and again, as it is rendered for a new generation, and what a bare handler needs for
// the same bytes.
func BenchmarkPages(b *testing.B) {
	for _, drives := range []int{78, 1000} {
		b.Run(fmt.Sprintf("drives=%d", drives), func(b *testing.B) {
			flags, _, _ := enclosures(b, drives)
			in := start(b, append(flags, "--smartctl.interval=10m")...)
			in.awaitReady()
			in.awaitOverview(drives)
			time.Sleep(3 * time.Second) // until the rebuild that is due is over
			for _, path := range []string{"/overview", "/drives", "/drives/sdf"} {
				_, _, body := in.get(path)
				b.Logf("%s: %d bytes", path, len(body))
				bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", strconv.Itoa(len(body)))
					_, _ = w.Write([]byte(body))
				}))
				b.Run(strings.ReplaceAll(path[1:], "/", "-")+"/kept", func(b *testing.B) { measure(b, in.url+path, 1, false) })
				b.Run(strings.ReplaceAll(path[1:], "/", "-")+"/bare-handler", func(b *testing.B) { measure(b, bare.URL, 1, false) })
				bare.Close()
			}
			b.Run("search", func(b *testing.B) { measure(b, in.url+"/drives?q=ex", 1, false) }) // it is rendered each time
		})
	}
}
