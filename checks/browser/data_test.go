package browser_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"storage_exporter/overview"
	"storage_exporter/smart/assess"
	"storage_exporter/smart/report"
)

// still opens an address until the API says the same before and after that, and calls
// see with what it says. Temperatures change now and then, ages always.
func still(t *testing.T, x *tab, url string, see func(o *overview.Overview)) {
	t.Helper()
	d := demoOf(t)
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		before := overviewOf(t, d)
		x.visit(url)
		if after := overviewOf(t, d); moving(t, before) == moving(t, after) {
			see(after)
			return
		}
	}
	t.Fatal("the API never says the same for the time of a page")
}

// moving is what of an overview is on the page.
func moving(t *testing.T, o *overview.Overview) string {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "built_at")
	delete(all, "volumes")
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range []string{"observed_at", "age_seconds", "checked_at", "stale", "scan", "power_on_seconds"} {
				delete(v, k)
			}
			for _, x := range v {
				strip(x)
			}
		case []any:
			for _, x := range v {
				strip(x)
			}
		}
	}
	strip(all)
	raw, _ = json.Marshal(all)
	return string(raw)
}

// stateOf is how a drive is, in a word.
func stateOf(d *overview.Drive) string {
	verdict := string(d.Assessment.Verdict)
	if (d.PowerMode == report.Standby || d.PowerMode == report.Sleep) && d.Assessment.Verdict == assess.OK {
		return "asleep"
	}
	return verdict
}

// letters are those of the states.
var letters = map[string]string{"ok": "", "asleep": "S", "warning": "W", "failing": "F", "unknown": "?"}

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

// Each overlay shows its value and the step of that, and the letters stay.
func TestOverlays(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	steps := fills{t, map[string]string{}}
	for _, o := range []overlay{
		{"temperature", func(d *overview.Drive) *float64 { return d.TemperatureCelsius }, heatOf, " °C"},
		{"hours", func(d *overview.Drive) *float64 { return d.PowerOnSeconds }, func(d *overview.Drive) int {
			return reached(*d.PowerOnSeconds/(365.25*24*3600), 4, 5, 6, 7)
		}, ""},
		{"wear", func(d *overview.Drive) *float64 { return d.WearPercent }, func(d *overview.Drive) int { return reached(*d.WearPercent, 0.5, 50, 80, 90) }, " %"},
		{"errors", func(d *overview.Drive) *float64 { return d.Errors }, func(d *overview.Drive) int { return reached(*d.Errors, 1, 5, 17, 101) }, ""},
	} {
		still(t, x, d.URL()+"/overview?show="+o.name, func(all *overview.Overview) {
			if now := x.textOf(".overlays [aria-current]"); !strings.EqualFold(now, o.name) {
				t.Errorf("%s: the current overlay is %s", o.name, now)
			}
			shown := slices.Concat(eval[[][]picture](x, picturesOf)...)
			drives := drivesOf(all)
			known := 0
			for i := range shown {
				p, d := &shown[i], drives[i]
				if t.Failed() {
					return
				}
				if d == nil {
					continue
				}
				if o.known(&steps, d, p) {
					known++
				}
			}
			if known == 0 {
				t.Errorf("%s: nothing is known", o.name)
			}
		})
	}
	if len(steps.of) < 4 {
		t.Errorf("few steps are seen: %v", steps.of)
	}
}

// drivesOf are the drives of all slots in order, nil for an empty one, then those in
// none.
func drivesOf(o *overview.Overview) (list []*overview.Drive) {
	for i := range o.Enclosures {
		for j := range o.Enclosures[i].Slots {
			list = append(list, o.Enclosures[i].Slots[j].Drive)
		}
	}
	for i := range o.Outside {
		list = append(list, &o.Outside[i])
	}
	return list
}

// overlay is one that shows a number.
type overlay struct {
	name string
	of   func(*overview.Drive) *float64
	step func(*overview.Drive) int
	unit string // empty: the value is written in a way of its own
}

