package web

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"storage_exporter/cache"
	"storage_exporter/event"
	"storage_exporter/internal/outside"
	"storage_exporter/overview"
	"storage_exporter/proxy"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
	"storage_exporter/volume"
	"storage_exporter/zpool"
)

// evil are texts that a drive, a proxy or another host may send.
var evil = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`, `</title></main><h1>`, `{{.Head}}`, `<!--`, `]]>`,
	"bidi \u202e\u2066 mark", "esc \x1b[31m bell \a nul \x00", "line\nbreak\ttab", "no UTF-8 \xff\xfe", `http://evil.example/`, `//evil.example/x`, `../../x?y#z`, `%3Cscript%3E`, "\u2028\u2029", `style="x" class="tile`,
	strings.Repeat("long ", 250_000),
}

// hostileHost has an evil text wherever a text can be, another in each.
func hostileHost() *overview.Overview {
	n := 0
	next := func() string { n++; return fmt.Sprintf("%d%s", n, evil[n%len(evil)]) }
	o := &overview.Overview{BuiltAt: builtAt, Enclosures: []overview.Enclosure{}, Outside: []overview.Drive{}, Errors: map[string]string{next(): next(), "drives": next()}}
	aDrive := func() *overview.Drive {
		return &overview.Drive{
			Device: next(), Paths: []string{next(), next()}, Model: next(), Serial: next(), WWN: next(), Protocol: next(), PowerMode: report.PowerMode(next()), Error: next(),
			Assessment: assess.Result{Verdict: assess.Failing, Reasons: []assess.Reason{{Rule: next(), Severity: assess.Failing, Text: next()}, {Rule: "smart_status", Severity: assess.Warning, Text: next()}}},
			Pools:      []overview.Membership{{Pool: next(), Vdev: next(), Role: zpool.Role(next()), State: next()}},
		}
	}
	for range len(evil) {
		o.Enclosures = append(o.Enclosures, overview.Enclosure{ID: next(), Vendor: next(), Model: next(), Revision: next(), Slots: []overview.Slot{
			{Slot: next(), Name: next(), Drive: aDrive(), More: []overview.Drive{*aDrive()}, Fault: new(true)}, {Slot: next(), Fault: new(true)},
		}})
		o.Outside = append(o.Outside, *aDrive())
		o.Pools = append(o.Pools, overview.Pool{Name: next(), State: next(), Status: next(), Action: next(), Scan: &zpool.Scan{Function: zpool.ScanFunction(next()), State: zpool.Scanning},
			Vdevs: []overview.Vdev{{ID: next(), Name: next(), Type: "disk", Role: zpool.Role(next()), Parent: next(), State: next(), Note: next(), Device: next(), Enclosure: next(), Slot: next()}}})
		o.Volumes = append(o.Volumes, overview.Volume{Name: next(), Backend: next(), Status: volume.Offline, Info: next()})
		o.Proxies = append(o.Proxies, overview.Proxy{Name: next(), Status: proxy.Unhealthy, Reason: next()})
	}
	o.Counts = o.Count()
	return o
}

// Texts from outside are shown as text: they make no element, no attribute and no link of
// their own, and never a long page.
func TestHostileTexts(t *testing.T) {
	digests := map[string]string{"e": `{"node":"e","url":"javascript:alert(1)"}`, "f": `{"node":"f","url":"http://f:1","version":"<script>","worst":[{"kind":"drive","name":"<script>x","verdict":"failing","reason":"\u202e\"><b>","place":"<i>/'"}]}`}
	nodes := fleetRig(t, digests)
	r := newRig(t, hostileHost(), func(c *Config) { c.Fleet = nodes; c.Host = evil[0] })
	r.events = func() (event.Page, error) {
		var page event.Page
		for _, s := range evil {
			page.Events = append(page.Events, event.Event{ID: s, Time: builtAt, Subject: event.Subject{Kind: event.Kind(s), Name: s}, State: s, Previous: s, Reason: s, Host: s, Link: s})
		}
		return page, nil
	}
	calm := newRig(t, host(1))
	elements, names := map[string]bool{}, map[string]bool{}
	for _, path := range []string{"/overview", "/drives", "/drives/sdaa"} {
		vocabulary(calm.page(path), elements, names)
	}
	fleetPages := newRig(t, host(0), func(c *Config) { c.Fleet = fleetRig(t, someNodes) })
	vocabulary(fleetPages.page("/fleet"), elements, names)
	vocabulary(newRig(t, host(78)).page("/overview?show=pool"), elements, names)
	paths := []string{"/overview", "/overview?wrong=all", "/overview?show=pool", "/overview?show=errors", "/drives", "/fleet", "/fleet/e", "/fleet/f"}
	for _, s := range evil[:len(evil)-1] {
		paths = append(paths, "/drives?q="+url.QueryEscape(s))
	}
	paths = append(paths, "/overview?show="+url.QueryEscape(evil[1]), "/overview?wrong="+url.QueryEscape(evil[1]))
	r.shown.Load().Each(func(d *overview.Drive) bool {
		if len(d.Device) < 1000 {
			paths = append(paths, "/drives/"+url.PathEscape(d.Device))
		}
		return true
	})
	shown := 0
	for _, path := range paths {
		w := r.ask(path)
		if strings.HasPrefix(path, "/drives/") && w.Code == 404 || w.Code == 301 || w.Code == 307 {
			continue // the mux cleans such a path
		}
		if w.Code != 200 || w.Body.Len() > 200<<10 {
			t.Errorf("%.60s: %d, %d bytes", path, w.Code, w.Body.Len())
			continue
		}
		shown++
		page := parsed(t, w.Body.String())
		for n := range page.Descendants() {
			checkHostile(t, path, n, elements, names)
		}
	}
	if shown < 60 {
		t.Errorf("%d pages only", shown)
	}
}

