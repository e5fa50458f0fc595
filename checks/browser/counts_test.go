package browser_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"storage_exporter/overview"
	"storage_exporter/smart/assess"
)

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
