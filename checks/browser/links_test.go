package browser_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"storage_exporter/block/blocktest"
	"storage_exporter/enclosure/enclosuretest"
)

// crawled is what following all links has found.
type crawled struct {
	Bad    []string
	Seen   []string // paths
	Others []string // addresses elsewhere
}

// crawl follows the links of pages from "/" on, with what they load. Of pages of one
// kind, it reads the first few.
const crawl = `(async (from, most, each) => {
	const seen = new Map([[from, "the start"]]), ids = new Map(), wanted = new Map(), bad = [], others = new Set(), kinds = new Map();
	const queue = [from];
	while (queue.length) {
		const at = queue.shift(), r = await asked(at, {headers: {Accept: "text/html, */*"}});
		if (r.status !== 200) bad.push(r.status + " " + at + " on " + seen.get(at));
		const text = await r.text(), u = new URL(at);
		const kind = u.pathname.replace(/^\/(drives|fleet)\/.+/, "/$1/*") + [...u.searchParams.keys()].sort();
		kinds.set(kind, (kinds.get(kind) || 0) + 1);
		if (!(r.headers.get("Content-Type") || "").startsWith("text/html") || kinds.get(kind) > each) continue;
		const page = new DOMParser().parseFromString(text, "text/html");
		ids.set(at, new Set([...page.querySelectorAll("[id]")].map((e) => e.id)));
		for (const e of page.querySelectorAll("[href], [src], form[action]")) {
			const to = new URL(e.getAttribute("href") || e.getAttribute("src") || e.getAttribute("action"), at);
			if (to.protocol === "data:") continue;
			if (to.origin !== location.origin) { others.add(to.href); continue; }
			const hash = decodeURIComponent(to.hash.slice(1));
			to.hash = "";
			if (hash) wanted.set(to.href + "#" + hash, [to.href, hash, at]);
			if (seen.has(to.href)) continue;
			if (seen.size >= most) continue;
			seen.set(to.href, at);
			queue.push(to.href);
		}
	}
	for (const [to, hash, at] of wanted.values())
		if (ids.has(to) && !ids.get(to).has(hash)) bad.push("nothing has the id " + hash + " on " + to + ", where " + at + " leads to");
	return {Bad: bad, Seen: [...seen.keys()].map((s) => new URL(s).pathname), Others: [...others]};
})(location.origin + "/", %d, 4)`

// follow opens a page, and follows all links from "/" on.
func follow(t *testing.T, address string, most int) crawled {
	t.Helper()
	x := quiet(t)
	x.visit(address + "/overview")
	c := eval[crawled](x, fmt.Sprintf(crawl, most))
	for _, bad := range c.Bad {
		t.Error(bad)
	}
	x.expects("Applying inline style") // of the landing page, as the crawler parses it on another
	return c
}

// Each link of each page leads somewhere.
func TestLinks(t *testing.T) {
	d := demoOf(t)
	c := follow(t, d.URL(), 600)
	for _, path := range []string{"/overview", "/drives", "/drives/sda", "/fleet", "/fleet/storage-02", "/metrics", "/graphql", "/api/overview"} {
		if !slices.Contains(c.Seen, path) {
			t.Errorf("nothing leads to %s: %v", path, c.Seen)
		}
	}
	if len(c.Others) == 0 {
		t.Error("nothing leads to the other host")
	}
	for _, other := range c.Others[:min(len(c.Others), 3)] {
		if status := statusOf(t, other); status != http.StatusOK {
			t.Errorf("%d %s", status, other)
		}
	}
	t.Logf("%d addresses here, %d elsewhere", len(c.Seen), len(c.Others))
}