// vocabulary is what elements and attributes a page has.
func vocabulary(page document, elements, names map[string]bool) {
	for n := range page.Descendants() {
		if n.Type == html.ElementNode {
			elements[n.Data] = true
			for _, a := range n.Attr {
				names[a.Key] = true
			}
		}
	}
}

func checkHostile(t *testing.T, path string, n *html.Node, elements, names map[string]bool) {
	t.Helper()
	switch n.Type {
	case html.TextNode:
		if n.Data != outside.Printable(strings.ReplaceAll(n.Data, "\n", " ")) && strings.TrimSpace(n.Data) != "" && n.Parent.Data != "pre" {
			t.Errorf("%.60s: text %.80q", path, n.Data)
		}
		if len(n.Data) > 2000 && n.Parent.Data != "pre" {
			t.Errorf("%.60s: a text of %d bytes", path, len(n.Data))
		}
	case html.CommentNode:
		t.Errorf("%.60s: a comment %.60q", path, n.Data)
	case html.ElementNode:
		if !elements[n.Data] {
			t.Errorf("%.60s: <%s>", path, n.Data)
		}
		for _, a := range n.Attr {
			if !names[a.Key] {
				t.Errorf("%.60s: <%s %s=%.60q>", path, n.Data, a.Key, a.Val)
			}
			if a.Key == "class" && slices.ContainsFunc(strings.Fields(a.Val), func(c string) bool { return !strings.Contains(string(styleSheet), "."+c) }) {
				t.Errorf("%.60s: class %.60q", path, a.Val)
			}
			if a.Key != "href" {
				continue
			}
			to, err := url.Parse(a.Val)
			if err != nil || to.Scheme != "" && to.Scheme != "http" && to.Scheme != "data" || to.Host != "" && to.Host != "f:1" || strings.HasPrefix(a.Val, "//") {
				t.Errorf("%.60s: <%s href=%.80q> %v", path, n.Data, a.Val, err)
			}
		}
	}
}

// What smartctl printed is shown as text, bounded, though it be hostile.
func TestHostileDocument(t *testing.T) {
	for _, s := range evil {
		quoted, err := json.Marshal(map[string]any{s: s, "list": []string{s, s}})
		if err != nil {
			t.Fatal(err)
		}
		shown, cut := documentOf(quoted)
		if len(shown) > maxDocument || cut != (len(s) > maxDocument) || strings.ContainsAny(shown, "\x1b\a\x00\u202e\u2066\u2028") {
			t.Errorf("%.40q: %d bytes, cut %v", s, len(shown), cut)
		}
	}
	if shown, _ := documentOf([]byte(`{"a`)); shown != "" {
		t.Errorf("no JSON: %q", shown)
	}
	l := listOf(hostileHost())[0]
	v := driveOf(&l, readings{report: cache.Result[report.Report]{Snapshot: cache.Snapshot[report.Report]{Value: &report.Report{
		ModelFamily: evil[0], SelfTests: []report.SelfTest{{Type: evil[0], Result: evil[len(evil)-1]}}, ATA: &report.ATA{Attributes: []report.Attribute{{ID: 5, Name: evil[1], RawString: evil[9], WhenFailed: evil[0]}}},
	}}}})
	if v.Attributes[0].Raw != text(evil[9]) || len(v.Tests[0].Result) > maxText {
		t.Errorf("%+v", v.Attributes)
	}
}
