package browser_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// focused is what has the focus.
type focused struct {
	ID, Class, Href, Name string
	Seen                  bool   // within the window
	Ring                  string // its outline
}

const focusedNow = `((e) => {
	const r = e.getBoundingClientRect(), s = getComputedStyle(e);
	return {
		ID: e.id, Class: String(e.className), Href: e.href || "", Name: e.getAttribute("aria-label") || e.innerText || "",
		Seen: r.right > 0 && r.bottom > 0 && r.left < innerWidth && r.top < innerHeight && r.width > 2,
		Ring: s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2 ? "" : s.outlineColor,
	};
})(document.activeElement)`

// All of the page is reached by the keyboard alone, in the order in which it is seen,
// and one sees where one is.
func TestKeyboard(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	x.visit(d.URL() + "/overview")
	slots := eval[[]string](x, `[...document.querySelectorAll("#enclosures .rack a.tile")].map((e) => e.href)`)
	var way []focused
	var reached []string
	for len(reached) < 30 && len(way) < 120 {
		x.press(kb.Tab)
		f := eval[focused](x, focusedNow)
		if !f.Seen || f.Ring == "" || f.Ring == nothing {
			t.Errorf("after %d steps the focus is not seen: %+v", len(way)+1, f)
		}
		way = append(way, f)
		if strings.Contains(f.Class, "tile") {
			reached = append(reached, f.Href)
		}
	}
	if !strings.Contains(way[0].Name, "Skip") || way[1].ID != "q" {
		t.Errorf("the way begins with %+v", way[:3])
	}
	if len(reached) < 30 || !slices.Equal(reached, slots[:30]) {
		t.Errorf("the slots are reached as %v", reached)
	}
	from := eval[string](x, "location.href")
	x.press(kb.Enter)
	x.leaves(from)
	if at := eval[string](x, "location.href"); at != reached[29] {
		t.Errorf("Enter on %s leads to %s", reached[29], at)
	}
	// The first link leads past the head.
	x.press(kb.Tab)
	x.press(kb.Enter)
	if id := eval[string](x, "document.activeElement.id"); id != "main" {
		t.Errorf("the skip link leads to %q", id)
	}
	// What is closed opens.
	eval[bool](x, `(document.querySelector("#document summary").focus(), true)`)
	x.press(kb.Enter)
	x.await("the document", `document.querySelector("#document").open && document.querySelector("#document-text").checkVisibility()`)
}
