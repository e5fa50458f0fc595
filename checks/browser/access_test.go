package browser_test

import (
	"slices"
	"strings"
	"testing"
)

// faultsOfMarkup are what a reader of the page by ear would stumble on.
const faultsOfMarkup = `(() => {
	const wrong = [], all = (q) => [...document.querySelectorAll(q)];
	const one = (q, what) => { if (all(q).length !== 1) wrong.push(all(q).length + " " + what); };
	one("h1", "h1");
	one("main", "main");
	one("header", "header");
	one("title", "title");
	if (!document.documentElement.lang) wrong.push("no language");
	let level = 0;
	for (const h of all("h1, h2, h3, h4, h5, h6")) {
		const now = Number(h.tagName[1]);
		if (now > level + 1) wrong.push(h.tagName + " after h" + level + ": " + h.innerText);
		if (!h.innerText.trim()) wrong.push("empty " + h.tagName);
		level = now;
	}
	if (all("h1, h2, h3, h4, h5, h6")[0]?.tagName !== "H1") wrong.push("the first heading is no h1");
	const ids = all("[id]").map((e) => e.id);
	for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) wrong.push("id twice: " + id);
	for (const e of all("[aria-labelledby], [aria-describedby], label[for]")) {
		for (const id of (e.getAttribute("aria-labelledby") || e.getAttribute("aria-describedby") || e.htmlFor).split(" "))
			if (!document.getElementById(id)) wrong.push("nothing has the id " + id);
	}
	for (const e of all("input, select, textarea")) if (!e.labels.length) wrong.push("no label: " + e.outerHTML);
	for (const e of all("table")) if (!e.querySelector("thead th[scope=col]") || !e.querySelector("tbody th[scope=row]")) wrong.push("a table without heads: " + e.parentElement.id);
	for (const e of all("[role=group]:not([aria-label])")) wrong.push("a group without a name: " + e.id);
	for (const e of all("[tabindex]")) if (e.tabIndex > 0) wrong.push("tabindex " + e.tabIndex);
	for (const e of all("[style], [onclick], [onload], script:not([src]), style")) wrong.push("inline: " + e.outerHTML.slice(0, 80));
	for (const e of all("a[target=_blank]")) wrong.push("opens a window: " + e.href);
	for (const e of all("main *")) {
		if (e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e.tabIndex !== 0)
			wrong.push("scrolls by mouse only: " + e.tagName + "." + e.className);
	}
	return wrong;
})()`

// heard checks that a page can be read by ear: names for all that can be acted on,
// headings in order, landmarks.
func (x *tab) heard() {
	t := x.t
	t.Helper()
	for _, wrong := range eval[[]string](x, faultsOfMarkup) {
		t.Error(wrong)
	}
	nodes, err := x.Tree()
	x.must(err)
	names := map[string][]string{}
	for _, n := range nodes {
		if n.Name == "" && slices.Contains(named, n.Role) {
			t.Errorf("a %s without a name: %s", n.Role, n.Within)
		}
		names[n.Role] = append(names[n.Role], n.Name)
	}
	for _, landmark := range []string{"banner", "main", "navigation", "search"} {
		if len(names[landmark]) == 0 {
			t.Errorf("no landmark %s", landmark)
		}
	}
	if len(names["searchbox"]) != 1 {
		t.Errorf("fields for a search: %q", names["searchbox"])
	}
	for _, role := range []string{"navigation", "region"} {
		for i, name := range names[role] {
			if slices.Contains(names[role][:i], name) {
				t.Errorf("several landmarks %s are called %q", role, name)
			}
		}
	}
	if title := eval[string](x, "document.title"); !strings.Contains(title, "storage-01") || !strings.Contains(title, "demo") {
		t.Errorf("the title %q does not say whose page it is", title)
	}
}

// named are the roles that mean nothing without a name.
var named = []string{"link", "button", "searchbox", "textbox", "image", "progressbar", "heading", "region", "navigation", "DisclosureTriangle"}

// unringed are the elements around which no ring is seen when they have the focus.
const unringed = `[...document.querySelectorAll("a[href], input, button, summary, [tabindex='0']")].filter((e) => e.checkVisibility()).filter((e) => {
	e.focus();
	const s = getComputedStyle(e);
	return document.activeElement !== e || s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2 || s.outlineColor === "rgba(0, 0, 0, 0)";
}).map((e) => e.outerHTML.slice(0, 100))`

// ringed checks that one sees where one is.
func (x *tab) ringed() {
	x.t.Helper()
	x.press("\t") // from now on the focus is the keyboard's
	if list := eval[[]string](x, unringed); len(list) > 0 {
		x.t.Errorf("the focus is not seen on %d elements such as %s", len(list), list[0])
	}
}

// The name of a slot says all that its picture shows.
func TestNamesOfSlots(t *testing.T) {
	x := quiet(t)
	x.visit(demoOf(t).URL() + "/overview")
	eval[bool](x, reveal)
	nodes, err := x.Tree()
	x.must(err)
	var links []string
	for _, n := range nodes {
		if n.Role == "link" || n.Role == "image" {
			links = append(links, n.Name)
		}
	}
	for _, want := range []string{"slot 7, sdh, DEMOAH0007, failing, ", "slot 11, sdbl, DEMOCS0063, failing, ", ", fault light on", "slot 26, empty, fault light on, locate light on"} {
		if !slices.ContainsFunc(links, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("no slot is called %q: %v", want, links)
		}
	}
}