// known compares a drive's tile, and says whether its value is known.
func (o *overlay) known(steps *fills, d *overview.Drive, p *picture) bool {
	t := steps.t
	t.Helper()
	where := o.name + " of " + d.Device
	if want := letters[stateOf(d)]; p.Letter != want && (p.Letter != "H" || o.name != "temperature" || want != "") {
		t.Errorf("%s: letter %q, not %q", where, p.Letter, want)
	}
	v := o.of(d)
	if v == nil {
		if p.Value != "–" || p.Fill != nothing {
			t.Errorf("%s: not known, and shown as %+v", where, p)
		}
		return false
	}
	steps.see(fmt.Sprint("step ", o.step(d)), p.Fill, where)
	if want := strconv.FormatFloat(*v, 'f', 0, 64) + o.unit; o.unit != "" && p.Value != want {
		t.Errorf("%s: %s, not %s", where, p.Value, want)
	}
	if !strings.Contains(p.Name, p.Value) {
		t.Errorf("%s: %q does not say %s", where, p.Name, p.Value)
	}
	return true
}

func reached(v float64, limits ...float64) (n int) {
	for _, l := range limits {
		if v >= l {
			n++
		}
	}
	return n
}

// heatOf is neutral below 46 °C, and at the last step from five degrees below the
// drive's own limit on.
func heatOf(d *overview.Drive) int {
	last := 60.0
	if d.TemperatureLimit != nil {
		last = *d.TemperatureLimit - 5
	}
	third := (last - 46) / 3
	return reached(*d.TemperatureCelsius, 46, 46+third, 46+2*third, last)
}

// Drives of one pool have one colour and one letter, which the legend explains.
func TestOverlayOfPools(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	still(t, x, d.URL()+"/overview?show=pool", func(o *overview.Overview) {
		legend := eval[map[string]string](x, legendOf)
		shown := slices.Concat(eval[[][]picture](x, picturesOf)...)
		pools, marks := fills{t, map[string]string{}}, map[string]string{}
		for i, d := range drivesOf(o) {
			p := &shown[i]
			switch {
			case t.Failed():
				return
			case d == nil:
			case len(d.Pools) == 0:
				if p.Fill != nothing || p.Value != "–" {
					t.Errorf("%s is in no pool, and shown as %+v", d.Device, p)
				}
			default:
				m := d.Pools[0]
				pools.see(m.Pool, p.Fill, d.Device)
				letter, vdev, _ := strings.Cut(p.Value, " ")
				marks[m.Pool] = letter
				if !strings.HasSuffix(m.Vdev, vdev) && vdev != string(m.Role) || !strings.Contains(p.Name, "pool "+m.Pool+" "+m.Vdev) {
					t.Errorf("%s of %s %s is shown as %+v", d.Device, m.Pool, m.Vdev, p)
				}
			}
		}
		if len(pools.of) != len(o.Pools) {
			t.Errorf("%d pools have colours: %v", len(pools.of), pools.of)
		}
		for name, colour := range pools.of {
			if legend[name] != colour {
				t.Errorf("pool %s is %s, and %q in the legend %v", name, colour, legend[name], legend)
			}
			if says := x.textOf(".legend"); !strings.Contains(says, marks[name]+" "+name) && !strings.Contains(says, marks[name]+"\n"+name) {
				t.Errorf("pool %s has the letter %s, and the legend says %q", name, marks[name], says)
			}
		}
	})
}

