package browser_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"storage_exporter/overview"
)

// picture is what a tile looks like.
type picture struct {
	Number, Letter, Value, Name, Href string
	Fill, Image, Border, Outline      string
	Dot                               bool // is seen
}

// picturesOf are the tiles of each enclosure, and last those in none.
const picturesOf = `[...document.querySelectorAll("#enclosures .card")].map((card) => [...card.querySelectorAll(".tile")].map((e) => {
	const s = getComputedStyle(e), dot = e.querySelector(".dot"), has = (q) => e.querySelector(q) ? e.querySelector(q).textContent : "";
	const r = dot && dot.getBoundingClientRect(), d = dot && getComputedStyle(dot);
	return {
		Number: has(".n"), Letter: has("b"), Value: has(".v"), Name: e.getAttribute("aria-label"), Href: e.href || "",
		Fill: s.backgroundColor, Image: s.backgroundImage, Border: s.borderTopStyle, Outline: s.outlineStyle,
		Dot: !!dot && r.width >= 6 && d.backgroundColor !== "rgba(0, 0, 0, 0)" && d.backgroundColor !== s.backgroundColor,
	};
}))`

// legendOf is what the legend says of colours: the fill of each name.
const legendOf = `Object.fromEntries([...document.querySelectorAll(".legend li")].filter((e) => e.querySelector(".swatch"))
	.map((e) => [e.innerText.replace(/^[A-Z?]\s/, "").trim(), getComputedStyle(e.querySelector(".swatch")).backgroundColor]))`

// nothing is the colour of what has none.
const nothing = "rgba(0, 0, 0, 0)"

// channels are red, green and blue of a computed colour.
func channels(t *testing.T, colour string) (r, g, b int) {
	t.Helper()
	if _, err := fmt.Sscanf(colour, "rgb(%d, %d, %d)", &r, &g, &b); err != nil {
		t.Errorf("%q is no plain colour", colour)
	}
	return r, g, b
}

// fills checks that what is the same has the same colour, and what is not another.
type fills struct {
	t  *testing.T
	of map[string]string // by what it says
}

func (f *fills) see(what, colour, where string) {
	f.t.Helper()
	if known, seen := f.of[what]; !seen {
		f.of[what] = colour
		for other, c := range f.of {
			if other != what && c == colour {
				f.t.Errorf("%s: %s and %s have the same colour %s", where, what, other, colour)
			}
		}
	} else if known != colour {
		f.t.Errorf("%s: %s is %s here, and %s elsewhere", where, what, colour, known)
	}
}

// Each slot is where the enclosure has it, with the letter and the colour of what is in
// it; what is hatched is empty, and lights are as they are.
func TestSlotsAreTheData(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	for _, scheme := range []string{"light", "dark"} {
		x.must(x.Colours(scheme))
		still(t, x, d.URL()+"/overview", func(o *overview.Overview) {
			f := fills{t, map[string]string{}}
			shown := eval[[][]picture](x, picturesOf)
			if len(shown) != len(o.Enclosures)+1 {
				t.Fatalf("%d groups of tiles for %d enclosures and the drives in none", len(shown), len(o.Enclosures))
			}
			seen := map[string]int{}
			for i, e := range o.Enclosures {
				if len(shown[i]) != len(e.Slots) {
					t.Fatalf("%d tiles for the %d slots of %s", len(shown[i]), len(e.Slots), e.ID)
				}
				for j := range e.Slots {
					s, p := &e.Slots[j], &shown[i][j]
					where := scheme + ", enclosure " + e.ID + ", slot " + s.Slot
					if p.Number != s.Slot {
						t.Errorf("%s: the tile is that of %s", where, p.Number)
					}
					lights(t, s, p, where)
					if s.Drive == nil {
						seen["empty"]++
						if p.Image == "none" || p.Fill != nothing || p.Border != "dashed" || p.Letter != "" || p.Href != "" || !strings.Contains(p.Name, "empty") {
							t.Errorf("%s: an empty slot is %+v", where, p)
						}
						continue
					}
					if t.Failed() {
						return // one is enough
					}
					seen[stateOf(s.Drive)]++
					drawn(t, &f, s.Drive, p, where)
				}
			}
			for i := range o.Outside {
				drawn(t, &f, &o.Outside[i], &shown[len(o.Enclosures)][i], scheme+", in no enclosure")
			}
			for _, state := range []string{"ok", "warning", "failing", "asleep", "empty"} {
				if seen[state] == 0 {
					t.Errorf("%s: the demo has nothing that is %s", scheme, state)
				}
			}
			meanings(t, f.of)
			for name, colour := range eval[map[string]string](x, legendOf) {
				if known, drawn := f.of[name]; drawn && known != colour {
					t.Errorf("%s: the legend has %s for %s, which is %s", scheme, colour, name, known)
				}
			}
		})
	}
}

// lights compares the lights of a slot.
func lights(t *testing.T, s *overview.Slot, p *picture, where string) {
	t.Helper()
	fault, locate := s.Fault != nil && *s.Fault, s.Locate != nil && *s.Locate
	if p.Dot != fault || strings.Contains(p.Name, "fault light on") != fault {
		t.Errorf("%s: fault light %v is shown as %+v", where, fault, p)
	}
	if (p.Outline == "solid") != locate || strings.Contains(p.Name, "locate light on") != locate {
		t.Errorf("%s: locate light %v is shown as %+v", where, locate, p)
	}
}

// drawn compares a drive's tile where the verdict is shown.
func drawn(t *testing.T, f *fills, d *overview.Drive, p *picture, where string) {
	t.Helper()
	state := stateOf(d)
	if p.Letter != letters[state] || p.Image != "none" {
		t.Errorf("%s: %s has the letter %q, image %s", where, state, p.Letter, p.Image)
	}
	f.see(state, p.Fill, where)
	for _, word := range []string{state, d.Serial, d.Device} {
		if !strings.Contains(p.Name, word) {
			t.Errorf("%s: %q does not say %s", where, p.Name, word)
		}
	}
	if want := strconv.FormatFloat(*d.TemperatureCelsius, 'f', 0, 64) + " °C"; state != "asleep" && p.Value != want {
		t.Errorf("%s: %s, not %s", where, p.Value, want)
	}
	if !strings.HasSuffix(p.Href, "/drives/"+d.Device) {
		t.Errorf("%s: leads to %s", where, p.Href)
	}
}

// meanings says whether colours are what people take them for.
func meanings(t *testing.T, of map[string]string) {
	t.Helper()
	for state, right := range map[string]func(r, g, b int) bool{
		"ok":      func(r, g, b int) bool { return g > r && g > b },
		"warning": func(r, g, b int) bool { return r > b+20 && g > b+20 },
		"failing": func(r, g, b int) bool { return r > g+20 && r > b+20 },
		"asleep":  func(r, g, b int) bool { return b > r && b > g },
	} {
		if r, g, b := channels(t, of[state]); !right(r, g, b) {
			t.Errorf("%s has the colour %s", state, of[state])
		}
	}
}
