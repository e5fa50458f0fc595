package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
	"storage_exporter/internal/fakesmartctl/faketest"
	"storage_exporter/internal/fakesmartctl/fleet"
	"storage_exporter/internal/redistest"
)

// What a drive, a proxy or another host may say.
const (
	anElement  = `<script>alert(1)</script>`
	anAddress  = `javascript:alert(1)`
	anImage    = `"><img src=x onerror=alert(1)>`
	aHandler   = `' autofocus onfocus='alert(1)`
	anOpenText = `--><svg onload=alert(1)>`
)

// injected is what such a text has made of a page: elements, handlers and addresses of
// its own.
const injected = `[...document.querySelectorAll("main script, main img, main iframe, main object, [onerror], [onload], [onfocus], [autofocus], [style], svg:not(.bar), base, link[rel=import]")].map((e) => e.outerHTML)
	.concat([...document.querySelectorAll("[href], [action], [src]")].map((e) => (e.getAttribute("href") || e.getAttribute("action") || e.getAttribute("src"))).filter((s) => /^\s*(javascript|vbscript):/i.test(s) || /^data:(?!,$)/.test(s)))
	.concat(document.querySelectorAll("main").length < 2 ? [] : ["a second main"])`

// hostileDrive is a drive whose every text is hostile.
func hostileDrive(t *testing.T) fleet.Drive {
	t.Helper()
	d := fleet.ATA("/dev/sda", 0, 14)
	var doc map[string]any
	if err := json.Unmarshal(d.Report, &doc); err != nil {
		t.Fatal(err)
	}
	doc["serial_number"], doc["model_name"], doc["firmware_version"] = anElement, anImage, aHandler
	doc["model_family"] = anOpenText
	doc["smart_status"] = map[string]any{"passed": false}
	doc["smartctl"].(map[string]any)["exit_status"] = 8
	doc["smartctl"].(map[string]any)["messages"] = []any{map[string]any{"string": anElement, "severity": "error"}}
	doc["ata_smart_self_test_log"] = map[string]any{"standard": map[string]any{"revision": 1, "count": 1, "table": []any{map[string]any{
		"type": map[string]any{"value": 2, "string": anImage}, "status": map[string]any{"value": 0x79, "string": anElement, "passed": false}, "lifetime_hours": 7,
	}}}}
	for _, a := range doc["ata_smart_attributes"].(map[string]any)["table"].([]any) {
		a := a.(map[string]any)
		a["name"], a["when_failed"] = anImage, anElement
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	d.Report = raw
	return d
}

// What comes from outside is shown as text, and nothing of it is run.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	smartctl, _ := faketest.New(t, hostileDrive(t))
	tree := enclosuretest.New(t)
	tree.AddDisk(blocktest.Disk{Name: "sda", Device: blocktest.Device{Number: "8:0"}, Address: "0:0:0:0", Model: anImage, Serial: anElement, WWID: "naa.5000000000000001", State: "running"})
	tree.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:9:0", ID: "0x3000000000000001", Vendor: anElement, Model: anImage, Bays: []enclosuretest.Bay{
		{Name: "Slot 00", Slot: "0", Status: "OK", Fault: "2", Locate: "0", Power: "on", Disk: "sda"},
		{Name: anAddress + ` "><b>`, Slot: "1", Status: "OK", Fault: "2", Locate: "0", Power: "on"},
	}})
	polled := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		raw, err := json.Marshal(map[string]any{"status": "unhealthy", "version": anElement, "volumes": map[string]any{
			anElement: map[string]any{"status": "offline", "backend": anImage, "status_info": anElement},
			anAddress: map[string]any{"status": "healthy", "backend": aHandler},
		}})
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(raw)
	}))
	defer polled.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"status":%q,"component":%q}`, anElement, anImage)
	}))
	defer refusing.Close()
	redis := redistest.Start(t, redistest.Options{})
	for node, digest := range map[string]any{
		"bad":  map[string]any{"node": "bad", "url": anAddress},
		"evil": map[string]any{"node": "evil", "url": "http://evil.example:1", "version": anElement, "worst": []any{map[string]any{"kind": "drive", "name": anElement, "verdict": "failing", "reason": anImage, "place": aHandler + "/" + anAddress}}},
	} {
		raw, err := json.Marshal(digest)
		if err != nil {
			t.Fatal(err)
		}
		redis.Do("SET", "fleet:node:"+node, string(raw), "PX", 80000)
		redis.Do("ZADD", "fleet:nodes", fmt.Sprint(redis.Do("TIME").([]any)[0], "000"), node)
	}
	config := fmt.Sprintf("[proxy.p]\nurl = %q\ninterval = \"1s\"\ntimeout = \"900ms\"\n[proxy.q]\nurl = %q\ninterval = \"1s\"\ntimeout = \"900ms\"\n", polled.URL, refusing.URL)
	e := startExporter(t, "--smartctl.path="+smartctl, "--smartctl.interval=1s", "--path.sysfs="+tree.Sys(), "--path.procfs="+tree.Path("proc"), "--no-collector.zfs",
		"--redis.address="+redis.Addr, "--fleet", "--config.file="+file(t, "c.toml", config))
	x := fast(t)
	x.visit(e.url + "/overview?wrong=all")
	x.await("the drive and both proxies", `document.querySelector(".tile.failing") && document.querySelectorAll("#proxies .failing").length === 2`)
	x.visit(e.url + "/fleet")
	x.await("both hosts", `document.querySelectorAll("#nodes tbody tr").length >= 2`)
	for path, says := range map[string][]string{
		"/overview?wrong=all":  {anElement, anImage},
		"/overview?show=pool":  {anElement},
		"/drives":              {anElement, anImage},
		"/drives/sda":          {anElement, anImage, aHandler},
		"/drives?q=%3Cscript":  {anElement},
		"/fleet":               {anElement, anImage, aHandler, anAddress},
		"/fleet/evil":          {anElement, anImage},
		"/fleet/bad":           nil,
		"/api/overview":        {anElement},
		"/api/fleet":           {anElement},
		"/":                    nil,
		"/drives?q=" + anImage: {anImage},
	} {
		x.visit(e.url + path)
		eval[bool](x, reveal)
		eval[bool](x, `(document.querySelectorAll("a, input, [tabindex]").forEach((e) => e.focus()), true)`)
		if made := eval[[]string](x, injected); len(made) > 0 {
			t.Errorf("%s: texts have become %v", path, made)
		}
		said := eval[string](x, "document.body.textContent")
		for _, s := range says {
			if !strings.Contains(said, s) && !strings.Contains(said, strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(s)) {
				t.Errorf("%s does not show %s:\n%.3000s", path, s, said)
			}
		}
		x.expects() // no dialog, nothing that the policy had to refuse
	}
}