// The counts are those of the data, and each leads to its list.
func TestCounts(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	still(t, x, d.URL()+"/overview", func(o *overview.Overview) {
		type tile struct{ N, Noun, Says, Href string }
		shown := map[string]tile{}
		for _, c := range eval[[]tile](x, `[...document.querySelectorAll(".counts a")].map((e) => ({N: e.querySelector(".number").textContent,
			Noun: e.children[1].textContent, Says: e.querySelector(".says").textContent, Href: e.href}))`) {
			shown[c.Noun] = c
		}
		drives := map[string]int{}
		for _, d := range drivesOf(o) {
			if d != nil {
				drives[stateOf(d)]++
			}
		}
		c := o.Counts
		for noun, want := range map[string]struct {
			n  int
			by map[string]int
		}{
			"drives":     {c.Drives.Total, drives},
			"enclosures": {len(o.Enclosures), map[string]int{"slots": c.Slots.Total, "empty": c.Slots.Empty, "faults": c.Slots.Fault}},
			"pools":      {c.Pools.Total, lower(c.Pools.ByState)},
			"volumes":    {c.Volumes.Total, lower(c.Volumes.ByStatus)},
			"proxies":    {c.Proxies.Total, renamed(lower(c.Proxies.ByStatus), "unhealthy", "down")},
		} {
			got, there := shown[noun]
			if !there {
				t.Errorf("no count of %s: %v", noun, shown)
				continue
			}
			maps.DeleteFunc(want.by, func(_ string, n int) bool { return n == 0 })
			if got.N != strconv.Itoa(want.n) || !maps.Equal(tallies(t, got.Says), want.by) {
				t.Errorf("%s: %+v, and the data are %+v", noun, got, want)
			}
			x.visit(got.Href)
			if !eval[bool](x, `!location.hash || !!document.querySelector(location.hash)`) {
				t.Errorf("%s leads to %s, which is not there", noun, got.Href)
			}
		}
	})
}

// tallies reads "75 ok · 3 warning".
func tallies(t *testing.T, said string) map[string]int {
	t.Helper()
	by := map[string]int{}
	for part := range strings.SplitSeq(said, " · ") {
		n, word, _ := strings.Cut(part, " ")
		count, err := strconv.Atoi(n)
		if err != nil {
			t.Errorf("%q: %v", said, err)
		}
		by[word] = count
	}
	return by
}

func lower[S ~string](by map[S]int) map[string]int {
	m := map[string]int{}
	for k, n := range by {
		m[strings.ToLower(string(k))] = n
	}
	return m
}

func renamed(by map[string]int, from, to string) map[string]int {
	by[to] = by[from]
	delete(by, from)
	return by
}

// Above all stands what is wrong, the worst first, with its place.
func TestWhatIsWrongComesFirst(t *testing.T) {
	d := demoOf(t)
	x := quiet(t)
	still(t, x, d.URL()+"/overview?wrong=all", func(o *overview.Overview) {
		type row struct{ Letter, Word, What, Why string }
		rows := eval[[]row](x, `[...document.querySelectorAll(".problems li")].map((e) => ({Letter: e.querySelector("[aria-hidden]") ? e.querySelector("[aria-hidden]").textContent : "",
			Word: e.querySelector(".badge .hidden").textContent, What: e.querySelector(".what").innerText, Why: e.querySelector(".why").innerText}))`)
		rank := map[string]int{"failing": 0, "offline": 0, "down": 0, "warning": 1, "degraded": 1, "unavailable": 1, "fault light": 1}
		for i := 1; i < len(rows); i++ {
			if rank[strings.ToLower(rows[i-1].Word)] > rank[strings.ToLower(rows[i].Word)] {
				t.Errorf("%s stands before %s", rows[i-1].What, rows[i].What)
			}
		}
		for _, d := range drivesOf(o) {
			if d == nil || d.Assessment.Verdict == assess.OK {
				continue
			}
			if !slices.ContainsFunc(rows, func(r row) bool {
				return strings.Contains(r.What, d.Serial) && r.Word == stateOf(d) && r.Letter == letters[stateOf(d)] && len(r.Why) > 20
			}) {
				t.Errorf("%s %s (%s) is not listed: %+v", d.Device, d.Serial, d.Assessment.Verdict, rows)
			}
		}
		if heading := x.textOf("h2"); !strings.HasPrefix(heading, strconv.Itoa(len(rows))+" ") {
			t.Errorf("%q stands above %d rows", heading, len(rows))
		}
		if top := eval[float64](x, `document.querySelector(".problems").getBoundingClientRect().top`); top > 200 {
			t.Errorf("what is wrong begins at %v px", top)
		}
	})
}
