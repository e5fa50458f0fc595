package browser_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"storage_exporter/internal/demo"
)

// faultOf is one of the demo's.
func faultOf(t *testing.T, d *demo.Demo, name string) demo.Fault {
	t.Helper()
	for _, f := range d.Faults() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no fault %s", name)
	return demo.Fault{}
}

// A drive fails, and the page shows it: without a reload, with nothing moved that a
// person has moved.
func TestADriveFails(t *testing.T) {
	t.Parallel()
	d := demoOf(t)
	f := faultOf(t, d, "drive-fails")
	slot := strings.Fields(f.Broken[strings.Index(f.Broken, "slot "):])[1] // such as B4
	card := "#enclosure-" + slot[:1]
	tile := fmt.Sprintf(`[...document.querySelectorAll("%s a.tile")].find((e) => e.querySelector(".n").textContent === %q)`, card, slot[1:])
	letter := fmt.Sprintf(`(%s.querySelector("b") || {textContent: ""}).textContent`, tile)
	x := blank(t)
	x.must(x.Size(700, 600)) // so that the picture of the slots scrolls
	x.visit(d.URL() + "/overview")
	if now := eval[string](x, letter); now != "" {
		t.Fatalf("slot %s has the letter %s before", slot, now)
	}
	x.must(x.Do(chromedp.Click(chromedp.CSS("#pools summary"), chromedp.NodeVisible)))
	before := eval[map[string]any](x, fmt.Sprintf(`(window.mark = "the same document", document.querySelector("%[1]s .rack").scrollLeft = 120, %[2]s.focus({preventScroll: true}),
		scrollTo(0, document.querySelector("%[1]s").offsetTop - 50), {y: scrollY, heading: document.querySelector("h2").textContent, title: document.title, href: %[2]s.href})`, card, tile))
	if err := f.Break(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Repair(t.Context()); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	x.await("slot "+slot+" with an F", letter+` === "F"`)
	t.Logf("seen after %v", time.Since(began).Round(100*time.Millisecond))
	after := eval[map[string]any](x, fmt.Sprintf(`({mark: window.mark, y: scrollY, left: document.querySelector("%[1]s .rack").scrollLeft, focus: document.activeElement.href, open: document.querySelector("#pools details").open,
		heading: document.querySelector("h2").textContent, title: document.title, news: document.querySelector("#news").textContent, ring: document.activeElement.matches(":focus-visible"), fill: getComputedStyle(%[2]s).backgroundColor})`, card, tile))
	if after["mark"] != "the same document" {
		t.Error("the page was loaded anew")
	}
	for what, want := range map[string]any{"y": before["y"], "left": 120.0, "focus": before["href"], "open": true} {
		if after[what] != want {
			t.Errorf("%s is %v, and was %v", what, after[what], want)
		}
	}
	if after["heading"] == before["heading"] || after["title"] == before["title"] {
		t.Errorf("the heading is %q still, the title %q", after["heading"], after["title"])
	}
	if after["news"] != after["title"] {
		t.Errorf("those who do not see are told %q", after["news"])
	}
	if why := x.textOf(".problems"); !strings.Contains(why, slot[:1]+", slot "+slot[1:]) {
		t.Errorf("what is wrong does not name slot %s:\n%s", slot, why)
	}
}

// What does not change is not sent again.
func TestNothingChangesNothingIsSent(t *testing.T) {
	d := demoOf(t)
	x := fast(t)
	x.visit(d.URL() + "/fleet?wrong=all") // which changes less often than it is asked for
	x.await("three answers", `performance.getEntriesByType("resource").filter((e) => e.name.includes("/fleet")).length >= 3`)
	if few := eval[bool](x, `performance.getEntriesByType("resource").some((e) => e.name.includes("/fleet") && e.responseStatus === 304)`); !few {
		t.Errorf("the page is sent each time: %v", eval[[]int](x, `performance.getEntriesByType("resource").filter((e) => e.name.includes("/fleet")).map((e) => e.responseStatus)`))
	}
}

// fast is a tab whose script does not wait as long as for people.
func fast(t *testing.T) *tab {
	t.Helper()
	x := blank(t)
	x.must(x.First(hurry))
	return x
}

// hurry makes each delay a tenth, and the patience with an answer a quarter.
const hurry = `{
	const timer = window.setTimeout, limit = AbortSignal.timeout.bind(AbortSignal);
	window.setTimeout = (f, ms, ...more) => timer(f, ms / 10, ...more);
	AbortSignal.timeout = (ms) => limit(ms / 4);
}`

// oldShown is whether the line is seen that says since when there is no answer.
const oldShown = `document.querySelector("#old").checkVisibility() && document.querySelector("#old").textContent`

// The exporter hangs, the page says since when it has not answered, and goes on when it
// goes on.
func TestTheExporterHangs(t *testing.T) {
	d := demoOf(t)
	x := fast(t)
	x.visit(d.URL() + "/overview")
	x.await("an age", `/^\d+ s ago$/.test(document.querySelector("#age").textContent)`)
	if eval[bool](x, "!!("+oldShown+")") {
		t.Error("the data are said to be old before")
	}
	before := eval[int](x, `document.querySelectorAll(".tile").length`)
	pid := d.PIDs()[0] // the exporter whose page it is
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	goOn := func() {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(goOn)
	x.await("a line", oldShown)
	if line := x.textOf("#old"); !strings.Contains(line, "No answer since") || !strings.ContainsAny(line, "0123456789") || !strings.Contains(line, ":") {
		t.Errorf("the line is %q", line)
	}
	if role := eval[string](x, `document.querySelector("#old").getAttribute("role")`); role != "alert" {
		t.Errorf("the line has the role %q", role)
	}
	if tiles := eval[int](x, `document.querySelectorAll(".tile").length`); tiles != before {
		t.Errorf("%d tiles of %d are left", tiles, before)
	}
	goOn()
	x.await("no line", "!("+oldShown+")")
}

// The exporter ends, is started again, and the page goes on with what the new one says.
func TestTheExporterIsStartedAgain(t *testing.T) {
	t.Parallel()
	e := startExporter(t, "--no-collector.smart", "--no-collector.enclosures", "--no-collector.zfs", "--config.file="+file(t, "c.toml", "[volume.first]\nbackend = \"vfs\"\npath = \"/\"\n"))
	x := fast(t)
	x.visit(e.url + "/overview")
	x.await("the volume", `document.querySelector("#volumes").innerText.includes("first")`)
	e.end()
	x.await("a line", oldShown)
	x.expects("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
	startExporterAt(t, e.address, "--no-collector.smart", "--no-collector.enclosures", "--no-collector.zfs", "--config.file="+file(t, "c.toml", "[volume.second]\nbackend = \"vfs\"\npath = \"/\"\n"))
	x.await("the new one's volume", `document.querySelector("#volumes").innerText.includes("second") && !(`+oldShown+`)`)
	x.expects("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
}
