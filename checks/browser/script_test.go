package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Without its script the page has all there is, and all of it works.
func TestWithoutScript(t *testing.T) {
	d := demoOf(t)
	x := blank(t)
	want := driveThat(t, d, failing)
	x.visit(d.URL() + "/overview")
	withScript := eval[int](x, `document.querySelectorAll("main *").length`)
	x.must(x.Script(false))
	x.visit(d.URL() + "/overview")
	if n := eval[int](x, `document.querySelectorAll("main *").length`); n < withScript*9/10 {
		t.Errorf("%d elements, and with the script %d", n, withScript)
	}
	if tiles := eval[int](x, `document.querySelectorAll(".rack .tile").length`); tiles != overviewOf(t, d).Counts.Slots.Total {
		t.Errorf("%d slots", tiles)
	}
	if age := x.textOf("#age"); !strings.HasPrefix(age, "as of ") {
		t.Errorf("how old it is: %q", age)
	}
	if refresh := eval[string](x, `(document.querySelector("noscript meta[http-equiv=refresh]") || {content: "none"}).content`); refresh != "30" {
		t.Errorf("it refreshes itself: %s", refresh)
	}
	if eval[bool](x, `document.querySelector("#old").checkVisibility()`) {
		t.Error("the data are said to be old")
	}
	x.click(`.overlays a[href*="show=temperature"]`)
	if now := x.textOf(".overlays [aria-current]"); now != "Temperature" {
		t.Errorf("the overlay is %q", now)
	}
	x.must(x.Do(chromedp.Click(chromedp.CSS("#pools summary"), chromedp.NodeVisible)))
	x.await("the members of a pool", `document.querySelector("#pools details").open`)
	x.click(`.counts a[href$="drives"]`)
	x.click(`#drives-table thead a[href*="sort=-temperature"]`)
	if sorted := x.textOf(`[aria-sort="descending"]`); !strings.HasPrefix(sorted, "Temperature") {
		t.Errorf("sorted by %q", sorted)
	}
	from := eval[string](x, "location.href")
	x.must(x.Do(chromedp.SendKeys(chromedp.CSS("#q"), want.Serial+kb.Enter)))
	x.leaves(from)
	x.click("#drives-table tbody th a")
	if title := x.textOf("h1"); !strings.Contains(title, want.Device) || !strings.Contains(title, "failing") {
		t.Errorf("the search leads to %q", title)
	}
}
