package browser_test

import (
	"fmt"
	"strings"
	"testing"
)

// contrast is a text that is hard to read, or a count of those that were looked at.
type contrast struct {
	Seen int
	Poor []string
}

// poorContrast computes the contrast of each text with what is behind it, as WCAG has
// it, from the styles that the browser uses. A hatch is behind a text with each of its
// colours.
const poorContrast = `(() => {
	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
	const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
	const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255, v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
	const known = new Map();
	const grounds = (e) => known.get(e) || known.set(e, behind(e)).get(e);
	const behind = (e) => {
		const below = e.parentElement ? grounds(e.parentElement) : [[255, 255, 255, 1]];
		const s = getComputedStyle(e), own = parse(s.backgroundColor);
		const filled = below.map((b) => over(own, b));
		if (s.backgroundImage === "none") return filled;
		return filled.flatMap((b) => [...s.backgroundImage.matchAll(/rgba?\([^)]*\)/g)].map((m) => over(parse(m[0]), b)));
	};
	const poor = [];
	let seen = 0;
	const look = (e, colour, opacity, text) => {
		const least = Math.min(...grounds(e).map((g) => ratio(over([...colour.slice(0, 3), colour[3] * opacity], g), g)));
		seen++;
		if (least < 4.5) poor.push(least.toFixed(2) + " " + e.tagName + "." + e.className + " “" + text.trim().slice(0, 40) + "”");
	};
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n = walker.nextNode(); n; n = walker.nextNode()) {
		const e = n.parentElement, range = document.createRange();
		range.selectNodeContents(n);
		const r = range.getBoundingClientRect();
		if (!n.data.trim() || !e.checkVisibility({visibilityProperty: true}) || r.width < 2 || e.closest(".hidden, .skip")) continue;
		let opacity = 1;
		for (let p = e; p; p = p.parentElement) opacity *= Number(getComputedStyle(p).opacity);
		look(e, parse(getComputedStyle(e).color), opacity, n.data);
	}
	for (const e of document.querySelectorAll("input")) {
		const s = getComputedStyle(e), p = getComputedStyle(e, "::placeholder");
		if (!e.checkVisibility()) continue;
		look(e, parse(s.color), 1, "what is typed");
		look(e, parse(p.color), Number(p.opacity), e.placeholder);
	}
	return {Seen: seen, Poor: poor};
})()`

// legible checks that each text can be read on what is behind it, and returns their
// number.
func (x *tab) legible(how string) int {
	x.t.Helper()
	c := eval[contrast](x, poorContrast)
	if len(c.Poor) > 0 {
		x.t.Errorf("%s: %d of %d texts are hard to read: %s", how, len(c.Poor), c.Seen, strings.Join(c.Poor[:min(len(c.Poor), 5)], "; "))
	}
	return c.Seen
}

// lightness is that of the ground, 0 to 255.
const lightness = `getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).slice(0, 3).reduce((sum, v) => sum + Number(v), 0) / 3`

// The page is dark where the system is, form fields included, and light where that is.
func TestDark(t *testing.T) {
	x := open(t, demoOf(t).URL()+"/overview")
	for scheme, right := range map[string]func(v float64) bool{"light": func(v float64) bool { return v > 220 }, "dark": func(v float64) bool { return v < 50 }} {
		x.must(x.Colours(scheme))
		if v := eval[float64](x, lightness); !right(v) {
			t.Errorf("%s: the ground is %v", scheme, v)
		}
		for _, of := range []string{"input", ".card"} {
			if v := eval[float64](x, strings.Replace(lightness, "document.documentElement", fmt.Sprintf("document.querySelector(%q)", of), 1)); !right(v) {
				t.Errorf("%s: the ground of %s is %v", scheme, of, v)
			}
		}
		if s := eval[string](x, `getComputedStyle(document.documentElement).colorScheme`); s != "light dark" {
			t.Errorf("form fields follow %q", s)
		}
	}
}

// narrow checks that on a phone a page scrolls down only, and cuts nothing off.
func (x *tab) narrow() {
	x.t.Helper()
	if w := eval[int](x, "document.scrollingElement.scrollWidth"); w > phoneWidth {
		x.t.Errorf("the page is %d px wide: %v", w, eval[[]string](x, tooWide))
	}
	if cut := eval[[]string](x, cutOff); len(cut) > 0 {
		x.t.Errorf("texts are cut off: %v", cut)
	}
	if small := eval[[]string](x, tooSmall); len(small) > 0 {
		x.t.Errorf("too small for a finger: %v", small)
	}
}

const phoneWidth = 360

const (
	tooWide = `[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.parentElement.closest(".scroll, .rack, pre, .skip")).map((e) => e.tagName + "." + e.className).slice(0, 5)`
	cutOff  = `[...document.querySelectorAll("h1, h2, h3, p, dd, .why, .what")].filter((e) => e.checkVisibility() && !e.closest(".hidden, .scroll") && e.scrollWidth > e.clientWidth + 1)
		.map((e) => e.tagName + "." + e.className + " " + e.innerText.slice(0, 40))`
	tooSmall = `[...document.querySelectorAll("a.tile, .overlays a, header nav a, input, summary")].filter((e) => { const r = e.getBoundingClientRect(); return r.height < 20 || r.width < 20; })
		.map((e) => e.className + " " + e.innerText)`
)

// What is wide scrolls by itself on a phone, and slots keep their places.
func TestPhone(t *testing.T) {
	x := blank(t)
	x.must(x.Size(phoneWidth, 740))
	x.visit(demoOf(t).URL() + "/overview")
	rack := eval[map[string]any](x, `((r) => (r.scrollLeft = 200, {scrolls: r.scrollWidth > r.clientWidth + 100, left: r.scrollLeft, page: scrollX,
		tops: new Set([...r.querySelectorAll(".row")].map((row) => new Set([...row.querySelectorAll(".tile")].map((e) => e.getBoundingClientRect().top)).size)).size,
		rows: r.querySelectorAll(".row").length, columns: r.querySelector(".row").children.length}))(document.querySelector(".rack"))`)
	if rack["scrolls"] != true || rack["left"] != 200.0 || rack["page"] != 0.0 || rack["tops"] != 1.0 || rack["columns"] != 13.0 || rack["rows"] != 2.0 {
		t.Errorf("the picture of the slots: %v", rack)
	}
}

// On paper there is what is to be read, all of it, and nothing to click.
func TestPrint(t *testing.T) {
	x := open(t, demoOf(t).URL()+"/overview")
	x.must(x.Print())
	x.must(x.Size(740, 1000)) // about what A4 has
	for _, gone := range []string{"header form", "header nav", ".overlays"} {
		if eval[bool](x, fmt.Sprintf("document.querySelector(%q).checkVisibility()", gone)) {
			t.Errorf("%s is printed", gone)
		}
	}
	if w := eval[int](x, `Math.max(...[...document.querySelectorAll(".tile")].map((e) => e.getBoundingClientRect().right))`); w > 740 {
		t.Errorf("slots reach to %d px", w)
	}
	if !eval[bool](x, `document.querySelector("#pools details table").checkVisibility({contentVisibilityAuto: true}) && document.querySelector("#pools details table").getBoundingClientRect().height > 50`) {
		t.Error("what is closed is not printed")
	}
	if eval[float64](x, lightness) < 250 {
		t.Error("the ground is printed")
	}
}