// statusOf is how an address answers a browser.
func statusOf(t *testing.T, address string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// What is disabled is not led to.
func TestLinksWhereLittleIsEnabled(t *testing.T) {
	t.Parallel()
	tree := enclosuretest.New(t)
	tree.AddDisk(blocktest.Disk{Name: "sda", Device: blocktest.Device{Number: "8:0"}, Address: "0:0:0:0", Model: "M", WWID: "naa.5000000000000001", State: "running"})
	tree.AddEnclosure(enclosuretest.Enclosure{Address: "0:0:9:0", ID: "0x3000000000000001", Vendor: "V", Model: "M", Bays: []enclosuretest.Bay{
		{Name: "Slot 00", Slot: "0", Status: "OK", Fault: "0", Locate: "0", Power: "on", Disk: "sda"},
	}})
	sysfs := tree.Sys()
	volume := file(t, "c.toml", "[volume.v]\nbackend = \"vfs\"\npath = \"/\"\n")
	for name, flags := range map[string][]string{
		"nothing":    {"--collector.disable-defaults"},
		"volumes":    {"--collector.disable-defaults", "--collector.vfs", "--web.telemetry-path=/m", "--config.file=" + volume},
		"enclosures": {"--collector.disable-defaults", "--collector.enclosures", "--path.sysfs=" + sysfs},
	} {
		t.Run(name, func(t *testing.T) {
			e := startExporter(t, flags...)
			if name == "enclosures" {
				x := fast(t)
				x.visit(e.url + "/overview")
				x.await("the drive", `document.querySelector("a.tile")`)
			}
			c := follow(t, e.url, 100)
			if len(c.Others) > 0 {
				t.Errorf("links elsewhere: %v", c.Others)
			}
			for _, path := range c.Seen {
				if strings.Contains(path, "fleet") || name != "enclosures" && strings.Contains(path, "drives") {
					t.Errorf("a link leads to %s", path)
				}
			}
			if !slices.Contains(c.Seen, "/overview") || !slices.Contains(c.Seen, "/api/overview") {
				t.Errorf("few links: %v", c.Seen)
			}
			if name == "enclosures" && !slices.Contains(c.Seen, "/drives/sda") {
				t.Errorf("nothing leads to the drive: %v", c.Seen)
			}
		})
	}
}

// The browser complains of no page: nothing is refused by a policy, no script fails.
func TestNoComplaints(t *testing.T) {
	d := demoOf(t)
	x := blank(t)
	for _, path := range []string{"/", "/graphql", "/overview", "/drives", "/fleet", "/fleet/storage-02", "/drives/sda", "/metrics", "/api/overview"} {
		x.visit(d.URL() + path)
		x.await("all of "+path, `document.readyState === "complete"`)
		for _, c := range x.Complaints() {
			t.Errorf("%s: %s", path, c)
		}
	}
}

// intrusion tries what a text could that has become markup: a script, a style, an image
// from elsewhere and a form that sends there.
const intrusion = `(async () => {
	const add = (tag, set) => { const e = document.createElement(tag); set(e); document.body.append(e); return e; };
	add("script", (e) => { e.textContent = "window.intruded = 'a script'"; });
	add("p", (e) => { e.setAttribute("onclick", "window.intruded = 'a handler'"); }).click();
	const styled = add("p", (e) => { e.setAttribute("style", "position: fixed"); });
	if (getComputedStyle(styled).position === "fixed") window.intruded = "a style";
	await new Promise((done) => add("img", (e) => { e.onload = e.onerror = done; e.src = "http://127.0.0.1:1/x.png"; }));
	await fetch("http://127.0.0.1:1/x").catch(() => {});
	return window.intruded || "";
})()`

// The policy of each page lets nothing run or load that is not the exporter's.
func TestPolicy(t *testing.T) {
	d := demoOf(t)
	x := blank(t)
	for _, path := range []string{"/", "/overview", "/drives", "/drives/sda", "/drives/nothing", "/fleet", "/fleet/storage-02"} {
		x.visit(d.URL() + path)
		x.expects("status of 404")
		if how := eval[string](x, intrusion); how != "" {
			t.Errorf("%s: %s has come in", path, how)
		}
		refused := strings.Join(x.Complaints(), "\n")
		for _, directive := range []string{"script-src", "style-src", "img-src", "connect-src"} {
			if !strings.Contains(refused, directive) {
				t.Errorf("%s: %s refuses nothing:\n%s", path, directive, refused)
			}
		}
	}
}
